"""A file under another name, at the least cost that is safe; it is there whole or not at all.

share   hard link ─► reflink ─► copy     for values, which nobody ever changes
copy    reflink ─► copy                  for files of users, who may write into theirs

A copy has no name before it is whole, where the file system can do that: whoever is killed at it leaves nothing.
"""

# ruff: noqa: PTH105, PTH108, PTH110, PTH118, PTH120
# os does in one call what pathlib does in three, on the way of each large value.

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FICLONE = 0x40049409
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_PIECE_BYTES = 1 << 24
_OPENED = "/proc/self/fd"
# What a file system says that has no clones, or not across its border.
_NO_CLONE = frozenset(
    {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EBADF}
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
DRAFT = ".draft"


class _NoName(Exception):  # noqa: N818 - it says what there is not
    """A file that has no name can't be given one."""


def draft_in(folder: str) -> str:
    """Return a path in a folder that nobody else takes."""
    return os.path.join(folder, f".{secrets.token_hex(8)}{DRAFT}")


def share(source: str, target: str, *, mode: int = 0o600, may_link: bool = True, is_synced: bool = False) -> None:
    """Let `target` be what `source` is; a file that is there already is replaced."""
    if may_link:
        draft = draft_in(os.path.dirname(target))
        try:
            os.link(source, draft, follow_symlinks=False)
        except OSError as error:
            if isinstance(error, FileNotFoundError) or error.errno in _FULL:
                raise
        else:
            _take_place(draft, target)
            return
    copy(source, target, mode=mode, is_synced=is_synced)


def copy(source: str, target: str, *, mode: int = 0o600, is_synced: bool = False) -> None:
    """Let `target` hold what `source` holds now, and be another file."""
    origin = os.open(source, _READ)
    try:
        try:
            with _replacing(target, mode, is_synced=is_synced, is_nameless=True) as number:
                _fill(origin, number)
        except _NoName:  # in some sandboxes
            os.lseek(origin, 0, os.SEEK_SET)
            with _replacing(target, mode, is_synced=is_synced) as number:
                _fill(origin, number)
    finally:
        os.close(origin)


def write(target: str, content: bytes, *, mode: int = 0o600, is_synced: bool = False) -> None:
    """Write a file in one move."""
    with _replacing(target, mode, is_synced=is_synced) as number:
        _write(number, content)


@contextmanager
def _replacing(target: str, mode: int, *, is_synced: bool, is_nameless: bool = False) -> Iterator[int]:
    """Give a new file to write to, which takes the place of `target` when all went well and is gone otherwise."""
    folder = os.path.dirname(target)
    draft = draft_in(folder)
    nameless = _open_nameless(folder, mode) if is_nameless else None
    number = os.open(draft, _NEW, mode) if nameless is None else nameless
    try:
        os.fchmod(number, mode)
        yield number
        if is_synced:
            os.fsync(number)
        if nameless is not None:
            _name(nameless, draft)
        _take_place(draft, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    finally:
        os.close(number)


def _open_nameless(folder: str, mode: int) -> int | None:
    """Return a new file without a name, None where there can be none, or none that could be given a name later."""
    if not os.path.exists(_OPENED):
        return None
    try:
        return os.open(folder or ".", os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, mode)
    except (AttributeError, OSError):  # who may not write there, or has no folder, is told when a named one is tried
        return None


def _name(number: int, path: str) -> None:
    """Give a file without a name its first one."""
    # A descriptor beside the path is what makes Python follow the link in /proc.
    try:
        os.link(f"{_OPENED}/{number}", path, src_dir_fd=number, follow_symlinks=True)
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise _NoName from error


def _take_place(draft: str, target: str) -> None:
    try:
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    # Where both were links to one file already, the draft is still there: that is how rename is.
    with suppress(OSError):
        os.unlink(draft)


def _fill(origin: int, number: int) -> None:
    try:
        fcntl.ioctl(number, _FICLONE, origin)
    except OSError as error:
        if error.errno not in _NO_CLONE:
            raise
    else:
        return
    while piece := os.read(origin, _PIECE_BYTES):
        _write(number, piece)


def _write(number: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(number, view) :]
