"""The care of a cache folder: what is in it, whether that is sound, and room for more.

    list_kept   entry by entry, the one used last first
    verify      all checksums taken; what is not as it was written is removed
    sweep       what was not used for longest goes until the rest fits, and blobs that no entry names

One process at a time sweeps; runs go on using the folder meanwhile, and find what is gone no more.
"""

# ruff: noqa: PTH118
# os does in one call what pathlib does in three: there may be 100,000 entries.

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.data.cache import BLOBS, ENTRIES, CacheFolder
from flowpar.data.cache_entry import BadEntry, unpack
from flowpar.data.copying import DRAFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowpar.data.cache_entry import Entry

# What is younger may be a run's that has written a blob and not yet its entry, or is writing it.
YOUNG_S = 600.0
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


def list_kept(folder: CacheFolder) -> list[Kept]:
    """Return the sound entries, the one used last first; raises OSError."""
    found = [kept for file in _files(folder, ENTRIES) if (kept := _kept(file)) is not None]
    return sorted(found, key=lambda kept: kept.used_at, reverse=True)


def verify(folder: CacheFolder) -> tuple[int, list[str]]:
    """Take all checksums; return how many entries are sound, and what was wrong with those that were removed."""
    problems, sound = [], 0
    for file in _files(folder, ENTRIES):
        key = file.name.partition("-")[0]
        try:
            entry = unpack(_content(file.path), key)
            for blob, size_bytes in entry.blobs():
                folder.check_blob(blob, size_bytes, "", is_thorough=True)
        except (BadEntry, OSError) as error:
            reason = str(error) if isinstance(error, BadEntry) else (error.strerror or "").lower()
            problems.append(f"{file.name}: {reason}")
            folder.discard(file.path)
        else:
            sound += 1
    return sound, problems


def remove(folder: CacheFolder, is_wanted: Callable[[Kept], bool]) -> Swept:
    """Remove entries, and the blobs that are of no use without them."""
    gone = [kept for kept in list_kept(folder) if is_wanted(kept)]
    for kept in gone:
        folder.discard(_path_of(folder, kept.name))
    swept = sweep(folder, None, young_s=YOUNG_S)
    freed = sum(kept.size_bytes for kept in gone)
    return Swept(len(gone), freed, swept.left_bytes)


def sweep(folder: CacheFolder, limit_bytes: int | None, *, oldest_at: float = 0.0, young_s: float = YOUNG_S) -> Swept:
    """Remove what was used before `oldest_at`, then what was not used for longest, until all fits; raises OSError.

    Where another process does the same, nothing is done. Blobs younger than `young_s` stay, whoever names them.
    """
    with _locked(folder) as is_locked:
        if not is_locked:
            return Swept(0, 0, 0)
        return _sweep(folder, limit_bytes, oldest_at, time.time() - young_s)


def size_of(folder: CacheFolder) -> int:
    """Return how many bytes entries and blobs hold together; raises OSError."""
    return sum(file.size_bytes for home in (ENTRIES, BLOBS) for file in _files(folder, home))


def _sweep(folder: CacheFolder, limit_bytes: int | None, oldest_at: float, young_at: float) -> Swept:
    entries = sorted(_files(folder, ENTRIES), key=lambda file: file.used_at)
    blobs = {file.name: file for file in _files(folder, BLOBS)}
    users: dict[str, int] = dict.fromkeys(blobs, 0)
    named: dict[str, set[str]] = {}
    for file in entries:
        kept = _kept(file)
        named[file.path] = set() if kept is None else {blob for blob, _ in kept.entry.blobs()}
        for blob in named[file.path]:
            users[blob] = users.get(blob, 0) + 1
    left = sum(file.size_bytes for file in (*entries, *blobs.values()))
    freed = count = 0
    for blob in [name for name, number in users.items() if not number and name in blobs]:
        if blobs[blob].changed_at <= young_at:
            freed += _removed(folder, blobs.pop(blob))
    for file in entries:
        is_over = limit_bytes is not None and left - freed > limit_bytes
        if not is_over and file.used_at >= oldest_at:
            break
        freed += _removed(folder, file)
        count += 1
        for blob in named[file.path]:
            users[blob] -= 1
            if not users[blob] and blob in blobs:
                freed += _removed(folder, blobs.pop(blob))
    return Swept(count, freed, left - freed)


def _removed(folder: CacheFolder, file: _File) -> int:
    folder.discard(file.path)
    return file.size_bytes


def _kept(file: _File) -> Kept | None:
    try:
        entry = unpack(_content(file.path), file.name.partition("-")[0])
    except (BadEntry, OSError):
        return None
    size = file.size_bytes + sum(size for _, size in set(entry.blobs()))
    return Kept(file.name, entry, file.used_at, size)


def _content(path: str) -> bytes:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(number, "rb") as stream:
        return stream.read()


def _path_of(folder: CacheFolder, name: str) -> str:
    key, _, place = name.partition("-")
    return folder.entry_path(key, place)


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
def _locked(folder: CacheFolder) -> Iterator[bool]:
    path = os.path.join(folder.path, "lock")
    number = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(number)
