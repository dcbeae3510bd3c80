"""Where values live between tasks: small ones inside their reference, large ones as files of the run folder.

    put   value ──► inline bytes | values/<name>.val   (written beside, then moved in place)
    get   reference ──► value, mapped copy-on-write: no copy, and a reader may change it

A file is written once and never changed, so its inode and time of change tell that it is the same;
where they differ its checksum is taken again.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH118, PTH119, PTH120
# os does in one call what pathlib does in three, on the way of each large value.

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum, is_checksum_of
from flowpar.core.outcome import ValueRef
from flowpar.core.point import point
from flowpar.data.codec import Damaged, decode, decode_plain, encode
from flowpar.data.parts import count_parts, parts_in
from flowpar.data.room import DRAFT, take_room
from flowpar.data.stamp import value_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowpar.data.codec import Encoded

INLINE_BYTES = 64 * 1024
_FOLDER = "values"
# From here on hashing in a thread of its own, while the file is written, saves more than the thread costs.
_PARALLEL_BYTES = 4 << 20
_NOT_A_LINK = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class ValueLost(Exception):  # noqa: N818 - it says what became of the value
    """The file of a value is gone or is not what was written."""


class ValueStore:
    """The values of one run; any number of processes may use the same folder."""

    def __init__(
        self,
        run_dir: str | os.PathLike[str],
        *,
        limit_bytes: int | None = None,
        is_synced: bool = False,
        is_known_anywhere: bool = False,
        near: str = "",
    ) -> None:
        """Keep files below the run folder, which must exist; together they hold up to `limit_bytes`.

        Where it `is_synced`, a value is on disk before anybody is told of it. Where it `is_known_anywhere`, large ones
        have a checksum that no other value of the world has, which takes longer. What is read is looked for in the
        folder `near` first, if any, where somebody puts copies that are nearer.
        """
        self._run_dir = os.fspath(run_dir)
        self._limit_bytes = limit_bytes
        self._is_synced = is_synced
        self._is_known_anywhere = is_known_anywhere
        self._near = near

    def put(self, value: object, name: str, *, as_file: bool = False) -> ValueRef:
        """Encode a value and keep it under a name that is new in this run.

        Raises NotEncodable, OSError where the disk is full, or NoRoom where the limit is reached.
        """
        return self.put_encoded(encode(value), name, as_file=as_file)

    def put_encoded(self, encoded: Encoded, name: str, *, as_file: bool = False) -> ValueRef:
        """Keep what is encoded already."""
        if encoded.size_bytes < INLINE_BYTES and not as_file:
            data = encoded.join()
            return ValueRef(len(data), checksum([data]), encoded.is_plain, inline=data)
        file = f"{_FOLDER}/{name}.val"
        digest, stamp = self._write(encoded, os.path.join(self._run_dir, file))
        return ValueRef(encoded.size_bytes, digest, encoded.is_plain, file=file, stamp=stamp)

    def get(self, ref: ValueRef) -> object:
        """Return the value of a reference; runs code of its classes, so for workers only."""
        return self._read(ref, decode)

    def get_plain(self, ref: ValueRef) -> object:
        """Return the value of a reference without running code of a class; raises NotPlain where there is one."""
        return self._read(ref, decode_plain)

    def count(self, ref: ValueRef) -> int | None:
        """Return how many parts a list has that is kept in parts; None for any other value."""
        return count_parts(self._data(ref))

    def parts(self, ref: ValueRef) -> list[ValueRef]:
        """Return the parts of a list that is kept in parts, without opening one."""
        return parts_in(self._data(ref))

    def data(self, ref: ValueRef) -> bytes | memoryview:
        """Return the encoding of a value; raises ValueLost."""
        return self._data(ref)

    def files(self, ref: ValueRef) -> list[str]:
        """Return the paths of the files that a value is in, its own last."""
        parts = self.parts(ref) if self.count(ref) is not None else []
        names = (os.path.split(each.file) for each in (*parts, ref) if each.file is not None)
        # What a file says of others is not trusted to stay among the values.
        return [os.path.join(self._run_dir, folder, name) for folder, name in names if folder == _FOLDER]

    def _read(self, ref: ValueRef, decoder: Callable[[bytes | memoryview], object]) -> object:
        data = self._data(ref)
        try:
            if count_parts(data) is None:
                return decoder(data)
            return [self._read(part, decoder) for part in parts_in(data)]
        except Damaged as error:
            raise ValueLost(f'the value file "{ref.file}" is damaged: {error}') from error

    def _data(self, ref: ValueRef) -> bytes | memoryview:
        return self._map(ref) if ref.inline is None else ref.inline

    def _map(self, ref: ValueRef) -> memoryview:
        file = ref.file or ""
        if self._near:
            # A copy that is not whole, or goes away meanwhile, is no loss: the file of the run is there.
            with suppress(ValueLost):
                return self._mapped(ref, os.path.join(self._near, os.path.basename(file)))
        return self._mapped(ref, os.path.join(self._run_dir, file))

    def _mapped(self, ref: ValueRef, path: str) -> memoryview:
        try:
            number = os.open(path, os.O_RDONLY | _NOT_A_LINK)
        except OSError as error:
            raise ValueLost(f'the value file "{ref.file}" cannot be read: {error.strerror}') from error
        try:
            status = os.fstat(number)
            if status.st_size != ref.size_bytes:
                raise ValueLost(f'the value file "{ref.file}" has {status.st_size} bytes and not {ref.size_bytes}')
            view = memoryview(mmap.mmap(number, 0, access=mmap.ACCESS_COPY))
            if value_stamp(status) != ref.stamp and not is_checksum_of([view], ref.checksum):
                raise ValueLost(f'the value file "{ref.file}" was changed: its checksum does not match')
        finally:
            os.close(number)
        return view

    def _write(self, encoded: Encoded, path: str) -> tuple[str, str]:
        folder = os.path.dirname(path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        draft = f"{path}.{os.getpid()}{DRAFT}"
        point("value.create")
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_A_LINK, 0o600)
        try:
            if self._limit_bytes is not None:
                take_room(number, folder, size_bytes=encoded.size_bytes, limit_bytes=self._limit_bytes)
            digest = _write_hashed(number, encoded, 0 if self._is_known_anywhere else encoded.size_bytes)
            if self._is_synced:
                point("value.sync")
                os.fsync(number)
            stamp = value_stamp(os.fstat(number))
            point("value.rename")
            os.replace(draft, path)
            if self._is_synced:
                _sync_folder(folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        finally:
            os.close(number)
        return digest, stamp


def _sync_folder(folder: str) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _write_hashed(number: int, encoded: Encoded, size_bytes: int) -> str:
    """Write an encoding and return its checksum; it is one for values of `size_bytes`."""
    if encoded.size_bytes < _PARALLEL_BYTES:
        _write_all(number, encoded.chunks)
        return checksum(encoded.chunks, size_bytes=size_bytes)
    found: list[str] = []

    def take() -> None:
        found.append(checksum(encoded.chunks, size_bytes=size_bytes))

    hashing = Thread(target=take, name="flowpar-checksum")
    hashing.start()
    try:
        _write_all(number, encoded.chunks)
    finally:
        hashing.join()
    return found[0]


def _write_all(number: int, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
    for chunk in chunks:
        point("value.write")
        view = memoryview(chunk)
        while view:
            view = view[os.write(number, view) :]
