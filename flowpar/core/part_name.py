"""Tasks of sub-workflows as people name them: without the numbers of items, where all of these are meant.

train/fit      fit in train, and in every item of it      train[2]/fit   fit in one item
TASK[ITEM]     an item, by its number or by its key       TASK["7"]      by a key that looks like a number

An item of a sub-workflow that has a key is named by it, as `train[emma]`: that is its label.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_PART_TASKS = 100_000
"""How many tasks a sub-workflow, or all items of one, may have."""

_TARGET = re.compile(r"(?P<task>[^\[].*?)(?:\[(?P<item>[^\[\]]+)\])?")
_MOST_DIGITS = 9
_LABEL = re.compile(r"\[([^\[\]]*)\]")
_ANY_LABEL = r"(\[[^\[\]]+\])?(@\d+)?"
_LONGEST_LABEL = 80
_SHORTENED = re.compile(rf".{{{_LONGEST_LABEL}}}~[0-9a-f]{{12}}")
_PLAIN_SIGNS = frozenset("_-.,:=+ ")


def label_of(key: str | float) -> str:
    """Return how an item of that key is named; no two keys have the same label.

    A text that could be taken for a number, for true or false, is quoted.
    """
    if not isinstance(key, str):
        return _bounded(str(key).lower() if isinstance(key, bool) else repr(key))
    written = _bounded(_written(key))
    return f"'{written}'" if _is_ambiguous(key) else written


def canonical(name: str) -> str:
    """Return a name as the run has it, whose items may be given by their keys as these are."""
    return _LABEL.sub(lambda found: f"[{_label_meant(found[1])}]", name)


def _label_meant(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] in {'"', "'"} and text.endswith(text[0])
    if is_quoted:
        return label_of(text[1:-1])
    return text if _SHORTENED.fullmatch(text) else _bounded(_written(text, "%~*"))


def _is_ambiguous(text: str) -> bool:
    if text in {"", "true", "false"} or text != text.strip():
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _written(text: str, more_signs: str = "") -> str:
    """Return a text without the signs that a name has of its own."""
    return "".join(
        sign if sign.isalnum() or sign in _PLAIN_SIGNS or sign in more_signs else _escaped(sign) for sign in text
    )


def _escaped(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}~{digest(text)[:12]}"


def matching(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that one stands for: itself, or else those that differ by the numbers of items."""
    known = list(names)
    if name in known:
        return [name]
    name = canonical(name)
    if name in known:
        return [name]
    *outer, last = name.split("/")
    if not outer:
        return []
    parts = [re.escape(part) + ("" if part.endswith("]") else _ANY_LABEL) for part in outer]
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
