"""What a text, a number or a list becomes for the class that a parameter asks for; `Unfit` where it can't."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import numbers
import typing
from collections import abc
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flowpar.execute.annotation import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

LISTS = (list, tuple, set, frozenset)
DICTS: Mapping[Any, Callable[[Any], object]] = {
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
    collections.defaultdict: lambda value: collections.defaultdict(None, value),
}
_MAKERS: Mapping[Any, Callable[[Any], object]] = {
    **DICTS,
    **{kind: kind for kind in (*LISTS, collections.deque)},
    **dict.fromkeys((abc.Set, abc.MutableSet), set),
    **dict.fromkeys((abc.Sequence, abc.MutableSequence, abc.Reversible), list),
    **dict.fromkeys((abc.Iterator, abc.Generator), iter),
}
_NUMBERS: Mapping[Any, Any] = {int: numbers.Integral, float: numbers.Real, complex: numbers.Complex}
_LONGEST_SHOWN = 40
_LARGE = 10**15


class Unfit(Exception):  # noqa: N818 - it says what the value is
    """A value is not what the annotation asks for; `place` is where in the value, from the outside in."""

    def __init__(self, what: str, *, place: str = "", wanted: str = "") -> None:
        """Keep what there is in words and, unless the words say it, what it should have been."""
        super().__init__(what)
        self.what, self.place, self.wanted = what, place, wanted

    def within(self, part: str) -> Unfit:
        """Return the same as seen from outside: the value is a part of another one."""
        return Unfit(self.what, place=part + self.place, wanted=self.wanted)

    def __str__(self) -> str:
        """Return what is wrong, and where in the value."""
        if not self.place:
            return self.what
        return f"{self.what} at {self.place}" + (f", not {self.wanted}" if self.wanted else "")


def is_instance(value: object, wanted: Any) -> bool:
    """Whether a value is of a class; numbers of numpy are numbers, and what can't be asked is true."""
    try:
        if isinstance(value, _NUMBERS.get(wanted, wanted)):
            return True
        is_array_s = type(value).__module__ == "numpy"
        return wanted is bool and is_array_s and type(value).__name__.startswith("bool")
    except Exception:  # noqa: BLE001 - a protocol that can't be asked, or a class of the user's that does not answer
        return True


def maker_of(origin: Any) -> Callable[[Any], object]:
    """Return what makes a collection of the kind from another one; for what is not known the value is left as it is."""
    return _MAKERS.get(origin, lambda value: value)


def type_of_items(value: Collection[object]) -> type:
    """Return the built-in collection that a value is, whatever its own class."""
    return next(kind for kind in LISTS if isinstance(value, kind))


def moment_of(text: str, wanted: Any) -> object:
    """Return the date, or date and time, of a text in ISO form."""
    try:
        return wanted.fromisoformat(text)
    except ValueError:
        what = "a date and time" if wanted is dt.datetime else "a date"
        example = "2024-05-01T12:30:00Z" if wanted is dt.datetime else "2024-05-01"
        raise Unfit(f'"{text[:80]}", which is not {what} in ISO form, such as {example}') from None


def member_of(value: object, wanted: Any) -> object:
    """Return the member of an enum that has a value, or else a name."""
    try:
        return wanted(value)
    except ValueError:
        members: Mapping[str, object] = wanted.__members__
        if isinstance(value, str) and value in members:
            return members[value]
    values = ", ".join(str(member.value) for member in list(wanted)[:8])
    raise Unfit(f"{in_words(value)}, and the values of {shown(wanted)} are {values}")


@lru_cache(maxsize=64)
def keys_of(wanted: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the keys of a TypedDict with their types, and those of them that must be there."""
    kind = typing.get_origin(wanted) or wanted
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - names that only the type checker knows
        return {}, ()
    optional = {key for key, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}
    needed = tuple(key for key in hints if key not in optional and key not in kind.__optional_keys__)
    given = dict(zip(getattr(kind, "__parameters__", ()), typing.get_args(wanted), strict=False))
    return {key: _substituted(hint, given) for key, hint in hints.items()}, needed


def _substituted(hint: Any, given: Mapping[Any, Any]) -> Any:
    """Return an annotation with what is given for the parameters of a generic class."""
    if isinstance(hint, typing.TypeVar):
        return given.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not given or not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(given.get(parameter, parameter) for parameter in parameters)]


def in_words(value: object) -> str:
    """Return a value as messages write it: what it is, and how it reads where that is short."""
    if value is None:
        return "None"
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if type(value) is str:
        return f'the text "{value}"' if len(value) <= _LONGEST_SHOWN else f'the text "{value[:_LONGEST_SHOWN]}…"'
    if type(value) in (bool, float) or (type(value) is int and abs(value) < _LARGE):
        return f"the {type(value).__name__} {value}"
    name = shown(type(value))
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
