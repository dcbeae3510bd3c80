"""Static types of `.name`, `[…]` and slices, or what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.accept import accepts
from flowpar.core.diagnostics import Label
from flowpar.core.frozen import dataclass
from flowpar.core.source import Span
from flowpar.core.suggest import nearest
from flowpar.core.types import (
    ANY,
    DATE,
    DATETIME,
    INT,
    PATH,
    STR,
    Constant,
    Enumeration,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Simple,
    Spot,
    TupleOf,
    Type,
    show,
    union,
    widen,
)
from flowpar.expr.foreign import METHODS
from flowpar.expr.typing_rules import members

if TYPE_CHECKING:
    from collections.abc import Collection

_DATE_FIELDS: dict[str, Type] = dict.fromkeys(("year", "month", "day"), INT)
_TIME_FIELDS: dict[str, Type] = dict.fromkeys(("hour", "minute", "second", "microsecond", "fold"), INT)
_FIELDS: dict[Type, dict[str, Type]] = {
    PATH: {
        "name": STR,
        "stem": STR,
        "suffix": STR,
        "parent": PATH,
        "parents": ANY,
        "parts": ListOf(STR),
        "suffixes": ListOf(STR),
        "anchor": STR,
        "drive": STR,
        "root": STR,
    },
    DATETIME: {**_DATE_FIELDS, **_TIME_FIELDS, "tzinfo": ANY},
    DATE: _DATE_FIELDS,
}
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be read from a type, and what to write instead.

    `is_missing` says that `default(…)` would help: the key or index is not there. `labels` show the class.
    """

    message: str
    hint: str | None = None
    is_missing: bool = False
    labels: tuple[Label, ...] = ()


def field_of(kind: Type, name: str) -> Type | Problem:
    """Return the type of `.name`; of a union one member that has it is enough."""
    if isinstance(kind, OneOf):
        return _of_members([field_of(member, name) for member in kind.members])
    match kind:
        case Record():
            return _of_record(kind, name)
        case MapOf(_, value):
            return value
        case Named():
            return ANY
        case Enumeration():
            return _of_member(kind, name)
        case Simple() if kind in _FIELDS:
            return _FIELDS[kind].get(name) or _no_field(show(kind), name, _FIELDS[kind])
        case Simple("any" | "object"):
            return ANY
        case ListOf():
            hint = f"take one item, [0].{name}, or all of them, [x.{name} for x in …]"
            return Problem(f'{show(kind)} has no field "{name}"', hint)
        case _:
            instead = f"write {METHODS[name]}" if name in METHODS else None
            return Problem(f'{show(widen(kind))} has no field "{name}"', instead)


def _of_record(kind: Record, name: str) -> Type | Problem:
    found = kind.field(name)
    if found is not None:
        return found
    if kind.is_mapping:
        hint = meant(name, [key for key, _ in kind.fields], "its keys are")
        owner = kind.name if kind.line else "the mapping"
        return Problem(f'{owner} has no key "{name}"', hint, is_missing=True, labels=labels_of(kind, name))
    return _no_field(kind.name, name, dict(kind.fields), labels=labels_of(kind, name))


def _of_member(kind: Enumeration, name: str) -> Type | Problem:
    """Return what a member of an enum has: its name, its value, and what its class defines."""
    if name == "value":
        return ANY if kind.values is None else Constant(kind.values)
    if name == "name":
        return Constant(tuple(member for member, _ in kind.members)) if kind.members else STR
    if kind.has_fields:
        return ANY
    return _no_field(kind.name, name, {"name": STR, "value": ANY}, labels=labels_of(kind, name))


def labels_of(kind: Record | Enumeration, name: str, *, is_exact: bool = False) -> tuple[Label, ...]:
    """Return the place of the field or member that was probably meant, else that of the class."""
    spots = dict(kind.spots)
    near = name if is_exact else nearest(name, [field for field in spots if field])
    found = near if near is not None else ""
    if found not in spots:
        return ()
    return (label_of(spots[found], found or kind.name),)


def label_of(spot: Spot, name: str) -> Label:
    """Return the place of a name as a finding shows it."""
    shown = spot.name or name
    return Label(spot.file, Span.at(spot.line, spot.column, length=len(shown)), f'"{shown}" is defined here')


def _no_field(owner: str, name: str, fields: dict[str, Type], *, labels: tuple[Label, ...] = ()) -> Problem:
    return Problem(f'{owner} has no field "{name}"', meant(name, list(fields), "its fields are"), labels=labels)


def meant(name: str, known: Collection[str], others: str) -> str | None:
    """Return the hint that names the nearest of the known names, or else all of them where they are few."""
    near = nearest(name, known)
    if near is not None:
        return f'did you mean "{near}"?'
    return f"{others} {', '.join(known)}" if 0 < len(known) <= _MOST_NAMED else None


def _of_members(found: list[Type | Problem]) -> Type | Problem:
    types = [one for one in found if not isinstance(one, Problem)]
    problems = [one for one in found if isinstance(one, Problem)]
    return union(types) if types else next((one for one in problems if one.hint), problems[0])


def item_at(kind: Type, key: Type) -> Type | Problem:
    """Return the type of `[key]`; a literal key is a type of one value."""
    if isinstance(kind, OneOf):
        return _of_members([item_at(member, key) for member in kind.members])
    kind = widen(kind) if isinstance(kind, Constant) else kind
    value = key.values[0] if isinstance(key, Constant) and len(key.values) == 1 else None
    match kind:
        case Record():
            return _item_of_record(kind, value)
        case MapOf(wanted, item):
            fits = any(accepts(wanted, part) for part in members(key))
            return item if fits else Problem(f"the keys of {show(kind)} are {show(wanted)}, not {show(widen(key))}")
        case TupleOf(items) if isinstance(value, int):
            fits = -len(items) <= value < len(items)
            message = f"{show(kind)} has {len(items)} items, and none at {value}"
            return items[value] if fits else Problem(message, is_missing=True)
        case ListOf() | TupleOf() | Simple("str" | "bytes"):
            return _item_of_sequence(kind, key)
        case Named() | Enumeration() | Simple("any" | "object"):
            return ANY
        case _:
            return Problem(f"{show(kind)} has no items")


def _item_of_record(kind: Record, value: object) -> Type | Problem:
    if kind.items is not None and isinstance(value, int):
        fits = -len(kind.items) <= value < len(kind.items)
        message = f"{kind.name} has {len(kind.items)} items, and none at {value}"
        return kind.items[value] if fits else Problem(message, is_missing=True, labels=labels_of(kind, ""))
    if not isinstance(value, str):
        return ANY
    found = _of_record(kind, value)
    if not kind.is_mapping and not isinstance(found, Problem):
        return Problem(f"{kind.name} has fields, not keys", f"write .{value}", labels=labels_of(kind, value))
    return found


def _item_of_sequence(kind: ListOf | TupleOf | Simple, key: Type) -> Type | Problem:
    if isinstance(key, Constant) and isinstance(key.values[0], str):
        return Problem(f'{show(kind)} has no key "{key.values[0]}"', "its items have a number, from 0")
    if not any(accepts(INT, part) for part in members(key)):
        return Problem(f"the items of {show(kind)} have a number, not {show(widen(key))}")
    if isinstance(kind, ListOf):
        return kind.item
    return union(kind.items) if isinstance(kind, TupleOf) else STR if kind == STR else INT


def part_of(kind: Type) -> Type | Problem:
    """Return the type of a slice."""
    kind = widen(kind)
    match kind:
        case OneOf(parts):
            return _of_members([part_of(part) for part in parts])
        case ListOf() | Simple("str" | "bytes"):
            return kind
        case TupleOf() | Named() | Record(items=tuple()) | Simple("any" | "object"):
            return ANY
        case _:
            return Problem(f"{show(kind)} cannot be cut into parts")
