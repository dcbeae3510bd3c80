"""What a class is by its source (dataclass, NamedTuple, TypedDict, pydantic model, enum, plain), and its fields."""

from __future__ import annotations

import ast
from enum import Enum, auto
from typing import TYPE_CHECKING

from flowpar.code.generic import bound_of
from flowpar.code.library import Defined, Foreign, Module
from flowpar.code.names import names_of
from flowpar.code.standard import standard
from flowpar.core.frozen import dataclass, replace
from flowpar.core.types import Spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.generic import Bound
    from flowpar.code.library import Library

_DEEPEST_BASE = 16


class Family(Enum):
    """How a class gets its fields."""

    PLAIN = auto()
    DATACLASS = auto()
    NAMED_TUPLE = auto()
    TYPED_DICT = auto()
    PYDANTIC = auto()
    ENUM = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `annotation` is to be read in `module`; without a `default` the constructor asks for it.

    `may_be_missing` is a key that a TypedDict need not have, `is_passed_only` an `InitVar`. `bounds` lead from the
    class that was asked for to the one that has it, by what each gives for the type parameters of the next.
    """

    name: str
    annotation: ast.expr
    module: Module
    spot: Spot
    default: ast.expr | None = None
    may_be_missing: bool = False
    is_passed_only: bool = False
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """What `.name` reads beside the fields: a property or a class attribute."""

    name: str
    annotation: ast.expr | None
    module: Module
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Constructor:
    """An `__init__`, and the way to it from the class that was asked for."""

    module: Module
    node: ast.FunctionDef
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A class; unless `is_complete` there is more to it than its source shows (an unknown base or decorator).

    `has_only_init` says that no `__new__` stands in the way of `constructor`; `above` are the places of the
    project's classes that it is based on.
    """

    family: Family
    fields: tuple[Field, ...]
    members: tuple[Member, ...]
    constructor: Constructor | None
    is_complete: bool
    has_only_init: bool = True
    above: frozenset[tuple[str, int]] = frozenset()

    @property
    def has_fields(self) -> bool:
        """Whether instances are records with known fields."""
        return self.is_complete and self.family not in {Family.PLAIN, Family.ENUM}


def shape_of(library: Library, module: Module, node: ast.ClassDef, *, depth: int = _DEEPEST_BASE) -> Shape:
    """Read a class and the project's classes that it is based on."""
    meanings = [library.meaning(module, _head(base)) for base in node.bases]
    classes = [
        (found.module, found.binding.value, written)
        for found, written in zip(meanings, node.bases, strict=True)
        if isinstance(found, Defined) and isinstance(found.binding.value, ast.ClassDef) and depth
    ]
    bases = [
        _as_base(shape_of(library, home, base, depth=depth - 1), bound_of(library, module, written, (home, base)))
        for home, base, written in classes
    ]
    roots = [standard(base.qualified) for base in meanings if isinstance(base, Foreign)]
    family = _family(library, module, node, [*(base.family for base in bases), *(_ROOTS.get(r) for r in roots)])
    is_complete = (
        len(bases) + sum(map(_is_known_root, roots, [family] * len(roots))) == len(node.bases)
        and all(base.is_complete for base in bases)
        and all(_decorator(library, module, each) in _HARMLESS for each in node.decorator_list)
        and not any(keyword.arg == "metaclass" for keyword in node.keywords)
    )
    inherited = [field for base in reversed(bases) for field in base.fields]
    own = _fields(library, module, node) if family not in {Family.PLAIN, Family.ENUM} else ()
    return Shape(
        family,
        tuple({field.name: field for field in [*inherited, *own]}.values()),
        (*_members(module, node), *(member for base in bases for member in base.members)),
        _constructor(module, node) or next((base.constructor for base in bases if base.constructor), None),
        is_complete,
        has_only_init=all(base.has_only_init for base in bases) and not _has_new(node),
        above=frozenset((home.source.file, base.lineno) for home, base, _ in classes).union(*(b.above for b in bases)),
    )


def _as_base(shape: Shape, bound: Bound) -> Shape:
    """Return a class as seen from one that is based on it."""
    return replace(
        shape,
        fields=tuple(replace(field, bounds=(bound, *field.bounds)) for field in shape.fields),
        members=tuple(replace(member, bounds=(bound, *member.bounds)) for member in shape.members),
        constructor=shape.constructor and replace(shape.constructor, bounds=(bound, *shape.constructor.bounds)),
    )


def _is_known_root(root: str, family: Family) -> bool:
    return root in _ROOTS or root in _NEUTRAL or (family is Family.ENUM and root in _MIXINS)


_ROOTS: dict[str, Family | None] = {
    "typing.NamedTuple": Family.NAMED_TUPLE,
    "typing.TypedDict": Family.TYPED_DICT,
    "pydantic.BaseModel": Family.PYDANTIC,
    **{f"enum.{name}": Family.ENUM for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")},
}
_MIXINS = {"builtins.str", "builtins.int", "enum.ReprEnum"}
_NEUTRAL = {"builtins.object", "abc.ABC", "typing.Generic"}  # not Protocol: anything may be of its form
_STANDARD, _OWN = "dataclasses.dataclass", "flowpar.core.frozen.dataclass"
_DATACLASSES = {_STANDARD, "pydantic.dataclasses.dataclass"}
_HARMLESS = {
    *_DATACLASSES,
    "enum.unique",
    "enum.verify",
    "functools.total_ordering",
    "typing.final",
    "typing.runtime_checkable",
    "warnings.deprecated",
}


def _head(base: ast.expr) -> ast.expr:
    """Return `Base` of `Base[T]`."""
    return base.value if isinstance(base, ast.Subscript) else base


def _decorator(library: Library, module: Module, decorator: ast.expr) -> str:
    """Return the qualified name of a decorator, empty where it is the project's or not known."""
    meaning = library.meaning(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    if isinstance(meaning, Defined) and f"{meaning.module.name}.{meaning.name}" == _OWN:
        return _STANDARD  # whose meaning it has
    return standard(meaning.qualified) if isinstance(meaning, Foreign) else ""


def _family(library: Library, module: Module, node: ast.ClassDef, above: Iterable[Family | None]) -> Family:
    if any(_decorator(library, module, each) in _DATACLASSES for each in node.decorator_list):
        return Family.DATACLASS
    return next((family for family in above if family not in {None, Family.PLAIN}), None) or Family.PLAIN


def _fields(library: Library, module: Module, node: ast.ClassDef) -> Iterator[Field]:
    is_total = not any(k.arg == "total" and getattr(k.value, "value", True) is False for k in node.keywords)
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                marks = _marks(library, module, annotation)
                if marks & {"typing.ClassVar", "dataclasses.KW_ONLY"}:
                    continue
                may_miss = "typing.NotRequired" in marks or not (is_total or "typing.Required" in marks)
                spot = Spot(module.source.file, statement.lineno, statement.col_offset + 1)
                is_passed_only = "dataclasses.InitVar" in marks
                yield Field(name, annotation, module, spot, value, may_miss, is_passed_only)


def _marks(library: Library, module: Module, annotation: ast.expr) -> set[str]:
    """Return the names that stand around an annotation's type: `ReadOnly[NotRequired[int]]` has two."""
    marks = set()
    while True:
        meaning = library.meaning(module, _head(annotation))
        if isinstance(meaning, Foreign):
            marks.add(standard(meaning.qualified))
        if not isinstance(annotation, ast.Subscript) or marks.isdisjoint(_AROUND):
            return marks
        annotation = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice


_AROUND = {f"typing.{name}" for name in ("Annotated", "NotRequired", "ReadOnly", "Required")}


def _members(module: Module, node: ast.ClassDef) -> Iterator[Member]:
    for name, binding in names_of(node.body, package=module.source.package).bindings.items():
        match binding.value:
            case ast.FunctionDef(decorator_list=decorators, returns=returns):
                if any(getattr(d, "id", getattr(d, "attr", "")) in {"property", "cached_property"} for d in decorators):
                    yield Member(name, returns, module)
            case ast.expr() | None:
                yield Member(name, binding.annotation, module)


def _constructor(module: Module, node: ast.ClassDef) -> Constructor | None:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return Constructor(module, statement)
    return None


def _has_new(node: ast.ClassDef) -> bool:
    return any(isinstance(statement, ast.FunctionDef) and statement.name == "__new__" for statement in node.body)
