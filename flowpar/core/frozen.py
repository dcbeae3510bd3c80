"""`dataclass` as the standard library has it, for a twentieth of the price at import.

The standard one writes and compiles six methods of each class anew in each process: 0.6 ms a class, and a
run imports 150 of them, which was a quarter of its start. Here all methods but `__init__` are functions over
the fields; `__init__` is compiled once some instances were made without it, or when it is looked at. The standard
decorator is asked for what `fields` and `replace` look at, when they do. Whoever reads the code, and mypy, sees that
one; `fields`, `replace`, `asdict`, `copy`, `pickle` and `match` work with what is made here.

Of its options those are here that flowpar uses: there is no `InitVar`, slots are not a choice, and annotations are
text, as in every module of flowpar.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import MISSING, Field, FrozenInstanceError
from dataclasses import field as field  # noqa: PLC0414 (the other two that most modules use are had from here, too)
from dataclasses import replace as replace  # noqa: PLC0414
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 (so that it may be imported from here)

    Values = Callable[[Any], tuple[object, ...]]

T = TypeVar("T")

_FEW = 8


def _dataclass(
    *, slots: Literal[True], frozen: bool = False, eq: bool = True, order: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Add what `dataclasses.dataclass` adds with these options."""
    if not slots:
        raise TypeError("a dataclass of flowpar's has slots")

    def decorate(plain: type[T]) -> type[T]:
        own = {name: value for name, value in vars(plain).items() if name not in {"__dict__", "__weakref__"}}
        kinds = own.get("__annotations__", {})
        names = [name for name, kind in kinds.items() if not kind.startswith("ClassVar")]
        given = {name: own.pop(name) for name in names if name in own}
        fields = _Fields(names, given, is_kw_only=kw_only, is_frozen=frozen)
        methods = fields.methods(is_compared=eq, is_ordered=order)
        if own.get("__hash__", own) is None:  # as Python makes a class that writes its own `__eq__`
            del own["__hash__"]
        metaclass: Any = type(plain)
        made: type[T] = metaclass(plain.__name__, plain.__bases__, methods | own)
        made.__qualname__ = plain.__qualname__
        if "__init__" not in own:
            setattr(made, "__init__", _FirstCalls(made, fields, lambda: fields.init_of(made, kinds)))  # noqa: B010
        for name, make in {
            "__dataclass_fields__": lambda: _standard(plain, kw_only=kw_only).__dataclass_fields__,
            "__dataclass_params__": lambda: _standard(plain, kw_only=kw_only).__dataclass_params__,
        }.items():
            if name not in own:
                setattr(made, name, _WhenLookedAt(made, name, make))
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


class _WhenLookedAt:
    """What stands for an attribute of a class until someone looks at it, who gets what then stands in its place."""

    def __init__(self, owner: type, name: str, make: Callable[[], Any]) -> None:
        self._owner = owner
        self._name = name
        self._make = make

    def __get__(self, instance: object, owner: type) -> object:
        made = self._make()
        setattr(self._owner, self._name, made)
        return made.__get__(instance, owner) if hasattr(made, "__get__") else made


class _FirstCalls(_WhenLookedAt):
    """What stands for `__init__` while few instances were made: compiling it takes as long as some twenty of them.

    Most classes of a short run have one or two.
    """

    def __init__(self, owner: type, fields: _Fields, make: Callable[[], Any]) -> None:
        super().__init__(owner, "__init__", make)
        self._fields = fields
        self._calls = 0

    def __get__(self, instance: object, owner: type) -> object:
        self._calls += 1
        # `inspect.signature` of Python 3.13 has the class itself for an instance.
        if not isinstance(instance, self._owner) or self._calls > _FEW:
            return super().__get__(instance, owner)
        return partial(self._set_up, instance)

    def _set_up(self, instance: object, /, *arguments: object, **named: object) -> None:
        values = self._fields.values(arguments, named)
        if values is None:  # the compiled one has the words for what is wrong
            super().__get__(instance, type(instance))(*arguments, **named)  # type: ignore[operator]
            return
        for name, value in values.items():
            object.__setattr__(instance, name, value)
        if hasattr(instance, "__post_init__"):
            instance.__post_init__()


def _standard(plain: type, *, kw_only: bool) -> Any:
    return dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(plain)


class _LeftOut:
    """What stands for an argument that was not given, where a factory makes the value."""

    def __repr__(self) -> str:
        return "<factory>"


_LEFT_OUT = _LeftOut()


class _Fields:
    """The fields of a class in order; `given` are the values or the `field(…)` that are written with them."""

    def __init__(self, names: Sequence[str], given: Mapping[str, object], *, is_kw_only: bool, is_frozen: bool) -> None:
        self._names = names
        self._is_frozen = is_frozen
        self._is_kw_only = is_kw_only
        self._special = {name: value for name, value in given.items() if isinstance(value, Field)}
        self._factories = {
            name: each.default_factory for name, each in self._special.items() if each.default_factory is not MISSING
        }
        self._defaults = {
            name: value.default if isinstance(value, Field) else value
            for name, value in given.items()
            if not isinstance(value, Field) or value.default is not MISSING
        }

    def methods(self, *, is_compared: bool, is_ordered: bool) -> dict[str, object]:
        """Return all methods that need not be compiled, and the names of the fields where Python looks for them."""
        matched = [name for name in self._names if self._is_parameter(name) and not self._is_named(name)]
        found: dict[str, object] = {"__slots__": tuple(self._names), "__match_args__": tuple(matched)}
        found["__repr__"] = _represent
        if self._is_frozen:
            found |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
            found |= {"__getstate__": _state_of, "__setstate__": _set_state}
        values = _values_of([name for name in self._names if name not in self._special or self._special[name].compare])
        if is_compared:
            found |= {"__eq__": _equality(values), "__hash__": _hash(values) if self._is_frozen else None}
        return found | _order(values) if is_ordered else found

    def values(self, arguments: Sequence[object], named: Mapping[str, object]) -> dict[str, object] | None:
        """Return the value of each field that gets one in a call of `__init__`; None where the call is wrong."""
        parameters = list(filter(self._is_parameter, self._names))
        plain = [name for name in parameters if not self._is_named(name)]
        given = dict(zip(plain, arguments, strict=False))
        is_right = len(arguments) <= len(plain) and given.keys().isdisjoint(named) and named.keys() <= set(parameters)
        given.update(named)
        if not is_right or any(name not in given and not self._makes(name) for name in parameters):
            return None
        made = (name for name in self._names if name in given or self._makes(name))
        return {name: given[name] if name in given else self._made(name) for name in made}

    def _makes(self, name: str) -> bool:
        return name in self._defaults or name in self._factories

    def _made(self, name: str) -> object:
        return self._factories[name]() if name in self._factories else self._defaults[name]

    def init_of(self, owner: type, kinds: Mapping[str, str]) -> Any:
        """Compile `__init__`."""
        names: dict[str, object] = {"_LEFT_OUT": _LEFT_OUT}
        names |= {f"_default_{name}": value for name, value in self._defaults.items()}
        names |= {f"_new_{name}": factory for name, factory in self._factories.items()}
        if self._is_frozen:  # past the `__setattr__` that refuses
            names |= {f"_set_{name}": getattr(owner, name).__set__ for name in self._names}
        lines = list(self._assignments(has_more=hasattr(owner, "__post_init__"))) or ["pass"]
        text = f"def __init__({self._parameters()}):\n  " + "\n  ".join(lines)
        # With the globals of its module, as annotations are looked up there.
        module = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
        found: dict[str, Any] = {}
        exec(f"def make({', '.join(names)}):\n {text}\n return __init__", module, found)  # noqa: S102 (names of fields)
        made = found["make"](**names)
        made.__qualname__ = f"{owner.__qualname__}.__init__"
        made.__module__ = owner.__module__
        taken = {name: kinds[name] for name in self._names if self._is_parameter(name)}
        made.__annotations__ = {**taken, "return": None}
        return made

    def _is_parameter(self, name: str) -> bool:
        return name not in self._special or self._special[name].init

    def _is_named(self, name: str) -> bool:
        kw_only = self._special[name].kw_only if name in self._special else MISSING
        return self._is_kw_only if kw_only is MISSING else bool(kw_only)

    def _parameters(self) -> str:
        plain, named = ["self"], ["*"]
        for name in filter(self._is_parameter, self._names):
            default = f"_default_{name}" if name in self._defaults else "_LEFT_OUT"
            (named if self._is_named(name) else plain).append(f"{name}={default}" if self._makes(name) else name)
        return ", ".join(plain if len(named) == 1 else plain + named)

    def _assignments(self, *, has_more: bool) -> Iterator[str]:
        for name in self._names:
            if self._is_parameter(name):
                value = f"_new_{name}() if {name} is _LEFT_OUT else {name}" if name in self._factories else name
            elif self._makes(name):
                value = f"_new_{name}()" if name in self._factories else f"_default_{name}"
            else:
                continue
            yield f"_set_{name}(self, {value})" if self._is_frozen else f"self.{name} = {value}"
        if has_more:
            yield "self.__post_init__()"


def _values_of(names: Sequence[str]) -> Values:
    """Return a function from an instance to the values that it is compared by."""
    return attrgetter(*names) if len(names) > 1 else lambda one: tuple(getattr(one, name) for name in names)


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


@recursive_repr()
def _represent(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _refuse_to_set(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state_of(self: Any) -> list[object]:
    return [getattr(self, name) for name in self.__slots__]


def _set_state(self: Any, state: list[object]) -> None:
    for name, value in zip(self.__slots__, state, strict=True):
        object.__setattr__(self, name, value)
