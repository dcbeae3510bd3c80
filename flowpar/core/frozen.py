"""`dataclass` as the standard library has it, for a twentieth of the price at import.

The standard one writes and compiles six methods of each class anew in each process: 0.6 ms a class, and a
run imports 150 of them, which was a quarter of its start. Here all methods but `__init__` are shared closures
over the fields, and `__init__` is compiled when it is first looked at. Whoever reads the code, and mypy,
sees the standard decorator; `fields`, `replace`, `asdict`, `copy` and `pickle` work with what it makes.

Of its options those are here that flowpar uses: there is no `InitVar`, and slots are not a choice.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import field as field  # noqa: PLC0414 (the other two that most modules use are had from here, too)
from dataclasses import replace as replace  # noqa: PLC0414
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import Field
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 (so that it may be imported from here)

    Values = Callable[[Any], tuple[object, ...]]

T = TypeVar("T")


def _dataclass(
    *, slots: Literal[True], frozen: bool = False, eq: bool = True, order: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Add what `dataclasses.dataclass` adds with these options."""
    if not slots:
        raise TypeError("a dataclass of flowpar's has slots")

    def decorate(plain: type[T]) -> type[T]:
        bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
        made = bare(plain)
        values = _values_of(made)
        methods: dict[str, object] = {"__init__": _Init(made, is_frozen=frozen), "__repr__": _representation(made)}
        if frozen:
            methods |= _frozen_methods(made)
        if eq:
            methods |= {"__eq__": _equality(values), "__hash__": _hash(values) if frozen else None}
        if order:
            methods |= _order(values)
        _add(made, methods)
        return made

    return decorate


if not TYPE_CHECKING:
    dataclass = _dataclass


def complete_dataclasses() -> None:
    """Compile what has been put off, in every module of flowpar's: processes that are forked from here have it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("flowpar."):
            for value in list(vars(module).values()):
                if isinstance(value, type):
                    getattr(value, "__init__", None)


class _LeftOut:
    """What stands for an argument that was not given, where a factory makes the value."""

    def __repr__(self) -> str:
        return "<factory>"


_LEFT_OUT = _LeftOut()


class _Init:
    """The `__init__` of a class until someone looks at it, who gets a function that then stands in its place."""

    def __init__(self, owner: type, *, is_frozen: bool) -> None:
        self._owner = owner
        self._is_frozen = is_frozen

    def __get__(self, instance: object, owner: type) -> object:
        compiled = _compiled(self._owner, is_frozen=self._is_frozen)
        self._owner.__init__ = compiled  # type: ignore[misc]
        return compiled.__get__(instance, owner)


def _compiled(owner: type, *, is_frozen: bool) -> Any:
    fields = [field for field in dataclasses.fields(owner) if field.init]
    names: dict[str, object] = {"_LEFT_OUT": _LEFT_OUT}
    plain = [_parameter(field, names) for field in fields if not field.kw_only]
    named = [_parameter(field, names) for field in fields if field.kw_only]
    lines = list(_assignments(owner, names, is_frozen=is_frozen))
    parameters = ", ".join(["self", *plain, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"]), names)  # noqa: S102 (names of fields)
    made: Any = names["__init__"]
    made.__qualname__ = f"{owner.__qualname__}.__init__"
    made.__module__ = owner.__module__
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made


def _parameter(field: Field[Any], names: dict[str, object]) -> str:
    if field.default is not dataclasses.MISSING:
        names[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    return field.name if field.default_factory is dataclasses.MISSING else f"{field.name}=_LEFT_OUT"


def _assignments(owner: type, names: dict[str, object], *, is_frozen: bool) -> Iterator[str]:
    for each in dataclasses.fields(owner):
        name = value = each.name
        if each.default_factory is not dataclasses.MISSING:
            names[f"_new_{name}"] = each.default_factory
            value = f"_new_{name}() if {name} is _LEFT_OUT else {name}" if each.init else f"_new_{name}()"
        elif not each.init:
            if each.default is dataclasses.MISSING:
                continue
            names[value := f"_default_{name}"] = each.default
        if is_frozen:
            names[f"_set_{name}"] = getattr(owner, name).__set__  # past the `__setattr__` that refuses
        yield f"_set_{name}(self, {value})" if is_frozen else f"self.{name} = {value}"
    if hasattr(owner, "__post_init__"):
        yield "self.__post_init__()"


def _values_of(owner: type) -> Values:
    """Return a function from an instance to the values that it is compared by."""
    names = [field.name for field in dataclasses.fields(owner) if field.compare]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda instance: tuple(getattr(instance, name) for name in names)


def _equality(values: Values) -> Callable[[object, object], bool]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(values: Values) -> Callable[[object], int]:
    def __hash__(self: object) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _order(values: Values) -> dict[str, object]:
    def __lt__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) < values(other) if other.__class__ is self.__class__ else NotImplemented

    def __le__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) <= values(other) if other.__class__ is self.__class__ else NotImplemented

    def __gt__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) > values(other) if other.__class__ is self.__class__ else NotImplemented

    def __ge__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) >= values(other) if other.__class__ is self.__class__ else NotImplemented

    return {"__lt__": __lt__, "__le__": __le__, "__gt__": __gt__, "__ge__": __ge__}


def _representation(owner: type) -> Callable[[object], str]:
    names = [field.name for field in dataclasses.fields(owner) if field.repr]

    @recursive_repr()
    def __repr__(self: object) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return __repr__


def _frozen_methods(owner: type) -> dict[str, object]:
    names = [field.name for field in dataclasses.fields(owner)]

    def __setattr__(_self: object, name: str, _value: object) -> NoReturn:  # noqa: N807
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(_self: object, name: str) -> NoReturn:  # noqa: N807
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self: object) -> list[object]:  # noqa: N807
        return [getattr(self, name) for name in names]

    def __setstate__(self: object, state: list[object]) -> None:  # noqa: N807
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__setattr__": __setattr__,
        "__delattr__": __delattr__,
        "__getstate__": __getstate__,
        "__setstate__": __setstate__,
    }


def _add(owner: type, methods: dict[str, object]) -> None:
    """Give a class what it has not written itself."""
    own = vars(owner)
    for name, method in methods.items():
        is_left = name not in own or (name == "__hash__" and own[name] is None)
        if is_left:
            setattr(owner, name, method)
