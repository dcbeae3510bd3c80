"""The parameters of generic classes, and what stands for them where a class is based on another one.

class Box(Generic[T]): value: T        parameters ("T",)
class Boxes(Box[list[U]]): …           binds T to list[U], in the words of its own module
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.library import Defined, Foreign
from flowpar.code.standard import standard
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.code.library import Library, Module

    Base = tuple[Module, ast.ClassDef]

_DECLARING = frozenset({"typing.Generic", "typing.Protocol"})


@dataclass(frozen=True, slots=True)
class Bound:
    """What a class gives for the parameters of one that it is based on: expressions, to be read in its `module`."""

    module: Module
    names: tuple[str, ...]
    parts: tuple[ast.expr, ...] = ()

    @property
    def pairs(self) -> Iterator[tuple[str, ast.expr | None]]:
        """Give each parameter with what stands for it, None where that can't be told."""
        is_told = len(self.names) == len(self.parts)
        return iter(zip(self.names, self.parts if is_told else [None] * len(self.names), strict=True))


def bound_of(library: Library, module: Module, expression: ast.expr, base: Base) -> Bound:
    """Return what a base as it is written in a module binds of the class that it means, which stands in another."""
    return Bound(module, parameters_of(library, *base), tuple(parts_of(expression)))


def parts_of(expression: ast.expr) -> list[ast.expr]:
    """Return what stands in the brackets of `Base[A, B]`; nothing where anything is unpacked there."""
    if not isinstance(expression, ast.Subscript):
        return []
    parts = expression.slice.elts if isinstance(expression.slice, ast.Tuple) else [expression.slice]
    return [] if any(isinstance(part, ast.Starred) for part in parts) else list(parts)


def parameters_of(library: Library, module: Module, node: ast.ClassDef) -> tuple[str, ...]:
    """Return the names of a class's type parameters, in order."""
    declared = own_parameters(node)
    if declared:
        return declared
    found: dict[str, None] = {}
    for base in node.bases:
        head = library.meaning(module, base.value) if isinstance(base, ast.Subscript) else None
        names = [part for part in ast.walk(base) if isinstance(part, ast.Name)] if head is not None else []
        variables = dict.fromkeys(name.id for name in _in_order(names) if _is_variable(library, module, name))
        if isinstance(head, Foreign) and standard(head.qualified) in _DECLARING:
            return tuple(variables)
        found |= variables
    return tuple(found)


def own_parameters(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    """Return the names in `class Box[T]` or `def first[T](…)`, which Python knows from 3.12 on."""
    return tuple(parameter.name for parameter in getattr(node, "type_params", ()))


def _in_order(names: list[ast.Name]) -> list[ast.Name]:
    return sorted(names, key=lambda name: (name.lineno, name.col_offset))


def _is_variable(library: Library, module: Module, name: ast.Name) -> bool:
    """Whether a name stands for `TypeVar("T")`."""
    meaning = library.meaning(module, name)
    if isinstance(meaning, Foreign):
        return standard(meaning.qualified) == "typing.AnyStr"
    if not isinstance(meaning, Defined) or not isinstance(meaning.binding.value, ast.Call):
        return False
    maker = library.meaning(meaning.module, meaning.binding.value.func)
    return isinstance(maker, Foreign) and standard(maker.qualified) == "typing.TypeVar"
