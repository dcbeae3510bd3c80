"""Whether what is given can be right where something is asked for: only what can't be is refused.

Anything unknown passes, and so does what the border converts: `str` to `path`, `datetime` and `date`, `int`
to `float`, a value or name to the member of an enum.
"""

from __future__ import annotations

import datetime as dt

from flowpar.core.types import (
    ANY,
    DATE,
    DATETIME,
    NONE,
    STR,
    Constant,
    Enumeration,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Simple,
    TupleOf,
    Type,
    simple_of,
    widen,
)


def accepts(wanted: Type, given: Type) -> bool:
    """Whether a value of type `given` may be passed where `wanted` is asked for."""
    if ANY in (wanted, given) or wanted == given or wanted == Simple("object"):
        return True
    if isinstance(given, OneOf):
        return all(accepts(wanted, member) for member in given.members)
    if isinstance(wanted, OneOf):
        return any(accepts(member, given) for member in wanted.members)
    if isinstance(wanted, Enumeration) or isinstance(given, Enumeration):
        return _accepts_member(wanted, given)
    if isinstance(wanted, Constant):
        return set(given.values) <= set(wanted.values) if isinstance(given, Constant) else _may_hold(wanted, given)
    if isinstance(given, Constant):
        return accepts(wanted, widen(given)) and all(_may_be_moment(wanted, value) for value in given.values)
    return _accepts_shape(wanted, given)


def _may_be_moment(wanted: Type, value: str | float | None) -> bool:
    """Whether a text is in ISO form where a date is wanted; everything else may be."""
    kind = _MOMENTS.get(wanted)
    if kind is None or not isinstance(value, str):
        return True
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True


_MOMENTS: dict[Type, type[dt.date]] = {DATETIME: dt.datetime, DATE: dt.date}


def _may_hold(wanted: Constant, given: Type) -> bool:
    return given == Simple("object") or any(simple_of(value) == given for value in wanted.values)


def _accepts_member(wanted: Type, given: Type) -> bool:
    """Whether a member of an enum may be meant, or be passed as what it is besides."""
    if isinstance(given, Enumeration):
        if isinstance(wanted, Constant):
            return given.mixin is not None and (given.values is None or set(given.values) <= set(wanted.values))
        return given.mixin is not None and (isinstance(wanted, Enumeration) or accepts(wanted, given.mixin))
    if not isinstance(wanted, Enumeration) or not isinstance(given, Constant | Simple):
        return False
    if wanted.values is None:
        return given != NONE
    if isinstance(given, Constant):
        return all(is_member(wanted, value) for value in given.values)
    return given == STR or any(simple_of(value) == given for value in wanted.values)


def is_member(wanted: Enumeration, value: str | float | None) -> bool:
    """Whether a literal is the value of a member, or the name of one."""
    known = (*(wanted.values or ()), *(name for name, _ in wanted.members))
    return any(value == one and type(value) is type(one) for one in known)


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
        case TupleOf(items), ListOf(other):  # which of the list's types stands at which place nobody knows
            others = other.members if isinstance(other, OneOf) else (other,)
            return all(any(accepts(item, part) for part in others) for item in items)
        case (ListOf() | TupleOf(), Record(items=tuple(items))):
            return accepts(wanted, TupleOf(items))
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


_CONVERSIONS = {"path": ("str",), "float": ("int",), "datetime": ("str",), "date": ("str", "datetime")}


def _accepts_record(wanted: Record, given: Record) -> bool:
    if wanted.is_mapping and given.is_mapping:
        return _fits_keys(wanted, given)
    # A mapping is no object and the other way round; of two classes one may be based on the other.
    is_related = wanted.place in (given.place, *given.above) or given.place in wanted.above
    if wanted.place == given.place and len(wanted.parts) == len(given.parts):
        is_related = all(map(accepts, wanted.parts, given.parts))
    return not (wanted.is_mapping or given.is_mapping) and is_related


def _fits_keys(wanted: Record, given: Record) -> bool:
    is_written = not given.line  # what stands in the document has no key that it does not show
    for name, kind in given.fields:
        want = wanted.field(name)
        if is_written if want is None else not accepts(want, kind):
            return False
    known = {name for name, _ in given.fields}
    return all(name in known or name in wanted.optional for name, _ in wanted.fields)
