"""The care of a cache folder: what is in it, whether that is sound, and room for more.

    list_kept   entry by entry, the one used last first
    verify      all checksums taken; what is not as it was written is removed
    sweep       what was not used for longest goes until the rest fits, and blobs that no entry names

One process at a time sweeps; runs go on using the folder meanwhile, and find what is gone no more. While blobs are
removed nobody keeps anything (`data/cache_gate.py`), so none goes that is about to be named; entries go before them.
"""

# ruff: noqa: PTH118
# os does in one call what pathlib does in three: there may be 100,000 entries.

from __future__ import annotations

import math
import os
import shutil
import time
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.data.cache import BLOBS, ENTRIES, CacheFolder, read_entry
from flowpar.data.cache_entry import BadEntry, unpack
from flowpar.data.cache_gate import alone, lock_file, take
from flowpar.data.copying import DRAFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowpar.data.cache_entry import Entry

# Where those who keep something can't be held up: what is younger may be a run's that has not yet written its entry.
YOUNG_S = 600.0
_PATIENCE_S = 2.0
_OLD_DRAFT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry and how much it holds, with the blobs that others may share; times are of the wall clock."""

    name: str
    entry: Entry
    used_at: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed, and what is left."""

    entries: int
    freed_bytes: int
    left_bytes: int


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    name: str
    size_bytes: int
    used_at: float
    changed_at: float


def is_cache(path: Path) -> bool:
    """Whether a folder is that of a cache, or an empty one; raises OSError."""
    names = set(os.listdir(path))  # noqa: PTH208 - names
    return not names or ENTRIES in names


def list_kept(folder: CacheFolder) -> list[Kept]:
    """Return the sound entries, the one used last first; raises OSError."""
    found = [kept for file in _files(folder, ENTRIES) if (kept := _kept(file)) is not None]
    return sorted(found, key=lambda kept: kept.used_at, reverse=True)


def verify(folder: CacheFolder) -> tuple[int, list[str]]:
    """Take all checksums; return how many entries are sound, and what was wrong with those that were removed."""
    problems, sound = _cleared(folder), 0
    for file in _files(folder, ENTRIES):
        key = file.name.partition("-")[0]
        try:
            entry = unpack(read_entry(file.path) or b"", key)
            for blob, size_bytes in entry.blobs():
                folder.check_blob(blob, size_bytes, "", is_thorough=True)
        except (BadEntry, OSError) as error:
            if isinstance(error, PermissionError):
                raise  # whoever may read it will know whether it is sound
            if not os.path.lexists(file.path):
                continue  # it made room meanwhile
            reason = str(error) if isinstance(error, BadEntry) else (error.strerror or "").lower()
            problems.append(f"{file.name}: {reason}")
            folder.discard(file.path)
        else:
            sound += 1
    return sound, problems


def _cleared(folder: CacheFolder) -> list[str]:
    """Remove what stands in the place of entries and blobs and is no file; return what that was."""
    problems = []
    shelves = [shelf for home in (ENTRIES, BLOBS) for shelf in os.scandir(os.path.join(folder.path, home))]
    for shelf in shelves:
        for found in os.scandir(shelf.path) if shelf.is_dir(follow_symlinks=False) else ():
            if found.is_file(follow_symlinks=False):
                continue
            if found.is_dir(follow_symlinks=False):
                shutil.rmtree(found.path, ignore_errors=True)
            else:
                folder.discard(found.path)
            problems.append(f"{found.name}: it is no file")
    return problems


def remove(folder: CacheFolder, is_wanted: Callable[[Kept], bool], *, patience_s: float = 0.0) -> Swept | None:
    """Remove entries, and the blobs that are of no use without them; None where another process sweeps."""
    gone = {kept.name for kept in list_kept(folder) if is_wanted(kept)}
    return _swept(folder, None, lambda file: file.name in gone, patience_s)


def sweep(
    folder: CacheFolder, limit_bytes: int | None, *, oldest_at: float = 0.0, patience_s: float = 0.0
) -> Swept | None:
    """Remove what was used before `oldest_at`, then what was not used for longest, until all fits; raises OSError.

    None where another process does the same and is not done within `patience_s`.
    """
    return _swept(folder, limit_bytes, lambda file: file.used_at < oldest_at, patience_s)


def size_of(folder: CacheFolder) -> int:
    """Return how many bytes entries and blobs hold together; raises OSError."""
    return sum(file.size_bytes for home in (ENTRIES, BLOBS) for file in _files(folder, home))


def _swept(
    folder: CacheFolder, limit_bytes: int | None, is_doomed: Callable[[_File], bool], patience_s: float
) -> Swept | None:
    with _locked(folder, patience_s) as is_locked:
        if not is_locked:
            return None
        survey = _Survey(folder)
        survey.look()  # most of the work, while all others go on
        with alone(folder.path, folder.mode(), patience_s=_PATIENCE_S) as is_alone:
            survey.look()
            return survey.sweep(limit_bytes, is_doomed, math.inf if is_alone else time.time() - YOUNG_S)


class _Survey:
    """What is in a folder, and which blobs its entries name."""

    def __init__(self, folder: CacheFolder) -> None:
        self._folder = folder
        self._named: dict[tuple[str, float], frozenset[str]] = {}
        self._entries: list[_File] = []
        self._blobs: dict[str, _File] = {}

    def look(self) -> None:
        """See what there is now; entries that are as they were are not read again."""
        self._blobs = {file.name: file for file in _files(self._folder, BLOBS)}
        self._entries = sorted(_files(self._folder, ENTRIES), key=lambda file: file.used_at)
        for file in self._entries:
            if (file.path, file.changed_at) not in self._named:
                kept = _kept(file)
                blobs = () if kept is None else (blob for blob, _ in kept.entry.blobs())
                self._named[file.path, file.changed_at] = frozenset(blobs)

    def sweep(self, limit_bytes: int | None, is_doomed: Callable[[_File], bool], young_at: float) -> Swept:
        """Remove entries, and blobs that nobody names and nobody touched since `young_at`."""
        blobs, users = self._blobs, Counter(blob for file in self._entries for blob in self._blobs_of(file))
        left = sum(file.size_bytes for file in (*self._entries, *blobs.values()))
        freed = count = 0
        for blob in [name for name, file in blobs.items() if not users[name] and file.changed_at <= young_at]:
            freed += self._removed(blobs.pop(blob))
        for file in self._entries:
            is_over = limit_bytes is not None and left - freed > limit_bytes
            if not is_over and not is_doomed(file):
                continue
            freed += self._removed(file)
            count += 1
            for blob in self._blobs_of(file):
                users[blob] -= 1
                if not users[blob] and blob in blobs and blobs[blob].changed_at <= young_at:
                    freed += self._removed(blobs.pop(blob))
        return Swept(count, freed, left - freed)

    def _blobs_of(self, file: _File) -> frozenset[str]:
        return self._named[file.path, file.changed_at]

    def _removed(self, file: _File) -> int:
        self._folder.discard(file.path)
        return file.size_bytes


def _kept(file: _File) -> Kept | None:
    try:
        entry = unpack(read_entry(file.path) or b"", file.name.partition("-")[0])
    except (BadEntry, OSError):
        return None
    size = file.size_bytes + sum(size for _, size in set(entry.blobs()))
    return Kept(file.name, entry, file.used_at, size)


def _files(folder: CacheFolder, home: str) -> Iterator[_File]:
    """Give the files of entries or blobs; drafts that nobody will finish are removed."""
    with os.scandir(os.path.join(folder.path, home)) as shelves:
        paths = sorted(shelf.path for shelf in shelves if shelf.is_dir(follow_symlinks=False))
        loose = [] if home == ENTRIES else [os.path.join(folder.path, home)]
    for path in [*loose, *paths]:
        with os.scandir(path) as files:
            found = list(files)
        for file in found:
            with suppress(FileNotFoundError):  # removed a moment ago
                status = file.stat(follow_symlinks=False)
                if file.name.endswith(DRAFT):
                    if time.time() - status.st_ctime > _OLD_DRAFT_S:
                        folder.discard(file.path)
                elif file.is_file(follow_symlinks=False):
                    yield _File(file.path, file.name, status.st_size, status.st_mtime, status.st_ctime)


@contextmanager
def _locked(folder: CacheFolder, patience_s: float) -> Iterator[bool]:
    number = lock_file(folder.path, "lock", folder.mode())
    try:
        yield take(number, time.monotonic() + patience_s)
    finally:
        os.close(number)
