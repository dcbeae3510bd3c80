"""The folder of a cache: what attempts came to, under keys that say all that they were made from.

    entries/<k>/<key>[-<place>]   one file an entry, of a few KB
    blobs/<h>/<checksum>          large values, and files that tasks wrote, each once
    lock                          one at a time makes room

Everything is written beside its place and moved there, and carries its checksum: a reader that meets a kill, another
run or a foreign hand finds an entry whole, or none. Any number of runs may use a folder at once.
"""

# ruff: noqa: PTH102, PTH103, PTH108, PTH116, PTH118, PTH120
# os does in one call what pathlib does in three: 10,000 items are looked up in a few seconds.

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum, is_checksum_of
from flowpar.core.outcome import ValueRef
from flowpar.core.point import point
from flowpar.data.cache_entry import BadEntry, BlobGone, Entry, unpack
from flowpar.data.cache_gate import keeping
from flowpar.data.copying import copy, draft_in, share, write
from flowpar.data.parts import PARTS, encode_parts, has_files, parts_in
from flowpar.data.stamp import value_stamp

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ENTRIES, BLOBS = "entries", "blobs"
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_PIECE_BYTES = 1 << 20
_INLINE_BYTES = 64 * 1024
_OTHERS = 0o077
# Of what may not be read nobody knows that it is damaged.
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EIO})


class CacheFolder:
    """A folder of entries and blobs; holds nothing open, so any number of processes may have one."""

    def __init__(self, path: str, *, is_synced: bool = False) -> None:
        """Use the folder at `path`, made by `create`; where it `is_synced`, what is written is on disk."""
        self.path = path
        self._is_synced = is_synced
        self._rights: int | None = None

    def create(self) -> None:
        """Make the folder, private to the user, where it is not there; raises OSError."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        if not os.path.lexists(f"{self.path}/.gitignore"):
            write(f"{self.path}/.gitignore", b"*\n", mode=self.mode())
        for name in (ENTRIES, BLOBS):
            self._make_folder(f"{self.path}/{name}")

    def entry_path(self, key: str, place: str = "") -> str:
        """Return where the entry of a key is."""
        return f"{self.path}/{ENTRIES}/{key[:2]}/{key}-{place}" if place else f"{self.path}/{ENTRIES}/{key[:2]}/{key}"

    def blob_path(self, name: str) -> str:
        """Return where a blob is; raises BadEntry for a name that is none."""
        if not name.isalnum() or not name.isascii():
            raise BadEntry("it names no blob")
        return f"{self.path}/{BLOBS}/{name[:2]}/{name}"

    def find(self, key: str, place: str = "") -> Entry | None:
        """Return the entry of a key, that of the checkout `place` before one of any; raises BadEntry or OSError.

        What is no entry any more is removed, so that nobody stumbles over it again.
        """
        for path in (self.entry_path(key, place), self.entry_path(key)) if place else (self.entry_path(key),):
            content = read_entry(path)
            if content is None:
                continue
            try:
                return unpack(content, key)
            except BadEntry:
                self.discard(path)
                raise
        return None

    def is_gone(self, key: str, place: str = "") -> bool:
        """Whether there is no entry of a key."""
        return not any(map(os.path.lexists, (self.entry_path(key, place), self.entry_path(key))))

    def touch(self, key: str, place: str = "") -> None:
        """Note that an entry was of use."""
        for path in (self.entry_path(key, place), self.entry_path(key)):
            with suppress(OSError):
                os.utime(path)
                return

    def discard(self, path: str) -> None:
        """Remove an entry, or a blob that is none."""
        with suppress(OSError):
            os.unlink(path)

    def keeping(self) -> AbstractContextManager[None]:
        """Let no blob be removed between being written, or found, and being named by an entry; may raise OSError."""
        return keeping(self.path, self.mode())

    def keep(self, entry: Entry, run_dir: str, *, place: str = "") -> None:
        """Keep what an attempt came to, whose values are files of the run folder; raises OSError."""
        value, values = entry.value, entry.values
        if has_files(value):
            value, values = self._kept_value(value, run_dir)
        path = self.entry_path(entry.key, place)
        content = replace(entry, value=value, values=values).pack()
        point("cache.create")
        self._in_folder(path, partial(write, content=content, mode=self.mode(), is_synced=self._is_synced))

    def keep_file(self, source: str) -> tuple[str, int, str]:
        """Keep a file as it is now as a blob; return its name, its size and its stamp. Raises OSError."""
        draft = draft_in(f"{self.path}/{BLOBS}")
        copy(source, draft, mode=self.mode(), is_synced=self._is_synced)
        try:
            name, size_bytes = _digest(draft), os.stat(draft).st_size
            path = self.blob_path(name)
            if not self._has_blob(name, size_bytes):
                point("cache.blob")
                self._in_folder(path, partial(_moved, draft))
        finally:
            with suppress(OSError):
                os.unlink(draft)
        return name, size_bytes, _stamp_at(path)

    def restore(self, entry: Entry, run_dir: str, name: str) -> ValueRef:
        """Return the value of an entry as one of a run, its files under `name` there; raises BadEntry or OSError."""
        if entry.values is None:
            return self._restored(entry.value, run_dir, name)
        parts = [self._restored(part, run_dir, f"{name}-{number}") for number, part in enumerate(entry.values)]
        encoded = encode_parts(parts)
        data = encoded.join()
        if len(data) < _INLINE_BYTES:
            return ValueRef(len(data), checksum([data]), encoded.is_plain, inline=data)
        file = f"values/{name}.val"
        path = os.path.join(run_dir, file)
        os.makedirs(os.path.join(run_dir, "values"), mode=0o700, exist_ok=True)
        write(path, data, is_synced=self._is_synced)
        return ValueRef(len(data), checksum([data]), encoded.is_plain, file=file, stamp=_stamp_at(path))

    def check_blob(self, name: str, size_bytes: int, stamp: str, *, is_thorough: bool = False) -> str:
        """Return the path of a blob that is as it was written; raises BadEntry, and removes one that is not.

        Its checksum is taken where size, inode or time of change do not say the same.
        """
        path = self.blob_path(name)
        try:
            number = os.open(path, _READ)
        except OSError as error:
            if error.errno in _DENIED:
                raise
            raise BlobGone(f"a blob of it is missing: {(error.strerror or '').lower()}") from error
        with os.fdopen(number, "rb", buffering=0) as stream:
            status = os.fstat(number)
            is_same = status.st_size == size_bytes and stat.S_ISREG(status.st_mode)
            if is_same and not is_thorough and value_stamp(status) == stamp:
                return path
            pieces = iter(partial(stream.read, _PIECE_BYTES), b"")
            if not is_same or not is_checksum_of(pieces, f"blake2b:{name}"):
                self.discard(path)
                raise BadEntry("a blob of it was cut short or altered")
        return path

    def _restored(self, ref: ValueRef, run_dir: str, name: str) -> ValueRef:
        if ref.file is None:
            return ref
        source = self.check_blob(ref.file, ref.size_bytes, ref.stamp)
        file = f"values/{name}.val"
        path = os.path.join(run_dir, file)
        os.makedirs(os.path.join(run_dir, "values"), mode=0o700, exist_ok=True)
        share(source, path, may_link=not self._of_others(), is_synced=self._is_synced)
        return replace(ref, file=file, stamp=_stamp_at(path))

    def _kept_value(self, ref: ValueRef, run_dir: str) -> tuple[ValueRef, tuple[ValueRef, ...] | None]:
        """Return a value whose files are blobs."""
        data = ref.inline
        if data is None:
            with open(os.path.join(run_dir, ref.file or ""), "rb") as stream:  # noqa: PTH123 - a text
                is_list = stream.read(len(PARTS)) == PARTS
                data = PARTS + stream.read() if is_list else None
        if data is None:
            return self._kept(ref, run_dir), None
        parts = tuple(self._kept(part, run_dir) for part in parts_in(data))
        return ValueRef(0, "", ref.is_plain, inline=b""), parts

    def _kept(self, ref: ValueRef, run_dir: str) -> ValueRef:
        if ref.file is None:
            return ref
        source = os.path.join(run_dir, ref.file)
        algorithm, _, name = ref.checksum.partition(":")
        if algorithm != "blake2b":
            name = _digest(source)
        path = self.blob_path(name)
        if not self._has_blob(name, ref.size_bytes):
            point("cache.blob")
            self._in_folder(path, partial(_shared, source, mode=self.mode(), may_link=not self._of_others()))
        return replace(ref, file=name, checksum=f"blake2b:{name}", stamp=_stamp_at(path))

    def _has_blob(self, name: str, size_bytes: int) -> bool:
        """Whether a blob is there and sound: who names it vouches for it, and it is young again."""
        try:
            path = self.check_blob(name, size_bytes, "")
            os.chmod(path, self.mode())  # noqa: PTH101 - a text; where nobody can be kept out, age is all that is seen
        except (BadEntry, OSError):
            return False
        return True

    def _in_folder(self, path: str, put: partial[None]) -> None:
        """Write a file, and its folder where that is missing."""
        try:
            put(target=path)
        except FileNotFoundError:
            shelf = os.path.dirname(path)
            os.makedirs(os.path.dirname(shelf), mode=0o700, exist_ok=True)
            self._make_folder(shelf)
            put(target=path)

    def _make_folder(self, path: str) -> None:
        """Make a folder where it is not there, with the rights that the whole gives to others, whatever the umask."""
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        found = stat.S_IMODE(os.stat(path).st_mode)  # by which files in it have its group, where it says so
        if found | self._of_others() != found:
            with suppress(OSError):  # it is another user's
                os.chmod(path, found | self._of_others())  # noqa: PTH101 - a text

    def _of_others(self) -> int:
        """Return the rights that others have to the folder: what is in it is theirs in the same way."""
        if self._rights is None:
            self._rights = os.stat(self.path).st_mode & _OTHERS
        return self._rights

    def mode(self) -> int:
        """Return the rights of the files that are in it."""
        return 0o600 | (self._of_others() & 0o066)


def read_entry(path: str) -> bytes | None:
    """Return what the file of an entry holds, None where there is none; raises OSError."""
    try:
        number = os.open(path, _READ)
    except FileNotFoundError:
        return None
    try:
        return b"".join(iter(partial(os.read, number, _PIECE_BYTES), b""))
    finally:
        os.close(number)


def _shared(source: str, *, target: str, mode: int, may_link: bool) -> None:
    share(source, target, mode=mode, may_link=may_link)


def _moved(draft: str, *, target: str) -> None:
    os.replace(draft, target)  # noqa: PTH105 - a text


def _digest(path: str) -> str:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a text
        return checksum(iter(partial(stream.read, _PIECE_BYTES), b"")).partition(":")[2]


def _stamp_at(path: str) -> str:
    return value_stamp(os.stat(path, follow_symlinks=False))
