"""What a condition proves to be there: after `x is not None`, or within `x and …`, `x` is no longer None.

place_of       `tasks.a.output["b"]`  ─►  "tasks.a.output.b", however it is written
present_when   a condition that is true, or false  ─►  the places that have a value then
"""

from __future__ import annotations

import ast

from flowpar.expr.references import guarded_by

Places = frozenset[str]

NOWHERE: Places = frozenset()


def place_of(node: ast.expr) -> str | None:
    """Return what a name, field or item is called here, or None for what is computed."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            owner = place_of(value)
        case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as key)):
            owner, name = place_of(value), str(key)
        case _:
            return None
    return None if owner is None else f"{owner}.{name}"


def root_of(place: str) -> str:
    """Return the name that a place begins with."""
    return place.partition(".")[0]


def present_when(condition: ast.expr, *, is_true: bool) -> Places:
    """Return the places that can't be None or missing where a condition came out so."""
    match condition:
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) is is_true:
            return NOWHERE.union(*(present_when(value, is_true=is_true) for value in values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return present_when(operand, is_true=not is_true)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right, is_true=is_true)
        case ast.Call(func=ast.Name(id="bool"), args=[value]):
            return present_when(value, is_true=is_true)
        case _ if is_true and not isinstance(condition, ast.BoolOp):
            return _reached(condition)
        case _:
            return NOWHERE


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, *, is_true: bool) -> Places:
    """Return what is there when `left op right` is true, or false."""
    is_none = isinstance(right, ast.Constant) and right.value is None
    match op:
        case ast.Is() | ast.Eq() if is_none:
            return NOWHERE if is_true else _reached(left)
        case ast.IsNot() | ast.NotEq() if is_none:
            return _reached(left) if is_true else NOWHERE
        case ast.Eq() if isinstance(right, ast.Constant):
            return _reached(left) if is_true else NOWHERE
        case ast.In() if is_true and isinstance(left, ast.Constant) and isinstance(left.value, str):
            owner = place_of(right)
            return NOWHERE if owner is None else frozenset({owner, f"{owner}.{left.value}"})
        case _:
            return NOWHERE


def _reached(node: ast.expr) -> Places:
    """Return a place that has a value, and those on the way to it; `default(x, None)` has one where `x` has."""
    guarded = guarded_by(node)
    if isinstance(guarded, ast.expr):
        fallbacks = [*getattr(node, "args", [])[1:], *(k.value for k in getattr(node, "keywords", []))]
        is_falsy = any(isinstance(one, ast.Constant) and not one.value for one in fallbacks)
        return _reached(guarded) if is_falsy else NOWHERE
    place = place_of(node)
    if place is None:
        return NOWHERE
    parts = place.split(".")
    return frozenset(".".join(parts[:end]) for end in range(1, len(parts) + 1))
