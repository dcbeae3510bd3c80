"""Digests that are the same in every process, short: whether plain data, or bytes, changed.

Mappings and sets count whatever the order of their entries, numbers by type and value, dataclasses by
their fields.
"""

from __future__ import annotations

import os

# The module under `hashlib`, which would load OpenSSL: see `core/checksum.py`.
from _blake2 import blake2b
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

__all__ = ["digest", "digest_bytes"]

# 64 bits: what is compared are a task's few versions with each other, not all tasks of the world.
_BYTES = 8


def digest(value: object) -> str:
    """Return 16 hexadecimal digits for a value; raises RecursionError where it is too deep."""
    return digest_bytes(_encoded(value))


def digest_bytes(content: bytes) -> str:
    """Return 16 hexadecimal digits for the content of a file."""
    return blake2b(content, digest_size=_BYTES).hexdigest()


def _encoded(value: object) -> bytes:
    """Return bytes that no other value has; the commonest types first, by their name: a plan has 100,000 tasks."""
    kind = type(value)
    if kind is str:
        return _part(b"str", cast("str", value).encode("utf-8", "surrogatepass"))
    if kind is int or kind is float or kind is bool or value is None:
        return _part(kind.__name__.encode(), repr(value).encode())
    if kind is dict:
        entries = [_encoded(key) + _encoded(entry) for key, entry in cast("dict[object, object]", value).items()]
        return _part(b"map", b"".join(sorted(entries)))
    return _encoded_as(value)


def _encoded_as(value: object) -> bytes:
    """Do the same for what is like one of those, or of another type."""
    if isinstance(value, str):
        return _part(b"str", value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bool | int | float):
        return _part(type(value).__name__.encode(), repr(value).encode())
    if isinstance(value, Mapping):
        return _encoded(dict(value))
    if isinstance(value, bytes | bytearray):
        return _part(b"bytes", bytes(value))
    if isinstance(value, Sequence):
        return _part(type(value).__name__.encode(), b"".join(map(_encoded, value)))
    if isinstance(value, AbstractSet):
        return _part(b"set", b"".join(sorted(map(_encoded, value))))
    if isinstance(value, os.PathLike):
        return _part(b"path", os.fsencode(value))
    names = getattr(type(value), "__dataclass_fields__", None)
    held = repr(value).encode() if names is None else b"".join(_encoded(getattr(value, name)) for name in names)
    return _part(type(value).__name__.encode(), held)


def _part(name: bytes, content: bytes) -> bytes:
    # With its length, so that what follows cannot pass for a part of it.
    return b"%b %d:%b" % (name, len(content), content)
