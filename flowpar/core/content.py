"""Digests by which the cache knows a value again, in any process and on any machine: keyed, and wide.

Values count by type and content, mappings with the order of their entries, as a function may ask for it. A path below
`root`, the checkout, counts by what follows, so that another checkout has the same digest. The key keeps those from
guessing what was digested who see digests and not the folder of the cache.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import uuid

# The module under `hashlib`, which would load OpenSSL: see `core/checksum.py`.
from _blake2 import blake2b
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath

from flowpar.core.errors import NeedsWorker

_BYTES = 16
_DEEPEST = 100
_BY_REPR = (
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    complex,
    range,
)


class Digester:
    """Takes digests under one key."""

    def __init__(self, key: bytes, root: str) -> None:
        """Know the key, and the folder that counts as nothing."""
        self._key = key
        self._root = root.rstrip("/")
        self._below = f"{self._root}/"

    def value(self, value: object) -> str:
        """Return 32 hexadecimal digits for a value; raises NeedsWorker where it is of a class nobody knows here."""
        return self.content(self._encoded(value, 0))

    def content(self, content: bytes) -> str:
        """Return 32 hexadecimal digits for bytes."""
        return blake2b(content, digest_size=_BYTES, key=self._key).hexdigest()

    def _encoded(self, value: object, depth: int) -> bytes:
        if isinstance(value, str):
            return _part(b"str" if type(value) is str else _name(value), self._text(value))
        if value is None or isinstance(value, bool | int | float):
            return _part(_name(value), repr(value).encode())
        if depth > _DEEPEST:
            raise NeedsWorker("it is nested too deeply")
        if isinstance(value, Mapping):
            entries = [self._encoded(part, depth + 1) for entry in value.items() for part in entry]
            return _part(_name(value), b"".join(entries))
        if isinstance(value, bytes | bytearray):
            return _part(_name(value), bytes(value))
        if isinstance(value, list | tuple):
            return _part(_name(value), b"".join([self._encoded(part, depth + 1) for part in value]))
        if isinstance(value, AbstractSet):
            return _part(_name(value), b"".join(sorted(self._encoded(part, depth + 1) for part in value)))
        if isinstance(value, PurePath):
            return _part(b"path", self._text(str(value)))
        if isinstance(value, _BY_REPR):
            return _part(_name(value), repr(value).encode())
        return self._fields(value, depth)

    def _fields(self, value: object, depth: int) -> bytes:
        """Encode a dataclass of ours, such as the error of a task; of the user's none is ever here."""
        names = getattr(type(value), "__dataclass_fields__", None)
        if names is None or isinstance(value, Sequence):
            raise NeedsWorker(f"it holds a {type(value).__name__}")
        held = [self._encoded(getattr(value, name), depth + 1) for name in names]
        return _part(_name(value), b"".join(held))

    def _text(self, text: str) -> bytes:
        if text.startswith(self._root) and (text == self._root or text.startswith(self._below)):
            return b"\0root" + text[len(self._root) :].encode("utf-8", "surrogatepass")
        return text.encode("utf-8", "surrogatepass")


def _name(value: object) -> bytes:
    return type(value).__name__.encode()


def _part(name: bytes, content: bytes) -> bytes:
    # With its length, so that what follows cannot pass for a part of it.
    return b"%b %d:%b" % (name, len(content), content)
