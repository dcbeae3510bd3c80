"""Reading a journal back: its records up to where it ends, or is no longer what was written.

    good lines                         all of it
    good lines, then a torn tail       the good lines; `JournalEnd.dropped_bytes` says that there was more
    good lines, damage, a good line    `StateError`, unless salvaged: then the good lines before the damage

A crash can tear what was written last and nothing else: whatever is bad with a good line after it, and
a good line out of its turn, is damage.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, BinaryIO
from zlib import crc32

import orjson

from flowpar.core.errors import StateError
from flowpar.core.frozen import dataclass
from flowpar.record.journal import JOURNAL_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Line = dict[str, object]

JOURNAL = "events.jsonl"
_SEAL = b',"crc32":"'
_SEAL_BYTES = len(_SEAL) + len(b'00000000"}\n')
# What never blocks on a FIFO that somebody put there, and follows no link.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Where a journal stops being good: after `count` records and `size_bytes` bytes.

    `dropped_bytes` follow, which are no record; `damaged_at` is the number of a damaged record where
    the journal was salvaged, None where nothing but a tail was torn off.
    """

    count: int
    size_bytes: int
    dropped_bytes: int = 0
    damaged_at: int | None = None


class JournalReader:
    """Goes through the records of a journal once, in order; `end` is known when that is over."""

    def __init__(self, path: Path, *, is_salvaged: bool = False) -> None:
        """Read `path`; where it is damaged, `is_salvaged` takes the good records before instead of raising."""
        self._path = path
        self._is_salvaged = is_salvaged
        self._count = 0
        self._size = 0
        self.end: JournalEnd | None = None

    def __iter__(self) -> Iterator[Line]:
        """Give each record as it was written; raises `StateError` and nothing else, whatever is in the file."""
        try:
            with open_journal(self._path) as stream:
                yield from self._records(stream)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StateError(f'cannot read the journal "{self._path}": {reason}') from error

    def _records(self, stream: BinaryIO) -> Iterator[Line]:
        for line in stream:
            record = record_in(line, self._count + 1) if is_sealed(line) else None
            if self._count == 0:
                self._check_version(line, record)
            if record is None:
                self._stop(line, stream)
                return
            self._count += 1
            self._size += len(line)
            yield record
        self.end = JournalEnd(self._count, self._size)

    def _check_version(self, line: bytes, record: Line | None) -> None:
        first = record or _parsed(line) or {}
        version = first.get("journal", JOURNAL_VERSION)
        if version != JOURNAL_VERSION:
            raise StateError(
                f'the journal "{self._path}" is of version {version!r:.20}, and this flowpar reads {JOURNAL_VERSION}',
                hint="use the flowpar that wrote it",
            )
        if record is not None and (record.get("event") != "run.started" or "journal" not in record):
            raise StateError(f'the journal "{self._path}" is corrupt at record 1: a run does not begin so')

    def _stop(self, line: bytes, stream: BinaryIO) -> None:
        """Tell a torn tail, which is let go, from damage, which is not."""
        is_torn = not is_sealed(line) and not any(map(is_sealed, stream))
        if is_torn and self._count == 0:
            is_torn = line.startswith(b"{")  # what begins otherwise was never a journal
        if not is_torn and not self._is_salvaged:
            raise StateError(
                f'the journal "{self._path}" is corrupt at record {self._count + 1}',
                hint=f"flowpar resume --salvage goes on with what is before it ({self._count} good records)",
            )
        dropped = os.fstat(stream.fileno()).st_size - self._size
        self.end = JournalEnd(self._count, self._size, dropped, None if is_torn else self._count + 1)


def open_journal(path: Path) -> BinaryIO:
    """Open a journal to read it, and nothing else that may be in its place."""
    number = os.open(path, _READ)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise StateError(f'the journal "{path}" is not a file')
    return os.fdopen(number, "rb", buffering=_BUFFER_BYTES)


def is_sealed(line: bytes) -> bool:
    """Whether a line is whole: every byte of it is covered by its checksum, or is fixed."""
    tail = line[-_SEAL_BYTES:]
    return tail == b'%b%08x"}\n' % (_SEAL, crc32(line[:-_SEAL_BYTES]))


def record_in(line: bytes, number: int) -> Line | None:
    """Return the record of a sealed line, or None where it is not the one that is due."""
    record = _parsed(line)
    if record is None or record.get("seq") != number or not isinstance(record.get("event"), str):
        return None
    if record["event"] in {"run.started", "run.resumed"}:
        return _parsed_exactly(line)  # inputs may be integers of any size, which orjson makes floats of
    return record


def _parsed(line: bytes) -> Line | None:
    try:
        found: object = orjson.loads(line)
    except ValueError:
        return _parsed_exactly(line)  # lone surrogates, of names of files that are no UTF-8
    return found if isinstance(found, dict) else None


def _parsed_exactly(line: bytes) -> Line | None:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
