"""Static types of values that flow between YAML and Python; whatever is not known is `ANY`.

    Simple   any none bool int float str bytes path datetime date object
    ListOf   list[T], also for every iterable that is read as a list
    TupleOf  tuple[A, B]
    MapOf    dict[K, V]
    Record   a class with fields: dataclass, NamedTuple, TypedDict, pydantic model
    Named    a class of which only the name is known
    OneOf    a union
    Constant Literal["a", 1]; an enum is a Named

All are frozen and hashable; `ANY` and the other simple ones are module constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts, by its name in messages."""

    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A sequence of one type."""

    item: Type


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A tuple of known length."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping."""

    key: Type
    value: Type


@dataclass(frozen=True, slots=True)
class Record:
    """A class whose fields are known; `file` and `line` say where it is defined (line 0: nowhere)."""

    name: str
    fields: tuple[tuple[str, Type], ...]
    file: str = ""
    line: int = 0
    is_mapping: bool = False

    def field(self, name: str) -> Type | None:
        """Return the type of a field, or None where there is none of that name."""
        return dict(self.fields).get(name)


@dataclass(frozen=True, slots=True)
class Named:
    """A class of which only the name is known."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of several types; never nested, never with one member."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """One of several literal values."""

    values: tuple[str | int | bool | None, ...]


Type = Simple | ListOf | TupleOf | MapOf | Record | Named | OneOf | Constant

ANY = Simple("any")
NONE = Simple("none")
BOOL = Simple("bool")
INT = Simple("int")
FLOAT = Simple("float")
STR = Simple("str")
BYTES = Simple("bytes")
PATH = Simple("path")
DATETIME = Simple("datetime")
DATE = Simple("date")


def union(types: Iterable[Type]) -> Type:
    """Return the union of `types`, flattened and without repeats; `any` swallows the rest."""
    members: dict[Type, None] = {}
    for member in types:
        for part in member.members if isinstance(member, OneOf) else (member,):
            members[part] = None
    if ANY in members or not members:
        return ANY
    return next(iter(members)) if len(members) == 1 else OneOf(tuple(members))


def show(kind: Type) -> str:
    """Return the type as messages write it, in Python's own words."""
    match kind:
        case Simple(name) | Named(name):
            return "None" if name == "none" else name
        case ListOf(item):
            return f"list[{show(item)}]"
        case TupleOf(items):
            return f"tuple[{', '.join(map(show, items))}]"
        case MapOf(key, value):
            return f"dict[{show(key)}, {show(value)}]"
        case Record():
            return kind.name
        case OneOf(members):
            return " | ".join(map(show, members))
        case Constant(values):
            return f"Literal[{', '.join(map(repr, values))}]"


def of_value(value: object, *, depth: int = 3) -> Type:
    """Return the type of a plain value, looking `depth` levels and a few hundred members deep."""
    match value:
        case None:
            return NONE
        case bool() | str() | int():
            return Constant((value,))
        case float():
            return FLOAT
        case list() if depth and len(value) <= _LOOK:
            return ListOf(union(of_value(v, depth=depth - 1) for v in value) if value else ANY)
        case dict() if depth and len(value) <= _LOOK and all(isinstance(k, str) for k in value):
            fields = tuple((str(k), of_value(v, depth=depth - 1)) for k, v in value.items())
            return Record("dict", fields, is_mapping=True)
        case list():
            return ListOf(ANY)
        case dict():
            return MapOf(ANY, ANY)
        case _:
            return ANY


_LOOK = 200


def widen(kind: Type) -> Type:
    """Return the type without its literal values: `Literal["a"]` becomes `str`."""
    match kind:
        case Constant(values):
            return union(_simple_of(value) for value in values)
        case OneOf(members):
            return union(map(widen, members))
        case ListOf(item):
            return ListOf(widen(item))
        case _:
            return kind


def _simple_of(value: str | float | None) -> Type:
    if value is None:
        return NONE
    return {bool: BOOL, int: INT, float: FLOAT, str: STR}[type(value)]


def accepts(wanted: Type, given: Type) -> bool:
    """Whether a value of type `given` may be passed where `wanted` is asked for.

    Only what can't be right is refused: anything unknown passes, and so do the conversions at the
    border (`str` to `path`, `int` to `float`, ISO text to `datetime` and `date`).
    """
    if ANY in (wanted, given) or wanted == given or wanted == Simple("object"):
        return True
    if isinstance(given, OneOf):
        return all(accepts(wanted, member) for member in given.members)
    if isinstance(wanted, OneOf):
        return any(accepts(member, given) for member in wanted.members)
    if isinstance(wanted, Constant):
        return set(given.values) <= set(wanted.values) if isinstance(given, Constant) else _may_hold(wanted, given)
    if isinstance(given, Constant):
        return accepts(wanted, widen(given))
    return _accepts_shape(wanted, given)


def _may_hold(wanted: Constant, given: Type) -> bool:
    return any(accepts(given, _simple_of(value)) for value in wanted.values)


def _accepts_shape(wanted: Type, given: Type) -> bool:
    match wanted, given:
        case (Named(), _) | (_, Named()):
            return isinstance(wanted, Named) and isinstance(given, Named | Record)  # a subclass, perhaps
        case ListOf(item), ListOf(other):
            return accepts(item, other)
        case ListOf(item), TupleOf(items):
            return all(accepts(item, other) for other in items)
        case TupleOf(items), TupleOf(others):
            return len(items) == len(others) and all(map(accepts, items, others))
        case TupleOf(items), ListOf(other):
            return all(accepts(item, other) for item in items)
        case MapOf(key, value), MapOf(other_key, other_value):
            return accepts(key, other_key) and accepts(value, other_value)
        case MapOf(key, value), Record():
            fits = accepts(key, STR) and all(accepts(value, kind) for _, kind in given.fields)
            return given.is_mapping and fits
        case Record(), Record():
            return _accepts_record(wanted, given)
        case Record(), MapOf():
            return wanted.is_mapping
        case Simple(), Simple():
            return given.name in _CONVERSIONS.get(wanted.name, ())
        case _:
            return False


_CONVERSIONS = {"path": ("str",), "float": ("int",), "datetime": ("str",), "date": ("str",)}


def _accepts_record(wanted: Record, given: Record) -> bool:
    if not wanted.is_mapping or not given.is_mapping:
        return not (given.is_mapping and not wanted.is_mapping)
    return all((kind := given.field(name)) is None or accepts(want, kind) for name, want in wanted.fields)
