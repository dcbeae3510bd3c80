"""What a process is told that makes an attempt of an earlier run once more, and never writes to that run.

    command ── Replay, in a file that has no name ──► a fresh Python ── the item is bound ──► Job ──► the attempt

It has the terminal of the command, whose place it takes; or its output is read, where values are only shown.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.outcome import ValueRef
from flowpar.data.codec import decode_plain
from flowpar.execute.attempt import Attempt
from flowpar.execute.expansion import Expansion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.data.codec import Encoded
    from flowpar.execute.attempt import Post
    from flowpar.execute.base import Job

_HOME: Final = str(Path(__file__).parents[2])
_BEGIN: Final = """\
import sys
sys.path[:] = [entry for entry in sys.path if entry] + [home for home in sys.argv[3:] if home not in sys.path]
from importlib import import_module
import_module(sys.argv[1]).main(int(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """An attempt to be made once more; where it is at an item, `expand` makes all items, but for the names in `fed`.

    `name` is how a person names it, `run` its run. `gone` has for tasks whose output it may read the files that are
    not there any more. `ways` are the options of the one who reads this.
    """

    job: Job
    name: str
    run: str
    expand: Job | None = None
    fed: Mapping[str, bytes] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, object] = field(default_factory=dict)

    def send(self) -> int:
        """Return a descriptor from which a process to come reads this; secrets are in it, so no file has it."""
        content = pickle.dumps(self, 5)
        for low in range(3):
            with suppress(OSError):  # a closed one would be the first free number, and taken for stdout
                os.fstat(low)
                continue
            os.open(os.devnull, os.O_RDWR)
        if hasattr(os, "memfd_create"):
            number = os.memfd_create("flowpar-replay", 0)
        else:
            with tempfile.TemporaryFile() as file:
                number = os.dup(file.fileno())
        with os.fdopen(os.dup(number), "wb") as stream:
            stream.write(content)
        os.lseek(number, 0, os.SEEK_SET)
        os.set_inheritable(number, True)  # noqa: FBT003  # the stdlib's signature
        return number

    @classmethod
    def receive(cls, number: int) -> Replay:
        """Read what was sent."""
        with os.fdopen(number, "rb") as stream:
            found: Replay = pickle.loads(stream.read())
        return found

    def bound(self, post: Post) -> Job:
        """Return the job with what its item is bound to; raises what an attempt at the list raises."""
        if self.expand is None and not self.fed:
            return self.job
        bindings = pickle.loads(self.job.bindings)
        each, key = dict(self.fed), None
        if self.expand is not None:
            lists = Harmless(self.expand, post)
            lists.follow()
            expansion = Expansion.opened(decode_plain(lists.kept))
            each |= expansion.item(bindings.index)
            key = None if expansion.keys is None else expansion.keys[bindings.index]
        return replace(self.job, bindings=pickle.dumps(replace(bindings, each=each, key=key), 5))


def command_of(module: str, number: int) -> list[str]:
    """Return the command that runs `main` of a module of ours in a fresh Python, which finds what this one finds."""
    return [sys.executable, "-P", "-c", _BEGIN, module, str(number), _HOME]


class Harmless(Attempt):
    """An attempt that has a scratch folder elsewhere and keeps nothing in the run folder."""

    def __init__(self, job: Job, post: Post, *, scratch: str = "") -> None:
        """Use the folder `scratch`, where the job has a use for one."""
        super().__init__(job, post, is_isolated=True, is_cancelled=bool)
        self.kept: bytes | memoryview = b""
        self._scratch = scratch

    def scratch(self, run_dir: str) -> AbstractContextManager[str]:
        """Return the folder, which stays until the process ends."""
        del run_dir
        return nullcontext(self._scratch)

    def keep(self, encoded: Encoded, name: str, *, as_file: bool) -> ValueRef:
        """Keep a value in memory, the last one only."""
        del name, as_file
        self.kept = encoded.join()
        return ValueRef(encoded.size_bytes, "", encoded.is_plain, inline=b"")
