"""Static types of operators: what `+`, `==`, `<` and `in` make of types, and what they can't take.

Only what can't be right is refused: of a union one possible member is enough, and `None` in it
is left to the evaluation.
"""

from __future__ import annotations

from flowpar.core.types import (
    ANY,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    PATH,
    STR,
    Enumeration,
    ListOf,
    MapOf,
    OneOf,
    Record,
    Simple,
    TupleOf,
    Type,
    union,
    widen,
)

_NUMBERS = (BOOL, INT, FLOAT)
_GROUPS: dict[Type, str] = {
    BOOL: "number",
    INT: "number",
    FLOAT: "number",
    STR: "text",
    BYTES: "bytes",
    PATH: "path",
    DATETIME: "time",
    DATE: "date",
    NONE: "none",
}
_ORDERED = frozenset({"number", "text", "bytes", "path", "time", "date", "list", "tuple"})


def members(kind: Type) -> tuple[Type, ...]:
    """Return the members of a union without literal values, or the one type itself; a `StrEnum` is a `str`."""
    kind = widen(kind)
    parts = kind.members if isinstance(kind, OneOf) else (kind,)
    return tuple(part.mixin or part if isinstance(part, Enumeration) else part for part in parts)


def _group(kind: Type) -> str | None:
    """Return what a type is comparable with, or None where that is not known."""
    match kind:
        case ListOf():
            return "list"
        case TupleOf():
            return "tuple"
        case MapOf() | Record(is_mapping=True):
            return "mapping"
        case Simple():
            return _GROUPS.get(kind)
        case Enumeration(is_open=False):
            return f"enum {kind.name}"
        case _:
            return None


def arithmetic(sign: str, left: Type, right: Type) -> Type | None:
    """Return the type of `left sign right`, or None where no members of the two work together."""
    pairs = ((one, other) for one in members(left) for other in members(right))
    results = [result for one, other in pairs if (result := _pair(sign, one, other)) is not None]
    return union(results) if results else None


def _pair(sign: str, left: Type, right: Type) -> Type | None:
    one, other = _group(left), _group(right)
    if one is None or other is None:
        return ANY
    if one == other == "number":
        return _number(sign, left, right)
    if sign == "+" and one == other:
        return _joined(left, right)
    if sign == "*":
        return _repeated(left, right)
    if sign == "/" and {one, other} in ({"path"}, {"path", "text"}):
        return PATH
    return ANY if sign == "-" and one == other in {"time", "date"} else None


def _number(sign: str, left: Type, right: Type) -> Type:
    return FLOAT if sign == "/" or FLOAT in (left, right) else INT


def _joined(left: Type, right: Type) -> Type | None:
    if isinstance(left, ListOf) and isinstance(right, ListOf):
        return ListOf(union((left.item, right.item)))
    if isinstance(left, TupleOf) and isinstance(right, TupleOf):
        return TupleOf(left.items + right.items)
    return left if left in {STR, BYTES} else None


def _repeated(left: Type, right: Type) -> Type | None:
    for what, times in ((left, right), (right, left)):
        if times in {INT, BOOL} and (what in {STR, BYTES} or isinstance(what, ListOf)):
            return what
        if times in {INT, BOOL} and isinstance(what, TupleOf):
            return ANY
    return None


def can_equal(left: Type, right: Type) -> bool:
    """Whether values of two types can be equal; a comparison with None is always of use."""
    groups = [{_group(kind) for kind in members(side)} for side in (left, right)]
    if any(None in side or "none" in side for side in groups):
        return True
    return bool(groups[0] & groups[1])


def can_order(left: Type, right: Type) -> bool:
    """Whether one of two values can come before the other."""
    groups = [{_group(kind) for kind in members(side)} for side in (left, right)]
    if any(None in side for side in groups):
        return True
    return bool(groups[0] & groups[1] & _ORDERED)


def can_contain(container: Type, item: Type) -> bool:
    """Whether `item in container` can be asked."""
    for kind in members(container):
        group = _group(kind)
        if group is None or group in {"list", "tuple", "mapping"}:
            return True
        if group == "text" and any(_group(part) in {None, "text"} for part in members(item)):
            return True
    return False


def negated(kind: Type) -> Type | None:
    """Return the type of `-x`, or None where there is none."""
    results = [FLOAT if part == FLOAT else INT if part in _NUMBERS else ANY for part in members(kind) if _signed(part)]
    return union(results) if results else None


def _signed(kind: Type) -> bool:
    return _group(kind) in {None, "number"}


def is_scalar(kind: Type) -> bool:
    """Whether a value of the type can stand inside a text; what is not known can."""
    return any(not isinstance(part, ListOf | TupleOf | MapOf | Record) and part != BYTES for part in members(kind))
