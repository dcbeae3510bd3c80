"""The journal of a run: what happened, one JSON object a line, durable before anyone relies on it.

    {"timestamp": …, "seq": 7, "event": "task.succeeded", "task": …, "value": {…}, "crc32": "9ae0daaf"}

`seq` counts lines from 1. `crc32` is the last member and covers every byte before its comma, so a
reader cuts it off by length. A value under 64 KiB travels in its line, a larger one is named by
file, checksum and size, and was written before the line. What only passes by (progress, log lines,
printed text, notes) is not kept here.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from contextlib import suppress
from typing import TYPE_CHECKING, NotRequired, TypedDict
from zlib import crc32

from flowpar.core.errors import StateError
from flowpar.core.events import (
    RunNoted,
    RunStarted,
    TaskEnded,
    TaskExpanded,
    TaskLogged,
    TaskPrinted,
    TaskProgressed,
    TaskRepeating,
    TaskStarted,
)
from flowpar.core.outcome import Success
from flowpar.core.point import pieces, point
from flowpar.record.sync import SyncAside
from flowpar.report.line import iso
from flowpar.report.told import Writer, rest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.core.events import Event
    from flowpar.core.outcome import ValueRef
    from flowpar.record.reading import JournalEnd
    from flowpar.report.told import Told

JOURNAL_VERSION = 1
_PASSING = frozenset({TaskProgressed, TaskLogged, TaskPrinted, RunNoted})
_UNCLAIMED = frozenset({TaskStarted, TaskExpanded})  # nothing is lost with these: what only began, begins again
_HELD_BYTES = 1 << 20  # lines kept in memory at most, should nobody commit
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_OLD = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_sync = getattr(os, "fdatasync", os.fsync)


class ValueFields(TypedDict):
    """Where a value is: `inline` holds its bytes as base64, `file` is relative to the run folder."""

    size_bytes: int
    checksum: str
    is_plain: bool
    inline: NotRequired[str]
    file: NotRequired[str]


class Journal(Writer):
    """The event sink that is the truth; it has one writer and is never rewritten.

    `emit` keeps lines in memory, `flush` writes all of them at once, and `commit` syncs them, too, if one
    of them says that something ended; `begin_commit` lets the disk begin with that, and `commit` waits for the
    rest. A disk that is full or broken raises `StateError`: then nothing that was not committed happened.
    """

    def __init__(self, path: Path, *, is_synced: bool = True, after: JournalEnd | None = None) -> None:
        """Create the file, which must not exist, and make its name durable; or go on `after` what is there."""
        self._path = path
        self._is_synced = is_synced
        self._lines: list[bytes] = []
        self._held = 0
        self._owes_sync = False
        self._unsynced_bytes = self._bytes_aside = 0
        self._count = 0 if after is None else after.count
        self._size = 0 if after is None else after.size_bytes
        try:
            self._fd = _create(path, is_synced=is_synced) if after is None else _reopen(path, after)
        except OSError as error:
            raise self._failure("create" if after is None else "go on with", error) from error
        self._aside = SyncAside(self._fd)

    @classmethod
    def reopen(cls, path: Path, end: JournalEnd, *, is_synced: bool = True) -> Journal:
        """Go on with a journal that was read up to `end`; for who holds the run's lock.

        A torn tail is cut off; what a salvage leaves behind is kept beside, in `events.damaged.jsonl`.
        """
        return cls(path, is_synced=is_synced, after=end)

    @property
    def durable_bytes(self) -> int:
        """How much of the file a power cut leaves."""
        return self._size

    def tell(self, told: Told) -> None:
        """Keep one line until the next commit."""
        event = told.event
        if type(event) in _PASSING:
            return
        self._count += 1
        start = f'{{"timestamp":"{iso(event.at)}","seq":{self._count},"event":"{told.name}"'.encode("ascii")
        alone = _kept_here_alone(event)
        line = sealed(start + (told.rest[:-1] + rest_of(alone) if alone else told.rest))
        self._lines.append(line)
        self._held += len(line)
        self._owes_sync = self._owes_sync or type(event) not in _UNCLAIMED
        if self._held > _HELD_BYTES:
            self.commit()

    def flush(self) -> None:
        """Write what was emitted: a kill of this process no longer takes it."""
        if not self._lines:
            return
        content = b"".join(self._lines)
        try:
            self._write(content)
        except OSError as error:
            raise self._broken(error) from error
        self._lines.clear()
        self._held = 0
        self._unsynced_bytes += len(content)

    def begin_commit(self) -> None:
        """Write what was emitted and let the disk begin to keep it; it is durable after the next `commit`."""
        self.flush()
        if not self._is_synced or not self._owes_sync or self._aside.is_under_way:
            return
        try:
            point("journal.sync")
        except OSError as error:
            raise self._broken(error) from error
        if self._aside.begin():
            self._owes_sync = False
            self._bytes_aside = self._unsynced_bytes

    def commit(self) -> None:
        """Write what was emitted and wait until it is on disk."""
        self.flush()
        if not self._unsynced_bytes:
            return
        try:
            if self._aside.is_under_way:
                self._aside.wait()
                self._note_durable(self._bytes_aside)
            if self._is_synced and self._owes_sync:
                point("journal.sync")
                _sync(self._fd)
        except OSError as error:
            raise self._broken(error) from error
        self._owes_sync = False
        self._note_durable(self._unsynced_bytes)
        point("journal.committed")

    def _note_durable(self, size_bytes: int) -> None:
        self._size += size_bytes
        self._unsynced_bytes -= size_bytes

    def close(self) -> None:
        """Commit what is left and give the descriptor back."""
        if self._fd < 0:
            return
        try:
            self.commit()
        finally:
            self._aside.close()
            os.close(self._fd)
            self._fd = -1

    def _write(self, content: bytes) -> None:
        point("journal.write")
        for piece in pieces("journal.torn", content):
            view = piece
            while view:
                view = view[os.write(self._fd, view) :]

    def _broken(self, error: OSError) -> StateError:
        self._aside.close()
        self._owes_sync = True
        # A commit that failed half-way leaves a torn line; readers stop before one, but better none.
        with suppress(OSError):
            os.ftruncate(self._fd, self._size)
        return self._failure("write", error)

    def _failure(self, verb: str, error: OSError) -> StateError:
        return StateError(
            f'cannot {verb} the journal "{self._path}": {(error.strerror or str(error)).lower()}',
            hint="free some space or choose another folder with --state-dir",
        )


def _create(path: Path, *, is_synced: bool) -> int:
    number = os.open(path, _NEW, 0o600)
    os.fchmod(number, 0o600)  # the umask may have taken our own rights away
    if is_synced:
        sync_folder(path.parent)
    return number


def _reopen(path: Path, end: JournalEnd) -> int:
    if end.damaged_at is not None:
        _keep_damaged(path)
    number = os.open(path, _OLD)
    if os.fstat(number).st_size != end.size_bytes + end.dropped_bytes:
        os.close(number)
        raise StateError(f'the journal "{path}" was changed after it was read', hint="try again")
    try:
        if end.dropped_bytes:
            os.ftruncate(number, end.size_bytes)
            point("journal.sync")
            _sync(number)
    except OSError:
        os.close(number)
        raise
    return number


def _keep_damaged(path: Path) -> None:
    # Here alone records are cut off that no crash can have torn: somebody may want to look at them.
    aside = path.with_name("events.damaged.jsonl")
    partial = path.with_name(".events.damaged.jsonl.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, _NEW, 0o600), "wb") as copy, path.open("rb") as damaged:
        import shutil  # late: few are damaged, and it brings libraries for archives

        shutil.copyfileobj(damaged, copy)
    partial.replace(aside)


def _kept_here_alone(event: Event) -> Mapping[str, object] | None:
    """Return what the journal says of an event and nobody else."""
    if isinstance(event, TaskEnded):
        if isinstance(event.outcome, Success):
            return {"value": value_fields(event.outcome.value)}
        return None if event.previous is None else {"previous": value_fields(event.previous)}
    if isinstance(event, TaskRepeating):
        return {"value": value_fields(event.value)}
    if isinstance(event, RunStarted):
        return {"journal": JOURNAL_VERSION, "run_id": event.run_id, "workflow": event.workflow}
    return None


def value_fields(ref: ValueRef) -> ValueFields:
    """Return a value's place as the journal writes it."""
    fields: ValueFields = {"size_bytes": ref.size_bytes, "checksum": ref.checksum, "is_plain": ref.is_plain}
    if ref.inline is not None:
        fields["inline"] = b2a_base64(ref.inline, newline=False).decode("ascii")
    if ref.file is not None:
        fields["file"] = ref.file
    return fields


def sealed(record: bytes) -> bytes:
    """Return an encoded JSON object as a journal line: with its checksum as last member and a line end."""
    body = record[:-1]
    return b'%b,"crc32":"%08x"}\n' % (body, crc32(body))


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable; file systems that cannot say so by themselves are let be."""
    point("folder.sync")
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
