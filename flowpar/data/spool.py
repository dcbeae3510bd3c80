"""What a worker has done of a bundle and the engine may not have recorded yet: one file a worker, one line an attempt.

    worker ── keep ──► pool/<pid>.done ── read_all ──► a resume, after the engine was killed

A line is JSON, then a tab and its checksum, so one that was torn is known. A file holds a single bundle: all before
it is recorded when the worker begins another one. Lines are not synced: they outlive every process, not a power cut.
"""

from __future__ import annotations

import errno
import json
import os
from binascii import a2b_base64, b2a_base64
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING
from zlib import crc32

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import ValueRef

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "pool"
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the record of an attempt says of it that its worker does not know; `item` and `key` as in events."""

    task: str
    item: int | None
    attempt: int
    layer: int
    round: int
    key: str | float | None
    fingerprint: str

    def pack(self) -> bytes:
        """Return it as JSON, to travel with a job; written by hand, as what becomes of the attempt is."""
        key, item = "null" if self.key is None else json.dumps(self.key), "null" if self.item is None else self.item
        place = f"{_quoted(self.task)},{item},{self.attempt},{self.layer},{self.round}"
        return f"[{place},{key},{_quoted(self.fingerprint)}]".encode("ascii")


@dataclass(frozen=True, slots=True)
class Kept:
    """An attempt that succeeded; `started_at` is since the epoch."""

    ticket: Ticket
    pid: int
    started_at: float
    duration_s: float
    value: ValueRef


class Spool:
    """The worker's own file; made when the first line is kept."""

    def __init__(self, run_dir: str) -> None:
        """Make nothing yet."""
        self._path = f"{run_dir}/{FOLDER}/{os.getpid()}.done"
        self._number: int | None = None
        self._is_empty = True

    def begin(self) -> None:
        """Forget what is kept: it is recorded."""
        if self._number is not None and not self._is_empty:
            os.ftruncate(self._number, 0)
            self._is_empty = True

    def keep(self, ticket: bytes, value: ValueRef, *, started_at: float, duration_s: float) -> None:
        """Keep one attempt; raises OSError where that cannot be."""
        line = b"[%b,%b]" % (ticket, _told(value, started_at, duration_s))
        if self._number is None:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - texts
            self._number = os.open(self._path, _NEW, 0o600)
        self._is_empty = False
        sealed = b"%b\t%08x\n" % (line, crc32(line))
        if os.write(self._number, sealed) < len(sealed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)


def _told(value: ValueRef, started_at: float, duration_s: float) -> bytes:
    """Return what became of an attempt as JSON, written by hand: an encoder takes three times as long."""
    inline = "null" if value.inline is None else f'"{b2a_base64(value.inline, newline=False).decode("ascii")}"'
    file = "null" if value.file is None else _quoted(value.file)
    is_plain = "true" if value.is_plain else "false"
    place = f"{value.size_bytes},{_quoted(value.checksum)},{is_plain},{inline},{file}"
    return f"[{os.getpid()},{started_at!r},{duration_s!r},{place}]".encode()


def read_all(run_dir: str) -> Iterator[Kept]:
    """Give what workers have kept, whole lines only."""
    folder = f"{run_dir}/{FOLDER}"
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - a path is not needed
    except OSError:
        return
    for name in names:
        try:
            with os.fdopen(os.open(f"{folder}/{name}", _READ), "rb") as lines:
                found = [_read(line) for line in lines]
        except OSError:
            continue  # a link, or no file
        yield from (kept for kept in found if kept is not None)


def _read(line: bytes) -> Kept | None:
    body, _, seal = line.rpartition(b"\t")
    if seal != b"%08x\n" % crc32(body):
        return None
    try:
        ticket, (pid, started_at, duration_s, size_bytes, checksum, is_plain, inline, file) = json.loads(body)
        value = ValueRef(size_bytes, checksum, is_plain, None if inline is None else a2b_base64(inline), file)
        return Kept(Ticket(*ticket), pid, started_at, duration_s, value)
    except (ValueError, TypeError, RecursionError):
        return None
