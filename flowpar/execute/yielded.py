"""What a function yields: each value is kept and told at once, and the output is the list of them all.

generator ─► value ─► kept ─┬─► told at once: {index, value}
                             └─► at the end: a list of places, of which no value is copied

pack    ValueRef ─► plain JSON      what travels through the managed Queue
unpack  what any task may have put there ─► (index, ValueRef), or None
"""

from __future__ import annotations

from binascii import Error as BadBase64
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import ValueRef
from flowpar.data.codec import NotEncodable
from flowpar.data.parts import encode_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from flowpar.data.codec import Encoded

# The Queue holds 20,000 messages in memory; what is larger goes as a file.
LARGEST_TOLD_BYTES = 8 * 1024
_MOST = 10_000_000


def keep_yielded(
    generator: Generator[object, None, object],
    keep: Callable[[object, int], ValueRef],
    tell: Callable[[Mapping[str, object]], None] | None,
) -> Encoded:
    """Run a generator to its end; `keep` gets each value and its index."""
    parts: list[ValueRef] = []
    for value in generator:
        part = _kept(value, len(parts), keep)
        del value  # what is large is let go of before the next one is made
        if tell is not None:
            tell({"index": len(parts), "value": pack(part)})
        parts.append(part)
    return encode_parts(parts)


def _kept(value: object, index: int, keep: Callable[[object, int], ValueRef]) -> ValueRef:
    try:
        return keep(value, index)
    except NotEncodable as error:
        raise NotEncodable(f"output[{index}]{error.message.removeprefix('output')}") from error


def pack(value: ValueRef) -> list[object]:
    """Return a reference as plain JSON."""
    inline = None if value.inline is None else b2a_base64(value.inline, newline=False).decode()
    return [value.size_bytes, value.checksum, value.is_plain, inline, value.file, value.stamp]


def unpack(body: Mapping[str, Any]) -> tuple[int, ValueRef] | None:
    """Return what was told; None where it is not as we write it."""
    try:
        index, (size_bytes, checksum, is_plain, inline, file, stamp) = body["index"], body["value"]
        data = None if inline is None else a2b_base64(inline, strict_mode=True)
    except (KeyError, TypeError, ValueError, BadBase64):
        return None
    if type(index) is not int or not 0 <= index < _MOST or type(size_bytes) is not int:
        return None
    if (data is None) is not isinstance(file, str):
        return None
    return index, ValueRef(size_bytes, str(checksum), is_plain is True, data, file, str(stamp))
