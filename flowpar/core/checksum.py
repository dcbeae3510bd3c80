"""Whether bytes are what was written: "<algorithm>:<hex>" over all of them.

    blake2b   everything but what is large
    crc32     large values: taken at the speed of the memory, while the value is written

Who checks takes the algorithm that the text names. A crc32 finds every accident; whoever would make a file to fit
it can write to the run folder, and so to the journal beside it.
"""

from __future__ import annotations

# The module under `hashlib`, which would load OpenSSL: each fork of a process that has it copies its mappings,
# a twentieth of the cost of a small task.
from _blake2 import blake2b
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    Chunks = Iterable[bytes | bytearray | memoryview]

_BYTES = 32
_LARGE_BYTES = 16 << 20


def checksum(chunks: Chunks, *, size_bytes: int = 0) -> str:
    """Return the checksum of pieces of bytes, one after another; `size_bytes` is how many, where that matters."""
    return _crc32(chunks) if size_bytes >= _LARGE_BYTES else _blake2b(chunks)


def is_checksum_of(chunks: Chunks, expected: str) -> bool:
    """Whether pieces of bytes have a checksum; they have none whose algorithm is not known."""
    match expected.partition(":")[0]:
        case "blake2b":
            return _blake2b(chunks) == expected
        case "crc32":
            return _crc32(chunks) == expected
        case _:
            return False


def _blake2b(chunks: Chunks) -> str:
    taken = blake2b(digest_size=_BYTES)
    for chunk in chunks:
        taken.update(chunk)
    return f"blake2b:{taken.hexdigest()}"


def _crc32(chunks: Chunks) -> str:
    taken = 0
    for chunk in chunks:
        taken = crc32(chunk, taken)
    return f"crc32:{taken:08x}"
