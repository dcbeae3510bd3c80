"""Static types of values that flow between YAML and Python; whatever is not known is `ANY`.

    Simple   any none bool int float str bytes path datetime date object
    ListOf   list[T], also for every iterable that is read as a list
    TupleOf  tuple[A, B]
    MapOf    dict[K, V]
    Record   a class with fields: dataclass, NamedTuple, TypedDict, pydantic model; a mapping with known keys
    Enumeration  an enum, with its members
    Named    a class of which only the name is known
    OneOf    a union
    Constant Literal["a", 1]

All are frozen and hashable; `ANY` and the other simple ones are module constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
class Spot:
    """Where a name is defined in the user's code; `name` is it, where it is not the one that was asked for."""

    file: str
    line: int
    column: int = 1
    name: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A class whose fields are known; `file` and `line` say where it is defined (line 0: nowhere).

    `optional` are the keys of a mapping that may be missing, `items` the types of a NamedTuple by index,
    `above` the places of the classes that it is based on, `spots` where the class (under an empty name)
    and its fields stand, `parts` what is given for the parameters of a generic class.
    """

    name: str
    fields: tuple[tuple[str, Type], ...]
    file: str = ""
    line: int = 0
    is_mapping: bool = False
    optional: frozenset[str] = frozenset()
    items: tuple[Type, ...] | None = None
    above: frozenset[tuple[str, int]] = frozenset()
    spots: tuple[tuple[str, Spot], ...] = field(default=(), compare=False, repr=False)
    parts: tuple[Type, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """Which class it is, whatever is known of its fields."""
        return self.file, self.line

    def field(self, name: str) -> Type | None:
        """Return the type of a field, or None where there is none of that name."""
        return dict(self.fields).get(name)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum: its members' names and values, a value None where reading can't tell.

    `mixin` is what a member is besides (a `str`, of a StrEnum); with `is_open` it may take other values, too,
    and with `has_fields` its members have more than a name and a value.
    """

    name: str
    members: tuple[tuple[str, str | int | None], ...]
    mixin: Simple | None = None
    is_open: bool = False
    has_fields: bool = False
    spots: tuple[tuple[str, Spot], ...] = field(default=(), compare=False, repr=False)

    @property
    def values(self) -> tuple[str | int, ...] | None:
        """The values of all members, None where they are not all known."""
        known = tuple(value for _, value in self.members if value is not None)
        return known if known and len(known) == len(self.members) and not self.is_open else None


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


Type = Simple | ListOf | TupleOf | MapOf | Record | Enumeration | Named | OneOf | Constant

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
        case Record() | Enumeration():
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
            return union(simple_of(value) for value in values)
        case OneOf(members):
            return union(map(widen, members))
        case ListOf(item):
            return ListOf(widen(item))
        case _:
            return kind


def simple_of(value: str | float | None) -> Type:
    """Return the type of a literal value."""
    if value is None:
        return NONE
    return {bool: BOOL, int: INT, float: FLOAT, str: STR}[type(value)]


def without_none(kind: Type) -> Type:
    """Return what is left of a type where the value is not None."""
    if not isinstance(kind, OneOf) or NONE not in kind.members:
        return kind
    return union(member for member in kind.members if member != NONE)


def classes_in(kind: Type) -> Iterator[Record | Enumeration]:
    """Give the classes of the user's code that a type names, from left to right."""
    match kind:
        case Record() | Enumeration():
            yield kind
        case ListOf(item):
            yield from classes_in(item)
        case MapOf(_, value):
            yield from classes_in(value)
        case OneOf(parts) | TupleOf(parts):
            for part in parts:
                yield from classes_in(part)
        case _:
            return
