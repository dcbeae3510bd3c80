"""Whether bytes are what was written: "<algorithm>:<hex>" over all of them.

    blake2b   everything but what is large
    sha256    large values, on processors with instructions for it: twice as fast there

Who checks takes the algorithm that the text names, so a run may go on on another machine.
"""

from __future__ import annotations

# The module under `hashlib`, which would load OpenSSL: each fork of a process that has it copies its mappings,
# a twentieth of the cost of a small task.
from _blake2 import blake2b
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BYTES = 32
# Loading OpenSSL takes some milliseconds, which is what it saves from here on.
_LARGE_BYTES = 16 << 20
# Of the first processor; it is far less on most machines.
_DESCRIPTION_BYTES = 16 << 10


class _Hash(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


def _sha256() -> _Hash:
    from hashlib import sha256

    return sha256()


def _blake2b() -> _Hash:
    return blake2b(digest_size=_BYTES)


_ALGORITHMS: dict[str, Callable[[], _Hash]] = {"blake2b": _blake2b, "sha256": _sha256}


def checksum(chunks: Iterable[bytes | bytearray | memoryview], *, size_bytes: int = 0) -> str:
    """Return the checksum of pieces of bytes, one after another; `size_bytes` is how many, where that matters."""
    return _taken("sha256" if size_bytes >= _LARGE_BYTES and _has_sha() else "blake2b", chunks)


def is_checksum_of(chunks: Iterable[bytes | bytearray | memoryview], expected: str) -> bool:
    """Whether pieces of bytes have a checksum; they have none whose algorithm is not known."""
    name = expected.partition(":")[0]
    return name in _ALGORITHMS and _taken(name, chunks) == expected


def _taken(name: str, chunks: Iterable[bytes | bytearray | memoryview]) -> str:
    taken = _ALGORITHMS[name]()
    for chunk in chunks:
        taken.update(chunk)
    return f"{name}:{taken.hexdigest()}"


@lru_cache(maxsize=1)
def _has_sha() -> bool:
    """Whether the processor has instructions for sha256: without, it is half as fast as blake2b, with, twice."""
    try:
        with open("/proc/cpuinfo", "rb") as lines:  # noqa: PTH123 - a path would be imported for this
            words = lines.read(_DESCRIPTION_BYTES).split()
    except OSError:
        return False
    return b"sha_ni" in words or b"sha2" in words
