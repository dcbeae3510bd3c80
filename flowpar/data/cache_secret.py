"""The secret of a cache folder: under it all digests are taken, so a digest of a short text tells nothing elsewhere."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from flowpar.data.copying import draft_of

_FILE = "key"
_BYTES = 32
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def secret_of(cache_dir: str) -> bytes:
    """Return the secret of a folder, made at the first time; raises OSError. With another one all keys are others."""
    path = f"{cache_dir}/{_FILE}"
    found = _read(path)
    if len(found) == _BYTES:
        return found
    if found:  # cut short: nothing is found under it, and nothing would be
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - a text
    draft = draft_of(path)
    number = os.open(draft, _NEW, 0o600)
    try:
        os.fchmod(number, 0o600 | (os.stat(cache_dir).st_mode & 0o066))  # noqa: PTH116 - a text
        os.write(number, secrets.token_bytes(_BYTES))
        os.fsync(number)
        with suppress(FileExistsError):
            os.link(draft, path)  # whoever is first makes it for all
    finally:
        os.close(number)
        os.unlink(draft)  # noqa: PTH108 - a text
    return _read(path)


def known_secret(cache_dir: str) -> bytes:
    """Return the secret of a folder, nothing where it has none or can't be read."""
    try:
        return _read(f"{cache_dir}/{_FILE}")
    except OSError:
        return b""


def _read(path: str) -> bytes:
    try:
        number = os.open(path, _READ)
    except FileNotFoundError:
        return b""
    try:
        return os.read(number, _BYTES + 1)
    finally:
        os.close(number)
