"""What values become where YAML meets a typed function, and which of them the function does not take.

convert   an argument for an annotation: `str` to `Path`, `int` to `float`, ISO text to a date, a value or name
          to the member of an enum, a list to a tuple or set; the value itself where nothing is to be done
prove     what a function returned, which is never changed

Both raise `Unfit` for what contradicts the annotation. Collections are looked at in part, so the work is
bounded; what is not understood fits.
"""

from __future__ import annotations

import datetime as dt
import enum
import operator
import os
import pathlib
import typing
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from flowpar.execute.annotation import is_union, is_unpacked, shown
from flowpar.execute.conversion import (
    DICTS,
    LISTS,
    Unfit,
    in_words,
    is_instance,
    keys_of,
    maker_of,
    member_of,
    moment_of,
    type_of_items,
)
from flowpar.execute.glance import places

# Of a longer collection so many members are looked at, fewer of one within another one.
_MOST = (64, 16, 4)
_OF_PYTHON = frozenset({"builtins", "collections", "collections.abc", "contextlib", "os", "re", "types", "typing"})
_WRAPPERS = frozenset({typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired})


def convert(value: object, wanted: object) -> Any:
    """Return an argument as the annotation wants it; raises Unfit."""
    return _Border(converts=True).admit(value, wanted, 0)


def prove(value: object, wanted: object) -> None:
    """Raise Unfit where a returned value contradicts its annotation."""
    _Border(converts=False).admit(value, wanted, 0)


class _Border:
    """Walks a value and an annotation together."""

    def __init__(self, *, converts: bool) -> None:
        self._converts = converts

    def admit(self, value: Any, wanted: Any, depth: int) -> Any:
        kind = type(value)
        if kind is wanted or wanted is Any or wanted is object:
            return value
        origin = typing.get_origin(wanted)
        if origin is None:
            return self._simple(value, wanted, depth)
        parts = typing.get_args(wanted)
        if origin in _WRAPPERS:
            return self.admit(value, parts[0], depth)
        if typing.is_typeddict(origin):
            return self._keys(value, wanted, depth)
        if is_union(wanted):
            return self._one_of(value, parts, depth)
        if origin is typing.Literal:
            if any(value == part and (kind is type(part) or isinstance(value, enum.Enum)) for part in parts):
                return value
            raise Unfit(in_words(value), wanted=shown(wanted))
        return self._generic(value, origin, parts, depth)

    def _simple(self, value: Any, wanted: Any, depth: int) -> Any:
        """Admit what a class without parts asks for."""
        if wanted is None or wanted is type(None):
            if value is None:
                return value
            raise Unfit(in_words(value), wanted="None")
        inner = getattr(wanted, "__supertype__", None) or getattr(wanted, "__value__", None)
        if inner is not None and not isinstance(wanted, type):  # a NewType, or `type X = …`
            return self.admit(value, inner, depth)
        if not isinstance(wanted, type):
            return value  # a type variable, a text in a list: nothing that could be asked
        if typing.is_typeddict(wanted):
            return self._keys(value, wanted, depth)
        if wanted in LISTS or wanted in DICTS or wanted.__module__ == "collections.abc":
            return self._generic(value, wanted, (), depth)
        if is_instance(value, wanted):
            return self._number(value, wanted) if wanted is float else value
        return self._converted(value, wanted)

    def _number(self, value: Any, wanted: Any) -> Any:
        if not self._converts or type(value) is not int:
            return value
        try:
            return wanted(value)
        except OverflowError:
            raise Unfit("the number is too large for a float") from None

    def _converted(self, value: Any, wanted: Any) -> Any:
        """Make of a text, or the value of an enum, what the class stands for."""
        if self._converts and isinstance(value, str):
            if issubclass(wanted, pathlib.PurePath):
                return wanted(value)
            if wanted is os.PathLike:
                return pathlib.Path(value)
            if wanted is dt.datetime or wanted is dt.date:
                return moment_of(value, wanted)
        if self._converts and issubclass(wanted, enum.Enum):
            return member_of(value, wanted)
        raise Unfit(in_words(value), wanted=shown(wanted))

    def _one_of(self, value: Any, members: tuple[Any, ...], depth: int) -> Any:
        """Admit a value to a union: as it is if one takes it so, else as the first makes it."""
        if any(type(value) is member for member in members):
            return value
        first: Unfit | None = None
        converted: list[Any] = []
        for member in members:
            try:
                found = self.admit(value, member, depth)
            except Unfit as error:
                first = error if first is None or error.place else first
                continue
            if found is value:
                return value
            converted.append(found)
        if converted:
            return converted[0]
        is_simple = len([member for member in members if member is not type(None)]) == 1
        if first is not None and (first.place or (is_simple and not first.wanted)):
            raise first
        raise Unfit(in_words(value), wanted=" | ".join(map(shown, members)))

    def _generic(self, value: Any, origin: Any, parts: tuple[Any, ...], depth: int) -> Any:
        kind: type = origin if isinstance(origin, type) else object
        if kind.__module__ not in _OF_PYTHON:
            parts = ()  # what a class of the user's does with its parameters is its own affair
        if isinstance(value, dict) and issubclass(kind, Mapping):
            made = value if is_instance(value, kind) or kind not in DICTS else self._made(value, kind)
            return self._entries(made, parts, depth) if len(parts) == 2 else made  # noqa: PLR2004 - key and value
        if isinstance(value, LISTS) and issubclass(kind, Iterable) and not issubclass(kind, Mapping):
            return self._items(value, kind, parts, depth)
        if kind is os.PathLike and isinstance(value, str) and self._converts:
            return pathlib.Path(value)
        if not is_instance(value, kind) or (isinstance(value, str) and self._converts and kind is not object):
            raise Unfit(in_words(value), wanted=shown(origin))
        return value

    def _made(self, value: Any, origin: Any) -> Any:
        """Put the members of a collection into one of another kind."""
        if not self._converts:
            raise Unfit(in_words(value), wanted=shown(origin))
        try:
            return maker_of(origin)(value)
        except TypeError as error:
            raise Unfit(f"{in_words(value)}, of which no {shown(origin)} can be made: {error}") from None

    def _items(self, value: Any, origin: Any, parts: tuple[Any, ...], depth: int) -> Any:
        if any(map(is_unpacked, parts)):
            parts = ()  # nobody knows how many items it stands for
        is_record = origin is tuple and parts and not (len(parts) == 2 and parts[1] is ...)  # noqa: PLR2004 - tuple[X, ...]
        if is_record:
            if len(parts) != len(value):
                count = f"{len(value)} item{'' if len(value) == 1 else 's'}"
                raise Unfit(f"{in_words(value)} of {count}", wanted=f"of {len(parts)}")
            admitted = [self._part(part, parts[n], n, depth) for n, part in enumerate(value)]
            value = value if all(map(operator.is_, admitted, value)) else type_of_items(value)(admitted)
        elif parts and depth < len(_MOST):
            value = self._each(value, parts[0], depth)
        if is_instance(value, origin):
            return value
        return self._made(value, origin)

    def _each(self, value: Any, wanted: Any, depth: int) -> Any:
        """Admit the items: some of many, and the others only where some have to be converted."""
        if isinstance(value, list | tuple):
            some = [(n, value[n]) for n in places(len(value), _MOST[depth])]
        else:
            some = list(islice(enumerate(value), _MOST[depth]))
        admitted = [self._part(part, wanted, n, depth) for n, part in some]
        if all(new is old for new, (_, old) in zip(admitted, some, strict=True)):
            return value
        if len(some) < len(value):
            admitted = [self._part(part, wanted, n, depth) for n, part in enumerate(value)]
        return type_of_items(value)(admitted)

    def _part(self, part: Any, wanted: Any, place: object, depth: int) -> Any:
        try:
            return self.admit(part, wanted, depth + 1)
        except Unfit as error:
            raise error.within(f"[{place!r}]") from None

    def _entries(self, value: Any, parts: tuple[Any, ...], depth: int) -> Any:
        """Admit the keys and values of a mapping, the first of many."""
        if depth >= len(_MOST):
            return value
        some = list(islice(value.items(), _MOST[depth]))
        admitted = [self._entry(key, part, parts, depth) for key, part in some]
        if all(key is old and part is one for (key, part), (old, one) in zip(admitted, some, strict=True)):
            return value
        return dict(self._entry(key, part, parts, depth) for key, part in value.items())

    def _entry(self, key: Any, part: Any, parts: tuple[Any, ...], depth: int) -> tuple[Any, Any]:
        try:
            name = self.admit(key, parts[0], depth + 1)
        except Unfit as error:
            raise Unfit(f"the key {in_words(key)}", wanted=error.wanted) from None
        return name, self._part(part, parts[1], key, depth)

    def _keys(self, value: Any, wanted: Any, depth: int) -> Any:
        """Admit a mapping that a TypedDict describes."""
        if not isinstance(value, dict):
            raise Unfit(in_words(value), wanted=shown(wanted))
        hints, needed = keys_of(wanted)
        missing = next((key for key in needed if key not in value), None)
        if missing is not None:
            raise Unfit(f'a {shown(type(value))} without the key "{missing}"', wanted=shown(wanted))
        known = {key: self._part(value[key], hint, key, depth) for key, hint in hints.items() if key in value}
        return value if all(value[key] is part for key, part in known.items()) else {**value, **known}
