"""A short digest of plain data that is the same in every process: for telling whether something changed.

Mappings and sets count whatever the order of their entries, numbers by type and value, dataclasses by
their fields.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from hashlib import sha256

# 64 bits: what is compared are a task's few versions with each other, not all tasks of the world.
_BYTES = 8


def digest(value: object) -> str:
    """Return 16 hexadecimal digits for a value; raises RecursionError where it is too deep."""
    return _hashed(value)[:_BYTES].hex()


def digest_bytes(content: bytes) -> str:
    """Return 16 hexadecimal digits for the content of a file."""
    return sha256(content, usedforsecurity=False).digest()[:_BYTES].hex()


def _hashed(value: object) -> bytes:
    return sha256(b"".join(_parts(value)), usedforsecurity=False).digest()


def _parts(value: object) -> list[bytes]:
    # Each part is of one length or carries its own, so that no two values have the same parts.
    name = type(value).__name__
    if value is None or isinstance(value, bool | int | float):
        return [f"{name} {value!r}".encode()]
    if isinstance(value, str):
        return [b"str ", value.encode("utf-8", "surrogatepass")]
    if isinstance(value, bytes | bytearray):
        return [b"bytes ", bytes(value)]
    if isinstance(value, os.PathLike):
        return [b"path ", os.fsencode(value)]
    if isinstance(value, Mapping):
        return [b"map ", *sorted(_hashed(key) + _hashed(entry) for key, entry in value.items())]
    if isinstance(value, AbstractSet):
        return [b"set ", *sorted(map(_hashed, value))]
    if isinstance(value, Sequence):
        return [f"{name} ".encode(), *map(_hashed, value)]
    if is_dataclass(value):
        held = (getattr(value, field.name) for field in fields(value))
        return [f"{name} ".encode(), *map(_hashed, held)]
    return [f"{name} {value!r}".encode()]
