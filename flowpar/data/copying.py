"""A file under another name, at the least cost that is safe; it is there whole or not at all.

share   hard link ─► reflink ─► copy     for values, which nobody ever changes
copy    reflink ─► copy                  for files of users, who may write into theirs
"""

# ruff: noqa: PTH105, PTH108, PTH118
# os does in one call what pathlib does in three, on the way of each large value.

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import suppress

_FICLONE = 0x40049409
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_PIECE_BYTES = 1 << 24
# What a file system says that has no clones, or not across its border.
_NO_CLONE = frozenset(
    {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EBADF}
)
DRAFT = ".draft"


def draft_of(path: str) -> str:
    """Return a name beside a file that nobody else takes."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:64]}.{secrets.token_hex(6)}{DRAFT}")


def share(source: str, target: str, *, mode: int = 0o600, may_link: bool = True, is_synced: bool = False) -> None:
    """Let `target` be what `source` is; a file that is there already is replaced."""
    if may_link:
        draft = draft_of(target)
        try:
            os.link(source, draft, follow_symlinks=False)
        except OSError as error:
            if isinstance(error, FileNotFoundError) or error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
        else:
            _take_place(draft, target)
            return
    copy(source, target, mode=mode, is_synced=is_synced)


def copy(source: str, target: str, *, mode: int = 0o600, is_synced: bool = False) -> None:
    """Let `target` hold what `source` holds now, and be another file."""
    origin = os.open(source, _READ)
    try:
        draft = draft_of(target)
        number = os.open(draft, _NEW, mode)
        try:
            os.fchmod(number, mode)
            _fill(origin, number)
            if is_synced:
                os.fsync(number)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        finally:
            os.close(number)
    finally:
        os.close(origin)
    _take_place(draft, target)


def write(target: str, content: bytes, *, mode: int = 0o600, is_synced: bool = False) -> None:
    """Write a file in one move."""
    draft = draft_of(target)
    number = os.open(draft, _NEW, mode)
    try:
        os.fchmod(number, mode)
        view = memoryview(content)
        while view:
            view = view[os.write(number, view) :]
        if is_synced:
            os.fsync(number)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    finally:
        os.close(number)
    _take_place(draft, target)


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
        view = memoryview(piece)
        while view:
            view = view[os.write(number, view) :]
