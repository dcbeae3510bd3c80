"""A list as references to its parts: what a function yielded, kept one by one and never once more as a whole.

    encoding   magic | count u64 | pickle of a place for each part

A part is inline or a file of its own, so the list costs its writer no copy and its reader decodes each part.
"""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any, cast

from flowpar.core.outcome import ValueRef
from flowpar.data.codec import Damaged, Encoded, decode_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the encoding of such a list begins with.
PARTS = b"\x93fpl"
_HEAD = struct.Struct("<4sQ")


def encode_parts(parts: Sequence[ValueRef]) -> Encoded:
    """Return the encoding of a list whose values are kept already."""
    places = [(part.size_bytes, part.checksum, part.is_plain, part.inline, part.file, part.stamp) for part in parts]
    head, body = _HEAD.pack(PARTS, len(places)), pickle.dumps(places, 5)
    return Encoded((head, body), len(head) + len(body), all(part.is_plain for part in parts))


def has_files(ref: ValueRef) -> bool:
    """Whether a value, or a part of it, is a file."""
    return ref.inline is None or ref.inline[:4] == PARTS


def count_parts(data: bytes | memoryview) -> int | None:
    """Return how many parts a list has; None for the encoding of anything else."""
    if data[:4] != PARTS:
        return None
    try:
        return int(_HEAD.unpack_from(data)[1])
    except struct.error as error:
        raise Damaged("the encoding of a list is cut off") from error


def parts_in(data: bytes | memoryview) -> list[ValueRef]:
    """Return the parts of a list; runs no code of theirs."""
    places = cast("list[tuple[Any, ...]]", decode_plain(data[_HEAD.size :]))
    try:
        parts = [ValueRef(*place) for place in places]
    except TypeError as error:
        raise Damaged("the encoding of a list is not as it is written") from error
    if len(parts) != count_parts(data):
        raise Damaged("the encoding of a list is cut off")
    return parts
