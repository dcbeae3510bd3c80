"""An enum by its source: the names and values of its members, and what they are besides."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.library import Defined, Foreign
from flowpar.code.names import names_of
from flowpar.code.spot import spot_of_name
from flowpar.code.standard import standard
from flowpar.core.types import ANY, INT, STR, Enumeration, Named, Spot, Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.code.library import Library, Module

_DEEPEST_BASE = 8
_MIXINS = {
    "builtins.str": STR,
    "enum.StrEnum": STR,
    "builtins.int": INT,
    "enum.IntEnum": INT,
    "enum.IntFlag": INT,
}
# What may make a value of something else than what stands in the class.
_MAKERS = {"__new__", "__init__", "_missing_", "_generate_next_value_", "__eq__", "_value_"}


def enumeration_of(library: Library, module: Module, node: ast.ClassDef) -> Type:
    """Read an enum; one of flags, whose members can be combined, is but a name."""
    roots = set(_roots(library, module, node, _DEEPEST_BASE))
    if roots & {"enum.Flag", "enum.IntFlag"}:
        return Named(node.name) if "enum.IntFlag" not in roots else ANY
    mixin = next((_MIXINS[root] for root in _MIXINS if root in roots), None)
    is_open = not roots.isdisjoint(_MAKERS)
    members = tuple(_members(library, module, node, is_text="enum.StrEnum" in roots or None if mixin == STR else False))
    return Enumeration(
        node.name,
        tuple((name, value) for name, value, _ in members),
        mixin,
        is_open,
        has_fields=_has_fields(library, module, node),
        spots=(("", spot_of_name(module, node)), *((name, spot) for name, _, spot in members)),
    )


def _has_fields(library: Library, module: Module, node: ast.ClassDef) -> bool:
    """Whether a class defines, or may inherit, more than members: methods, properties, annotated attributes."""
    is_based = any(not isinstance(library.meaning(module, base), Foreign) for base in node.bases)
    return is_based or any(isinstance(part, ast.FunctionDef | ast.AnnAssign) for part in node.body)


def _roots(library: Library, module: Module, node: ast.ClassDef, depth: int) -> Iterator[str]:
    """Give the names from elsewhere that a class is based on, and its methods that make members."""
    yield from (name for name in names_of(node.body, package=module.source.package).bindings if name in _MAKERS)
    for base in node.bases:
        meaning = library.meaning(module, base)
        if isinstance(meaning, Foreign):
            yield standard(meaning.qualified)
        elif isinstance(meaning, Defined) and isinstance(meaning.binding.value, ast.ClassDef) and depth:
            yield from _roots(library, meaning.module, meaning.binding.value, depth - 1)


def _members(
    library: Library, module: Module, node: ast.ClassDef, *, is_text: bool | None
) -> Iterator[tuple[str, str | int | None, Spot]]:
    """Give each member; `is_text`: whether `auto()` makes its name in small letters or a number, None if neither."""
    last = 0
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                following = None if is_text is None else name.lower() if is_text else last + 1
                found = _value(library, module, value, following=following)
                last = found if isinstance(found, int) else last
                yield name, found, Spot(module.source.file, statement.lineno, statement.col_offset + 1)
            case _:
                continue


def _value(library: Library, module: Module, value: ast.expr, *, following: str | int | None) -> str | int | None:
    """Return a member's value, None where it is no literal; `following` is what `auto()` makes."""
    match value:
        case ast.Constant(value=str() | int() as literal) if not isinstance(literal, bool):
            return literal
        case ast.Call(func=func, args=[]):
            meaning = library.meaning(module, func)
            return following if isinstance(meaning, Foreign) and meaning.qualified == "enum.auto" else None
        case _:
            return None
