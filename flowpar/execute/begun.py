"""Which attempts were begun, and which of them are over, for somebody who outlives all that make them: a file.

    worker ── begin, over ──► file ◄── close ── whoever lost the worker
                                        └─► Begun: what is in none of it has not begun, and never will

A line is written before the attempt begins. Who closes the file has it moved away first, and a worker looks for it
after each line: so either the line is read, or the attempt does not begin. Lines outlive every process; with
`is_synced` they outlive the machine, too.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.execute.standing_word import Done, Word
from flowpar.execute.wire import BadFrame, Frame

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = struct.Struct("<QII")
_CLOSED = ".closed"
# A value that is larger is made again; and no more than so much is kept in all.
_LARGEST_OVER_BYTES = 4096
_MOST_BYTES = 32 << 20
_SYNCED = getattr(os, "O_DSYNC", os.O_SYNC)


@dataclass(frozen=True, slots=True)
class BegunFile:
    """Where it is; whoever hands out jobs makes it before, and nobody does once it was closed."""

    path: str
    is_synced: bool = False

    def make(self) -> None:
        """Make it, empty; raises OSError where that can't be."""
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))

    def open(self) -> BegunLines:
        """Return what writes to it; raises OSError where it was closed."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | (_SYNCED if self.is_synced else 0)
        return BegunLines(self.path, os.open(self.path, flags))

    def close(self) -> Begun:
        """Let nothing begin any more, and return what had; raises OSError where it can't be read."""
        closed = self.path + _CLOSED
        with suppress(FileNotFoundError):  # it was closed before
            os.rename(self.path, closed)  # noqa: PTH104 - texts
        with open(closed, "rb") as lines:  # noqa: PTH123 - a text
            return _read(lines.read())


@dataclass(frozen=True, slots=True)
class Begun:
    """The numbers of the jobs that were begun, and how those ended that are over, each with the pid of who made it."""

    jobs: frozenset[int]
    over: Mapping[int, tuple[int, Done]]


class BegunLines:
    """Writes lines; a line of an attempt that is over goes with the next one that begins."""

    def __init__(self, path: str, number: int) -> None:
        """Own the descriptor."""
        self._path = path
        self._number = number
        self._kept = b""
        self._written = 0

    def begin(self, job: int) -> bool:
        """Note that an attempt begins; return whether it may. Raises OSError where that can't be noted."""
        line = self._kept + _LINE.pack(job, os.getpid(), 0)
        self._kept = b""
        self._write(line)
        return os.path.exists(self._path)  # noqa: PTH110 - a text

    def over(self, done: Done) -> None:
        """Note how an attempt ended, with the next line that is written."""
        body = done.pack()
        if len(body) <= _LARGEST_OVER_BYTES and self._written < _MOST_BYTES:
            self._kept += _LINE.pack(done.job, os.getpid(), len(body)) + body

    def flush(self) -> None:
        """Write what is kept; where that can't be, the attempts pass for begun."""
        kept, self._kept = self._kept, b""
        if kept:
            with suppress(OSError):
                self._write(kept)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._number)

    def _write(self, line: bytes) -> None:
        self._written += len(line)
        if os.write(self._number, line) < len(line):
            raise OSError(f"there is no room for {self._path}")


def _read(content: bytes) -> Begun:
    jobs: set[int] = set()
    over: dict[int, tuple[int, Done]] = {}
    place = 0
    while place + _LINE.size <= len(content):
        job, pid, length = _LINE.unpack_from(content, place)
        place += _LINE.size
        body = content[place : place + length]
        place += length
        jobs.add(job)
        if length and len(body) == length:
            with suppress(BadFrame):
                over[job] = (pid, Done.unpack(Frame(Word.DONE, body)))
    return Begun(frozenset(jobs), over)
