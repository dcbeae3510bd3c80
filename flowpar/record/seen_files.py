"""Digests of files that were read before, remembered as long as size, inode and time of change are the same.

    <cache>/files.sqlite     (path) ─► size, time of change, inode, digest

It is never the truth: without it files are read again. Small ones always are, which takes less than to ask.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "files.sqlite"
_WAIT_S = 1.0
_SMALL_BYTES = 32 * 1024
_PIECE_BYTES = 1 << 20
# A file may change again within one tick of its clock, and look the same.
_SETTLED_NS = 2 * 10**9
_VERSION = 2
_COLUMNS = "size, mtime_ns, ctime_ns, inode"
_TABLE = f"CREATE TABLE files (path TEXT PRIMARY KEY, {_COLUMNS}, digest TEXT)"

_Stamp = tuple[int, ...]


class SeenFiles:
    """Takes digests of files for one run, in any thread of it; nothing that goes wrong with SQLite leaves it."""

    def __init__(self, cache_dir: Path) -> None:
        """Open nothing yet."""
        self._file = cache_dir / _FILE
        self._database: sqlite3.Connection | None = None
        self._is_lost = False
        self._new: dict[str, tuple[_Stamp, str]] = {}
        self._in_use = Lock()

    def digest(self, path: str) -> str:
        """Return the digest of what a file holds; raises OSError."""
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - texts
            found = os.fstat(stream.fileno())
            if found.st_size < _SMALL_BYTES:
                return checksum([stream.read()])
            stamp = _stamp(found)
            known = self._known(path)
            if known is not None and known[0] == stamp:
                return known[1]
            digest = checksum(iter(partial(stream.read, _PIECE_BYTES), b""))
            after = os.fstat(stream.fileno())
        if _stamp(after) == stamp and time.time_ns() - found.st_mtime_ns > _SETTLED_NS:
            self._new[path] = (stamp, digest)
        return digest

    def close(self) -> None:
        """Keep what is new, and give the file back."""
        with self._in_use:
            rows = [(path, *stamp, digest) for path, (stamp, digest) in self._new.copy().items()]
            database = self._connected() if rows else self._database
            with suppress(sqlite3.Error, OSError):
                if rows and database is not None:
                    database.execute("BEGIN IMMEDIATE")
                    database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows)
                    database.execute("COMMIT")
            if database is not None:
                database.close()
            self._database, self._is_lost = None, True

    def _known(self, path: str) -> tuple[_Stamp, str] | None:
        if path in self._new:
            return self._new[path]
        with self._in_use:
            database = self._connected()
            if database is None:
                return None
            try:
                row = database.execute(f"SELECT {_COLUMNS}, digest FROM files WHERE path = ?", (path,)).fetchone()  # noqa: S608
                return None if row is None else (tuple(map(int, row[:4])), str(row[4]))
            except (sqlite3.Error, ValueError, TypeError):
                self._is_lost = True
                return None

    def _connected(self) -> sqlite3.Connection | None:
        if self._database is None and not self._is_lost:
            try:
                self._database = _opened(self._file)
            except (sqlite3.Error, OSError):
                self._is_lost = True
        return self._database


def _stamp(status: os.stat_result) -> _Stamp:
    """Return what is another one where a file was written to, also by one who puts its time back."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _opened(file: Path) -> sqlite3.Connection:
    for is_last in (False, True):
        _make(file)
        database = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            # Nothing is lost with it, so it need not wait for the disk.
            database.execute("PRAGMA synchronous = OFF")
            if version == 0:
                database.executescript(f"BEGIN IMMEDIATE; {_TABLE}; PRAGMA user_version = {_VERSION}; COMMIT")
            elif version != _VERSION:
                raise sqlite3.DataError("another version")
        except sqlite3.DatabaseError:
            database.close()
            if is_last:
                raise
            with suppress(FileNotFoundError):
                file.unlink()
        else:
            return database
    raise sqlite3.OperationalError("it cannot be made anew")


def _make(file: Path) -> None:
    """Make the file where it is not there, with the rights that its folder gives to others."""
    number = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # it is another user's
            os.fchmod(number, 0o600 | (file.parent.stat().st_mode & 0o066))
    finally:
        os.close(number)
