"""Comparisons that cannot be meant: between types that are never equal, or with a word that never occurs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.types import BOOL, INT, PATH, STR, Constant, Enumeration, ListOf, show, widen
from flowpar.expr.typing_access import Problem, labels_of, meant
from flowpar.expr.typing_rules import can_contain, can_equal, can_order

if TYPE_CHECKING:
    from flowpar.core.types import Type

_EQUALITY = frozenset({"==", "!="})
_MEMBERSHIP = frozenset({"in", "not in"})


def comparison_problem(sign: str, nodes: tuple[ast.expr, ast.expr], kinds: tuple[Type, Type]) -> Problem | None:
    """Return what is wrong with `left sign right`, or None."""
    left, right = kinds
    if sign in _EQUALITY:
        return _unequal(left, right) or _never_equal(nodes, kinds)
    if sign in _MEMBERSHIP:
        if not can_contain(right, left):
            return Problem(f'"{sign}" does not work for {_shown(left)} in {_shown(right)}')
        return _unlike_items(left, right) or _never_among(nodes, left)
    if sign in {"is", "is not"} or can_order(left, right):
        return None
    return Problem(f'"{sign}" does not work between {_shown(left)} and {_shown(right)}', _order_hint(left, right))


def _shown(kind: Type) -> str:
    return show(widen(kind))


def _unequal(left: Type, right: Type) -> Problem | None:
    if can_equal(left, right):
        return None
    sides = {widen(left), widen(right)}
    hint = "compare values of one type"
    member = next((kind for kind in (left, right) if isinstance(kind, Enumeration)), None)
    if member is not None:
        hint = "compare the member's value, ….value, or its name, ….name"
    elif sides == {BOOL, STR}:
        hint = "use the condition itself, or compare with True or False"
    elif PATH in sides:
        hint = "compare str(path) with the text"
    elif STR in sides:
        hint = "leave the quotes out, or compare with str(…)"
    labels = () if member is None else labels_of(member, "")
    return Problem(f"{_shown(left)} and {_shown(right)} are never equal", hint, labels=labels)


def _unlike_items(item: Type, container: Type) -> Problem | None:
    if not isinstance(container, ListOf) or can_equal(item, container.item):
        return None
    return Problem(f"{_shown(item)} is never in {_shown(container)}", "compare values of one type")


def _order_hint(left: Type, right: Type) -> str | None:
    sides = {widen(left), widen(right)}
    return "make a number of the text with int(…) or float(…)" if STR in sides and INT in sides else None


def _never_equal(nodes: tuple[ast.expr, ast.expr], kinds: tuple[Type, Type]) -> Problem | None:
    for literal, kind in ((nodes[1], kinds[0]), (nodes[0], kinds[1])):
        other = nodes[0] if literal is nodes[1] else nodes[1]
        if not isinstance(other, ast.Constant):
            found = _not_one_of(literal, kind)
            if found is not None:
                return found
    return None


def _never_among(nodes: tuple[ast.expr, ast.expr], kind: Type) -> Problem | None:
    items = nodes[1].elts if isinstance(nodes[1], ast.List | ast.Tuple) else []
    found = (_not_one_of(item, kind) for item in items if not isinstance(nodes[0], ast.Constant))
    return next((problem for problem in found if problem is not None), None)


def _not_one_of(literal: ast.expr, kind: Type) -> Problem | None:
    """Return the finding for a value that one of literal types, or the member of an enum, never is."""
    values = kind.values if isinstance(kind, Constant) else _values_of(kind)
    if not isinstance(literal, ast.Constant) or type(literal.value) not in (str, int):
        return None
    if any(type(value) is not type(literal.value) for value in values) or literal.value in values or not values:
        return None
    labels = labels_of(kind, "") if isinstance(kind, Enumeration) else ()
    shown = f'"{literal.value}"' if isinstance(literal.value, str) else str(literal.value)
    hint = meant(str(literal.value), [str(value) for value in values], "it is one of")
    return Problem(f"the value is never {shown}", hint, labels=labels)


def _values_of(kind: Type) -> tuple[str | int, ...]:
    return kind.values or () if isinstance(kind, Enumeration) and kind.mixin is not None else ()
