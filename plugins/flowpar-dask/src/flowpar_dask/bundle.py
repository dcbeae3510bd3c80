"""What travels between the run and a dask worker: jobs as a `Bundle`, what became of them as a `Word`.

    run ── Bundle ──► dask task ──► station
    run ◄── Word* ─── events of the scheduler, or the result of the dask task where it is large

A bundle is taken by whoever makes its file first, so it is taken once at most, whatever dask does when a worker is
lost: the file lies in the run folder, which all workers see. It names another one, in which the processes of that
worker note what they begin (see `flowpar.execute.begun`): what is in none can be made elsewhere.
"""

from __future__ import annotations

import os
import pickle
import platform
import secrets
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import flowpar
from flowpar.execute.begun import BegunFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice
    from flowpar.execute.begun import Begun

    from flowpar_dask.near import Maker

    OutputKey = tuple[str, int | None]

CLAIMS = "scratch/dask"
_PROTOCOL = 5
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Jobs of one run that a dask worker makes one after another; `outputs` are those that they look up.

    The jobs travel without what they share. `claim` is the file whose maker takes them, `boot` that of the machine
    of the run. `makers` says of files with values that they may read who made them.
    """

    run: str
    number: int
    claim: str
    jobs: tuple[Job, ...]
    outputs: Mapping[OutputKey, ValueRef]
    boot: str = ""
    makers: Mapping[str, Maker] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return it as bytes, with the versions in front, which a worker of another version can read."""
        return pickle.dumps((own_versions(), pickle.dumps(self, _PROTOCOL)), _PROTOCOL)


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker says of a bundle: `notices` in order, timed by the clock of a machine that was booted as `boot`.

    `clock` is what that showed when it was said. With `is_last` nothing follows: the jobs that no completion was
    told of are `unbegun`, or the worker may not make any and says why in `refusal`; `was_begun` is that of a bundle
    that somebody else began. `maker` is who says it; he `lacks` what jobs share, by its digest.
    """

    number: int
    notices: tuple[Notice, ...] = ()
    is_last: bool = False
    unbegun: tuple[int, ...] = ()
    refusal: str = ""
    was_begun: bool = False
    clock: float = 0.0
    boot: str = ""
    maker: Maker | None = None
    lacks: str = ""

    def pack(self) -> bytes:
        """Return it as bytes."""
        return pickle.dumps(self, _PROTOCOL)


def unpack_word(content: bytes) -> Word:
    """Read what a worker said: our own classes and text, no value is opened."""
    word: Word = pickle.loads(content)
    return word


def unpack_bundle(content: bytes) -> tuple[Mapping[str, str], bytes]:
    """Return the versions of who packed a bundle, and the rest, which is read where they fit."""
    versions, rest = pickle.loads(content)
    return versions, rest


def open_bundle(rest: bytes) -> Bundle:
    """Read a bundle of our own version."""
    bundle: Bundle = pickle.loads(rest)
    return bundle


def own_versions() -> dict[str, str]:
    """Return what must be the same on both sides."""
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "flowpar": flowpar.__version__,
        "flowpar-dask": metadata.version("flowpar-dask"),
    }


def differences(theirs: Mapping[str, str]) -> str:
    """Return in what the versions of the other side differ from ours, "" where they don't."""
    ours = own_versions()
    return ", ".join(
        f"{name} {ours[name]} here and {theirs.get(name, 'none')} there"
        for name in ours
        if ours[name] != theirs.get(name)
    )


def mark_of(run_dir: str, run: str) -> Path:
    """Return the file by which a worker knows that it sees the run folder, and not one of its own at that place."""
    return Path(run_dir, CLAIMS, run)


def claim(file: str, begun: str = "") -> bool:
    """Make the file of a bundle; return whether nobody had before. Raises OSError where its folder is not seen.

    `begun` names the file in which what is begun of it is noted; "" where nothing will be.
    """
    draft = f"{file}.{secrets.token_hex(8)}"
    Path(draft).write_text(begun)
    try:
        os.link(draft, file)  # at once, and with all that is in it
    except FileExistsError:
        return False
    finally:
        Path(draft).unlink()
    return True


def claim_again(file: str, begun: str) -> None:
    """Name another file in one that this worker made."""
    draft = Path(f"{file}.{secrets.token_hex(8)}")
    draft.write_text(begun)
    draft.replace(file)


def begun_of(file: str) -> Begun | None:
    """Let nothing of a bundle begin any more that somebody took, and return what had; None where nobody can say."""
    try:
        begun = Path(file).read_text()
        return BegunFile(begun).close() if begun else None
    except OSError:
        return None


def boot() -> str:
    """Return which boot of which machine this is: within one, clocks are the same."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def now() -> float:
    """Return the clock of this machine, by which notices are timed."""
    return time.monotonic()
