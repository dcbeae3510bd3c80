"""What travels between the run and a dask worker: jobs as a `Bundle`, what became of them as a `Word`.

    run ── Bundle ──► dask task ──► station
    run ◄── Word* ─── events of the scheduler, or the result of the dask task where it is large

A bundle is begun by whoever makes its file first, so it is begun once at most, whatever dask does when a worker is
lost: the file lies in the run folder, which all workers see.
"""

from __future__ import annotations

import os
import pickle
import platform
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import flowpar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice

    OutputKey = tuple[str, int | None]

CLAIMS = "scratch/dask"
_PROTOCOL = 5
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Jobs of one run that a dask worker makes one after another; `outputs` are those that they look up.

    The jobs travel without what they share. `claim` is the file whose maker begins them.
    """

    run: str
    number: int
    claim: str
    jobs: tuple[Job, ...]
    outputs: Mapping[OutputKey, ValueRef]

    def pack(self) -> bytes:
        """Return it as bytes, with the versions in front, which a worker of another version can read."""
        return pickle.dumps((own_versions(), pickle.dumps(self, _PROTOCOL)), _PROTOCOL)


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker says of a bundle: `notices` in order, timed by the clock of a machine that was booted as `boot`.

    `clock` is what that showed when it was said. With `is_last` nothing follows: the jobs that no completion was
    told of are `unbegun`, or the worker may not make any and says why in `refusal`; `was_begun` is that of a bundle
    that somebody else began.
    """

    number: int
    notices: tuple[Notice, ...] = ()
    is_last: bool = False
    unbegun: tuple[int, ...] = ()
    refusal: str = ""
    was_begun: bool = False
    clock: float = 0.0
    boot: str = ""

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


def claim(file: str) -> bool:
    """Make the file of a bundle; return whether nobody had before. Raises OSError where its folder is not seen."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True


def boot() -> str:
    """Return which boot of which machine this is: within one, clocks are the same."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def now() -> float:
    """Return the clock of this machine, by which notices are timed."""
    return time.monotonic()
