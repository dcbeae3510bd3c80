"""Whether what is given can be right where something is asked for, and in words why not.

    accepts(wanted, given)      a yes or no; only what can't be right is refused
    mismatch(wanted, given)     the part that does not fit: a key, an item

Anything unknown passes, and so does what the border converts: `str` to `path`, `datetime` and `date`, `int`
to `float`, a value or name to the member of an enum.
"""

from __future__ import annotations

from flowpar.core.suggest import nearest
from flowpar.core.types import (
    ANY,
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
    show,
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
        return accepts(wanted, widen(given))
    return _accepts_shape(wanted, given)


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
        return _misfit(wanted, given) is None
    # A mapping is no object and the other way round; of two classes one may be based on the other.
    is_related = wanted.place in (given.place, *given.above) or given.place in wanted.above
    if wanted.place == given.place and len(wanted.parts) == len(given.parts):
        is_related = all(map(accepts, wanted.parts, given.parts))
    return not (wanted.is_mapping or given.is_mapping) and is_related


def _misfit(wanted: Record, given: Record) -> str | None:
    """Return what is wrong with a mapping's keys, or None."""
    is_written = not given.line  # what stands in the document has no key that it does not show
    for name, kind in given.fields:
        want = wanted.field(name)
        if want is not None and not accepts(want, kind):
            return mismatch(want, kind) or f'its key "{name}" is {show(widen(kind))}, not {show(want)}'
        if want is None and is_written:
            near = nearest(name, [key for key, _ in wanted.fields])
            return f'{wanted.name} has no key "{name}"' + (f'; did you mean "{near}"?' if near else "")
    known = {name for name, _ in given.fields}
    missing = [name for name, _ in wanted.fields if name not in known and name not in wanted.optional]
    return f'its key "{missing[0]}" is missing' if missing else None


def mismatch(wanted: Type, given: Type) -> str | None:
    """Return in words which part of a value does not fit, or None where the types themselves say it."""
    match wanted, given:
        case Record(is_mapping=True), Record(is_mapping=True):
            return _misfit(wanted, given)
        case ListOf(item), ListOf(other):
            return mismatch(item, other)
        case MapOf(_, item), Record(is_mapping=True):
            wrong = (kind for _, kind in given.fields if not accepts(item, kind))
            return next((found for kind in wrong if (found := mismatch(item, kind))), None)
        case OneOf(members), _:
            rest = [member for member in members if member != NONE]
            return mismatch(rest[0], given) if len(rest) == 1 else None
        case _:
            return None
