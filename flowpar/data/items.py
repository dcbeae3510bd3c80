"""Many values packed so that one can be taken out without decoding the others.

    places   start and end of each item (two u64), counted from the first byte of the body
    body     the encodings of the values one after another

Two items may share a place: a value that stands in a thousand combinations is kept once.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.data.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

# Where the buffers of an item start on a cache line inside it, they do so in the body, too.
_ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class PackedItems:
    """Encoded values by index; `places` and `body` may be views into a mapped file."""

    places: memoryview
    body: memoryview

    @classmethod
    def open(cls, places: bytes | memoryview, body: bytes | memoryview) -> PackedItems:
        """Return the items in these bytes."""
        return cls(memoryview(places).cast("B").cast("Q"), memoryview(body))

    def __len__(self) -> int:
        """Count the items."""
        return len(self.places) // 2

    def view(self, index: int) -> memoryview:
        """Return the encoding of one item, without copying it."""
        start, end = self.places[2 * index : 2 * index + 2]
        return self.body[start:end]

    def select(self, indices: Iterable[int]) -> PackedItems:
        """Return items in another order or number; the values stay where they are."""
        places = array("Q")
        for index in indices:
            places.extend(self.places[2 * index : 2 * index + 2])
        return PackedItems(memoryview(places), self.body)


def pack_items(values: Iterable[object]) -> PackedItems:
    """Encode each value by itself; raises NotEncodable where one can't be passed on."""
    places, body = array("Q"), bytearray()
    for value in values:
        encoded = encode(value)
        if len(encoded.chunks) > 1:
            body += bytes(-len(body) % _ALIGNMENT)
        start = len(body)
        for chunk in encoded.chunks:
            body += chunk
        places.extend((start, len(body)))
    return PackedItems(memoryview(places), memoryview(body))
