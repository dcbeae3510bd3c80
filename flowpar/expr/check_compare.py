"""Comparisons that cannot be meant: between types that are never equal, or with a word that never occurs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.types import BOOL, INT, PATH, STR, Constant, ListOf, show, widen
from flowpar.expr.typing_access import Problem, meant
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
    if sides == {BOOL, STR}:
        hint = "use the condition itself, or compare with True or False"
    elif PATH in sides:
        hint = "compare str(path) with the text"
    elif STR in sides:
        hint = "leave the quotes out, or compare with str(…)"
    return Problem(f"{_shown(left)} and {_shown(right)} are never equal", hint)


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
    """Return the finding for a word that a value of literal types never is."""
    if not isinstance(literal, ast.Constant) or not isinstance(kind, Constant) or not isinstance(literal.value, str):
        return None
    words = [value for value in kind.values if isinstance(value, str)]
    if len(words) < len(kind.values) or literal.value in words:
        return None
    return Problem(f'the value is never "{literal.value}"', meant(literal.value, words, "it is one of"))
