"""The secret of a cache folder: under it all digests are taken, so a digest of a short text tells nothing elsewhere.

<cache>/key     32 random bytes | their checksum
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum, is_checksum_of
from flowpar.data.copying import draft_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FILE = "key"
_BYTES = 32
_LARGEST_BYTES = 256
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def secret_of(cache_dir: str, tell: Callable[[str], None] = lambda _: None) -> bytes:
    """Return the secret of a folder, made at the first time; raises OSError.

    One that is damaged is made anew, which is told: with another one all keys are others, and nothing is found.
    """
    path = f"{cache_dir}/{_FILE}"
    content = _read(path)
    if found := _secret_in(content):
        return found
    if content:
        with _alone(cache_dir):
            if found := _secret_in(_read(path)):
                return found  # another run was quicker
            with suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108 - a text
        tell(f'"{path}" was cut short or altered and is made anew, so nothing is found that was kept before')
    draft = draft_in(cache_dir)
    number = os.open(draft, _NEW, 0o600)
    try:
        os.fchmod(number, 0o600 | (os.stat(cache_dir).st_mode & 0o066))  # noqa: PTH116 - a text
        secret = secrets.token_bytes(_BYTES)
        os.write(number, secret + checksum([secret]).encode())
        os.fsync(number)
        with suppress(FileExistsError):
            os.link(draft, path)  # whoever is first makes it for all
    finally:
        os.close(number)
        os.unlink(draft)  # noqa: PTH108 - a text
    return _secret_in(_read(path))


def known_secret(cache_dir: str) -> bytes:
    """Return the secret of a folder, nothing where it has none or can't be read."""
    try:
        return _secret_in(_read(f"{cache_dir}/{_FILE}"))
    except OSError:
        return b""


@contextmanager
def _alone(cache_dir: str) -> Iterator[None]:
    """Let nobody else remove a damaged secret meanwhile."""
    number = os.open(cache_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _secret_in(content: bytes) -> bytes:
    """Return the secret that a file holds, nothing where it is damaged; an early one has no checksum."""
    secret, told = content[:_BYTES], content[_BYTES:].decode("ascii", "replace")
    return secret if len(secret) == _BYTES and (not told or is_checksum_of([secret], told)) else b""


def _read(path: str) -> bytes:
    try:
        number = os.open(path, _READ)
    except FileNotFoundError:
        return b""
    try:
        return os.read(number, _LARGEST_BYTES)
    finally:
        os.close(number)
