"""Tasks of sub-workflows as people name them: without the numbers of items, where all of these are meant.

train/fit      fit in train, and in every item of it      train[2]/fit   fit in one item
TASK[ITEM]     an item, by its number or by its key       TASK["7"]      by a key that looks like a number
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TARGET = re.compile(r"(?P<task>[^\[].*?)(?:\[(?P<item>[^\[\]]+)\])?")
_MOST_DIGITS = 9


def matching(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that one stands for: itself, or else those that differ by the numbers of items."""
    known = list(names)
    if name in known:
        return [name]
    *outer, last = name.split("/")
    if not outer:
        return []
    parts = [re.escape(part) + ("" if part.endswith("]") else r"(\[\d+\])?(@\d+)?") for part in outer]
    pattern = re.compile("/".join([*parts, re.escape(last)]))
    return [each for each in known if pattern.fullmatch(each)]


def split_item(text: str) -> tuple[str, str | None] | None:
    """Return the task and the item that a text names, None where it names neither."""
    found = _TARGET.fullmatch(text.strip())
    return None if found is None else (found["task"], found["item"])


def number_of(item: str) -> int | None:
    """Return the number of an item, None where a text is its key."""
    return int(item) if item.isascii() and item.isdecimal() and len(item) <= _MOST_DIGITS else None


def digests_of_key(item: str) -> Iterator[str]:
    """Give the digests of the keys that a text may stand for."""
    quote = item[:1]
    is_quoted = len(item) > 1 and quote in {'"', "'"} and item.endswith(quote)
    yield digest(item[1:-1] if is_quoted else item)
    if is_quoted:
        item = item[1:-1]
    for read in (int, float):
        try:
            yield digest(read(item))
        except (ValueError, OverflowError):
            continue
    if item in {"true", "false"}:
        yield digest(item == "true")
