"""In words, which part of a value does not fit what is wanted: a key, an item, a text.

    misfit(wanted, given)     "one of its items is the text "x", not int", or None where the types say it all
    described(given)          "the text "x"", "list[int]"

`accept` says whether it fits at all.
"""

from __future__ import annotations

from flowpar.core.accept import accepts
from flowpar.core.suggest import nearest
from flowpar.core.types import (
    BOOL,
    DATE,
    DATETIME,
    NONE,
    STR,
    Constant,
    Enumeration,
    ListOf,
    MapOf,
    OneOf,
    Record,
    TupleOf,
    Type,
    show,
    widen,
)

_LONGEST_SHOWN = 40
_MOST_VALUES = 4
_MOST_LISTED = 8
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}
_FORMS = {DATETIME: "2024-05-01T12:30:00Z", DATE: "2024-05-01"}


def misfit(wanted: Type, given: Type) -> str | None:
    """Return which part of a value does not fit, or None where the types themselves say it."""
    match wanted, given:
        case Record(is_mapping=True), Record(is_mapping=True):
            return _of_keys(wanted, given)
        case ListOf(item), ListOf(other):
            return _of_items(item, other.members if isinstance(other, OneOf) else (other,))
        case MapOf(key, value), Record(is_mapping=True):
            if not accepts(key, STR):
                return "the keys of a mapping in YAML are always text"
            wrong = [(name, kind) for name, kind in given.fields if not accepts(value, kind)]
            return _of_part(f'its key "{wrong[0][0]}"', value, wrong[0][1]) if wrong else None
        case TupleOf(items), TupleOf(others) if len(items) != len(others):
            return f"it has {len(others)} item{'' if len(others) == 1 else 's'}, not {len(items)}"
        case OneOf(members), _:
            rest = [member for member in members if member != NONE]
            alike = rest if len(rest) == 1 else [one for one in rest if _is_alike(one, given)]
            return misfit(alike[0], given) if len(alike) == 1 else None
        case _:
            return None


def _is_alike(wanted: Type, given: Type) -> bool:
    """Whether a type is of the kind that a list or mapping in the document is meant for."""
    if isinstance(given, ListOf):
        return isinstance(wanted, ListOf | TupleOf)
    is_mapping = isinstance(wanted, MapOf) or (isinstance(wanted, Record) and wanted.is_mapping)
    return isinstance(given, Record) and given.is_mapping and is_mapping


def _of_keys(wanted: Record, given: Record) -> str | None:
    is_written = not given.line  # what stands in the document has no key that it does not show
    for name, kind in given.fields:
        want = wanted.field(name)
        if want is not None and not accepts(want, kind):
            return _of_part(f'its key "{name}"', want, kind)
        if want is None and is_written:
            near = nearest(name, [key for key, _ in wanted.fields])
            return f'{wanted.name} has no key "{name}"' + (f'; did you mean "{near}"?' if near else "")
    known = {name for name, _ in given.fields}
    missing = [name for name, _ in wanted.fields if name not in known and name not in wanted.optional]
    return f'its key "{missing[0]}" is missing' if missing else None


def _of_items(wanted: Type, given: tuple[Type, ...]) -> str | None:
    wrong = [part for part in given if not accepts(wanted, part)]
    if not wrong:
        return None
    inner = misfit(wanted, wrong[0])
    is_told = len(wrong) == len(given) and suggestion(wanted, wrong[0]) is None  # by the type of the whole
    return inner if inner is not None or is_told else _of_part("one of its items", wanted, wrong[0])


def _of_part(name: str, wanted: Type, given: Type) -> str:
    """Say what is wrong with a part of that name."""
    inner = misfit(wanted, given)
    if inner is not None:
        return f"{name}: {inner}" if inner.startswith(("its ", "one of ")) else inner
    near = suggestion(wanted, given)
    return f"{name} is {described(given)}, not {show(wanted)}" + (f"; {near}" if near else "")


def described(given: Type) -> str:
    """Return what is given as messages write it."""
    if isinstance(given, Constant) and len(given.values) == 1:
        return _constant(given.values[0])
    is_choice = isinstance(given, Constant) and len(given.values) <= _MOST_VALUES
    return show(given if is_choice else widen(given))


def _constant(value: str | float | None) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int():
            return f"the number {value}"
        case str() if len(value) <= _LONGEST_SHOWN:
            return f'the text "{value}"'
        case _:
            return "a text"


def suggestion(wanted: Type, given: Type) -> str | None:
    """Return what may be meant by a literal where one of a few values, or a date, is wanted."""
    if not isinstance(given, Constant) or len(given.values) != 1:
        return None
    if isinstance(wanted, OneOf):
        rest = [member for member in wanted.members if member != NONE]
        return suggestion(rest[0], given) if len(rest) == 1 else None
    if wanted == BOOL and str(given.values[0]).lower() in _SWITCHES:
        return f"write {_SWITCHES[str(given.values[0]).lower()]}"
    if wanted in _FORMS and isinstance(given.values[0], str):
        return f"write it in ISO form, such as {_FORMS[wanted]}"
    if not isinstance(wanted, Constant | Enumeration):
        return None
    known = [str(value) for value in wanted.values or ()]
    near = nearest(str(given.values[0]), known)
    if near is not None:
        return f'did you mean "{near}"?'
    listed = ", ".join(known[:_MOST_LISTED]) + (", …" if len(known) > _MOST_LISTED else "")
    return f"its values are {listed}" if listed and isinstance(wanted, Enumeration) else None
