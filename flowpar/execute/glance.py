"""Whether a value is what its annotation says, told at a glance: True only where there is no doubt, at no cost.

Most values are: an `int` for "int", a list of texts for "list[str]". For these nothing is imported, evaluated
or inspected; whatever is left is looked at by `border`, which takes a hundred times as long.
"""

from __future__ import annotations

from itertools import islice
from types import GenericAlias, UnionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_ANYTHING = frozenset({"Any", "object", "typing.Any"})
_NAMES = {"NoneType": "None", "PosixPath": "Path", "WindowsPath": "Path"}
_SEQUENCES = frozenset({"Sequence", "Iterable", "Collection"})
_MAPPINGS = frozenset({"Mapping"})
_LISTS = frozenset({list, tuple, set, frozenset})
_COLLECTIONS = _LISTS | {dict}
_DEEPEST = 4
# Of a longer collection so many members are looked at, and so many collections of what is in one itself.
_MOST = 64
_MOST_BELOW = 4
# So many types are told in 0.2 ms.
_MOST_OF_ALL = 10_000


def fits(value: object, annotation: Any) -> bool:
    """Whether a value fits without doubt; False where it takes a closer look."""
    kind = type(annotation)
    if kind is str:
        return _fits(value, annotation, 0)
    if kind is UnionType:
        return any(fits(value, part) for part in annotation.__args__)
    if kind is GenericAlias:
        return annotation.__origin__ is type(value) and _has(value, annotation.__args__)
    return annotation is type(value) or (annotation is None and value is None)


def _has(value: object, parts: tuple[object, ...]) -> bool:
    """Look at all members of a collection whose annotation is no text, such as `list[str]` and `dict[str, int]`."""
    match value, parts:
        case list() | set() | frozenset(), (part,):
            return len(value) <= _MOST_OF_ALL and _all_are(value, part)
        case dict(), (key, part):
            return len(value) <= _MOST_OF_ALL and _all_are(value, key) and _all_are(value.values(), part)
        case _:
            return False


def _all_are(items: Collection[object], annotation: object) -> bool:
    if type(annotation) is type:
        return {*map(type, items)} <= {annotation}
    return len(items) <= _MOST and all(fits(part, annotation) for part in items)


def _fits(value: object, text: str, depth: int) -> bool:
    kind = type(value)
    name = _NAMES.get(kind.__name__, kind.__name__)
    if text == name or text in _ANYTHING or text.endswith(f".{name}"):
        return True
    if value is None:
        return text.endswith("| None") or text.startswith("Optional[")
    head, bracket, inside = text.partition("[")
    if not bracket:
        return " | " in text and any(_fits(value, part, depth) for part in text.split(" | "))
    if inside.endswith("] | None"):
        return _fits(value, text[:-7], depth)
    if not inside.endswith("]") or depth == _DEEPEST:
        return False
    return _within(value, name, head, inside[:-1], depth=depth)


def _within(value: object, name: str, head: str, inside: str, *, depth: int) -> bool:
    """Look at some members of a collection."""
    if head == "Optional":
        return _fits(value, inside, depth)
    if isinstance(value, dict):
        key, _, rest = inside.partition(", ")
        is_one = (head == name or head in _MAPPINGS) and key.isidentifier()
        return is_one and _all_fit(islice(value, _MOST), key, depth) and _all_fit(_some_values(value), rest, depth)
    if type(value) not in _LISTS or not (head == name or (head in _SEQUENCES and name in {"list", "tuple"})):
        return False
    if name == "tuple" and head == "tuple":
        if not inside.endswith(", ..."):
            return False
        inside = inside[:-5]
    return _all_fit(sample(value, _MOST), inside, depth)


def _some_values(value: dict[object, object]) -> Iterable[object]:
    return islice(value.values(), _MOST)


def _all_fit(items: Iterable[object], text: str, depth: int) -> bool:
    parts = list(items)
    held = [part for part in parts if type(part) in _COLLECTIONS]
    if depth and len(held) > _MOST_BELOW:
        return False
    # Of those of one type one is enough, but for collections, which hold what they hold.
    others = {type(part): part for part in parts if type(part) not in _COLLECTIONS}.values()
    return all(_fits(part, text, depth + 1) for part in (*held, *others))


def sample(items: object, most: int) -> list[object]:
    """Return all of a few items, or some of many."""
    if isinstance(items, list | tuple):
        return [items[place] for place in places(len(items), most)]
    return list(islice(items, most))  # type: ignore[call-overload]


def places(count: int, most: int) -> Sequence[int]:
    """Return which of `count` items are looked at: the first, the last, and others at even distances."""
    if count <= most:
        return range(count)
    return [(count - 1) * place // (most - 1) for place in range(most)]
