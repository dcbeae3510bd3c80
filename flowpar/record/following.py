"""A journal read while it is written: what has been added since the last look, and no more.

    JournalTail ── news ──► whole records, in order

A last line that is not whole yet is read when it is; one that stays bad is where the journal ends for a reader, as a
resume cuts it off and writes on from there. Where what was read is no longer what is there (a resume with --salvage) it
begins anew, with the start of the run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.core.errors import StateError
from flowpar.record.reading import JOURNAL, is_sealed, open_journal, record_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from flowpar.record.reading import Line

_MOST_BYTES = 4 << 20  # of one look, so that somebody may be told in between
_LONGEST_LINE_BYTES = 64 << 20


class JournalTail:
    """Follows the journal of a run; close it in the end."""

    def __init__(self, run_dir: Path) -> None:
        """Begin at its beginning; it need not be there yet."""
        self._path = run_dir / JOURNAL
        self._stream: BinaryIO | None = None
        self._rest = b""
        self._count = 0
        self._size = 0  # of the lines that were given
        self.is_damaged = False

    def news(self) -> Iterator[Line]:
        """Give the records that are whole now and were not given yet; at most a few MiB of them at once."""
        self.is_damaged = False
        stream = self._opened()
        if stream is None:
            return
        stream.seek(self._size)
        content = stream.read(_MOST_BYTES)
        while content and b"\n" not in content and len(content) < _LONGEST_LINE_BYTES:
            more = stream.read(_MOST_BYTES)
            if not more:
                return
            content += more
        for line in content[: content.rfind(b"\n") + 1].splitlines(keepends=True):
            record = record_in(line, self._count + 1) if is_sealed(line) else None
            if record is None:
                self.is_damaged = True
                return
            self._count += 1
            self._size += len(line)
            yield record

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _opened(self) -> BinaryIO | None:
        """Return the journal as it is now, None where there is none yet."""
        try:
            found = self._path.stat(follow_symlinks=False)
            if self._stream is not None:
                is_same = os.path.samestat(found, os.fstat(self._stream.fileno()))
                if is_same and found.st_size >= self._size:
                    return self._stream
                self.close()
                self._count = self._size = 0
            self._stream = open_journal(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StateError(f'cannot read the journal "{self._path}": {reason}') from error
        return self._stream


class ProgressTail:
    """Follows what running tasks say of how far they are, which is in the log of a run and not in its journal."""

    def __init__(self, path: Path, *, most_bytes: int = 1 << 18) -> None:
        """Begin near the end: only what was said last counts."""
        self._path = path
        self._most_bytes = most_bytes
        self._size = -1

    def news(self, mark: bytes) -> list[bytes]:
        """Return the new lines with `mark` in them; nothing where there is no log."""
        with suppress(OSError), self._path.open("rb") as stream:
            end = os.fstat(stream.fileno()).st_size
            stream.seek(max(self._size, end - self._most_bytes, 0))
            content = stream.read(self._most_bytes)
            whole = content.rfind(b"\n") + 1
            self._size = stream.tell() - len(content) + whole
            return [line for line in content[:whole].splitlines() if mark in line]
        return []
