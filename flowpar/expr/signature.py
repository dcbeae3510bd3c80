"""What a built-in function takes and gives: `Function`, `Parameter`, and the `Kind` of an argument.

A kind is asked twice: of a static type by `check`, and of a value by `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from enum import Enum
from os import PathLike

from flowpar.core.frozen import dataclass
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
    union,
    widen,
)
from flowpar.expr.work import type_name


class Kind(Enum):
    """What an argument must be, in the words of messages."""

    ANY = "any value"
    TEXT = "text"
    PATH = "text or a path"
    NUMBER = "a number"
    INT = "a whole number"
    BOOL = "True or False"
    ITEMS = "a list"
    SIZED = "a list, a mapping or text"
    MAPPING = "a mapping"
    FIELD = "the name of a field, as text, or an index"


_NEVER: dict[Kind, tuple[Simple, ...]] = {
    Kind.TEXT: (NONE, BOOL, INT, FLOAT, BYTES, PATH, DATE, DATETIME),
    Kind.PATH: (NONE, BOOL, INT, FLOAT, BYTES, DATE, DATETIME),
    Kind.NUMBER: (NONE, STR, BYTES, PATH, DATE, DATETIME),
    Kind.INT: (NONE, STR, BYTES, PATH, DATE, DATETIME, FLOAT),
    Kind.BOOL: (NONE, STR, BYTES, PATH, DATE, DATETIME, FLOAT, INT),
    Kind.ITEMS: (NONE, BOOL, INT, FLOAT, PATH, DATE, DATETIME),
    Kind.SIZED: (NONE, BOOL, INT, FLOAT, PATH, DATE, DATETIME),
    Kind.MAPPING: (NONE, BOOL, INT, FLOAT, STR, BYTES, PATH, DATE, DATETIME),
    Kind.FIELD: (NONE, BOOL, FLOAT, BYTES, PATH, DATE, DATETIME),
}
_SCALAR_KINDS = frozenset({Kind.TEXT, Kind.PATH, Kind.NUMBER, Kind.INT, Kind.BOOL, Kind.FIELD})


def may_be(kind: Kind, given: Type) -> bool:
    """Whether a value of a static type can be of a kind; what is not known can."""
    if kind is Kind.ANY:
        return True
    match given:
        case Constant():
            return may_be(kind, widen(given))
        case OneOf(members):
            return any(may_be(kind, member) for member in members)
        case Simple():
            return given not in _NEVER[kind]
        case ListOf() | TupleOf():
            return kind not in _SCALAR_KINDS and kind is not Kind.MAPPING
        case MapOf():
            return kind not in _SCALAR_KINDS
        case Record():
            return kind not in _SCALAR_KINDS and (given.is_mapping or kind is not Kind.MAPPING)
        case Enumeration(mixin=None):
            return kind not in _SCALAR_KINDS and given.has_fields
        case Enumeration(mixin=Simple() as mixin):
            return may_be(kind, mixin)
        case Named() | Enumeration():
            return True


def is_of(kind: Kind, value: object) -> bool:
    """Whether a value is of a kind."""
    match kind:
        case Kind.ANY:
            return True
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.PATH:
            return isinstance(value, str | PathLike)
        case Kind.NUMBER:
            return value is not None and not isinstance(value, str | bytes | Mapping | list | tuple | set | frozenset)
        case Kind.INT:
            return hasattr(type(value), "__index__")
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.ITEMS:
            return isinstance(value, Iterable) or hasattr(type(value), "__getitem__")
        case Kind.SIZED:
            return isinstance(value, Sized)
        case Kind.MAPPING:
            return isinstance(value, Mapping)
        case Kind.FIELD:
            return isinstance(value, str | int)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; a `is_keyword` one is given by name only."""

    name: str
    kind: Kind = Kind.ANY
    is_required: bool = True
    is_keyword: bool = False

    def __str__(self) -> str:
        """Return it as a signature shows it."""
        return self.name if self.is_required else f"{self.name}=…"


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function.

    `run` takes the `Work` first, then the arguments; `result` makes the static type of the result
    from those of the positional arguments. With `is_variadic` the last positional parameter
    takes any number of arguments.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Callable[[Sequence[Type]], Type]
    run: Callable[..., object]
    is_variadic: bool = False

    def __str__(self) -> str:
        """Return the signature as messages show it."""
        many = self.positional[-1] if self.is_variadic else None
        shown = (f"{parameter.name}, …" if parameter is many else str(parameter) for parameter in self.parameters)
        return f"{self.name}({', '.join(shown)})"

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """The parameters that can be given by place."""
        return tuple(parameter for parameter in self.parameters if not parameter.is_keyword)

    def at(self, index: int) -> Parameter | None:
        """Return the parameter of the positional argument number `index`."""
        positional = self.positional
        if index < len(positional):
            return positional[index]
        return positional[-1] if self.is_variadic else None

    def named(self, name: str) -> Parameter | None:
        """Return the parameter of a keyword argument."""
        found = next((parameter for parameter in self.parameters if parameter.name == name), None)
        return None if self.is_variadic and found is not None and not found.is_keyword else found

    def misfit(self, count: int, names: Sequence[str]) -> str | None:
        """Return what is wrong with the number and names of arguments, or None."""
        unknown = next((name for name in names if self.named(name) is None), None)
        if unknown is not None:
            return f'{self.name}() has no argument "{unknown}"'
        if not self.is_variadic and count > len(self.positional):
            return f"{self.name}() takes {_arguments(len(self.positional))}, not {count}"
        given = {parameter.name for parameter in self.positional[:count]}
        twice = next((name for name in names if name in given), None)
        if twice is not None:
            return f'{self.name}() is given "{twice}" twice'
        missing = [p.name for p in self.parameters if p.is_required and p.name not in given and p.name not in names]
        return f'{self.name}() needs "{missing[0]}"' if missing else None

    def misuse(self, args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
        """Return what is wrong with the values of arguments, or None."""
        given = [(self.at(index), value) for index, value in enumerate(args)]
        given += [(self.named(name), value) for name, value in kwargs.items()]
        for parameter, value in given:
            is_unset = value is None and parameter is not None and not parameter.is_required
            if parameter is not None and not is_unset and not is_of(parameter.kind, value):
                wanted = f'"{parameter.name}" of {self.name}() must be {parameter.kind.value}'
                return f"{wanted}, not {type_name(value)}"
        return None


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"at most {count} arguments"


def always(kind: Type) -> Callable[[Sequence[Type]], Type]:
    """Return the rule of a function whose result is of one type."""
    return lambda _: kind


def item_of(kind: Type) -> Type:
    """Return the type of the items that a loop over a value sees; `ANY` where that is not known."""
    match kind:
        case ListOf(item):
            return item
        case TupleOf(items):
            return _joined(items)
        case MapOf(key, _):
            return key
        case Record(is_mapping=True) | Simple("str"):
            return STR
        case Constant():
            return item_of(widen(kind))
        case OneOf(members):
            return _joined([item_of(member) for member in members])
        case _:
            return ANY


def _joined(kinds: Iterable[Type]) -> Type:
    return union(map(widen, kinds))
