"""The operators: what they do to values, within the bounds on work and on the size of results."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING, Any

from flowpar.expr.failure import EvaluationError
from flowpar.expr.work import LARGEST_INT_BITS, type_name

if TYPE_CHECKING:
    from flowpar.expr.work import Work

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_DO: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
}
_SEQUENCES = (str, bytes, list, tuple)


def binary(sign: str, left: Any, right: Any, work: Work) -> object:
    """Return what an operator makes of two values; raises before a result gets too large."""
    if sign == "%" and isinstance(left, str | bytes):
        raise EvaluationError('"%" does not format text; put text around expressions instead')
    _foresee(sign, left, right, work)
    try:
        result = _DO[sign](left, right)
    except TypeError:
        raise EvaluationError(f'"{sign}" does not work between {type_name(left)} and {type_name(right)}') from None
    except ZeroDivisionError:
        raise EvaluationError("a number is divided by zero") from None
    except OverflowError:
        raise EvaluationError(f'the result of "{sign}" is too large') from None
    if isinstance(result, int) and result.bit_length() > LARGEST_INT_BITS:
        raise EvaluationError(f'the result of "{sign}" is too large')
    return result


def _foresee(sign: str, left: Any, right: Any, work: Work) -> None:
    if sign == "*":
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > LARGEST_INT_BITS + 1:
                raise EvaluationError('the result of "*" is too large')
            return
        for what, times in ((left, right), (right, left)):
            if isinstance(what, _SEQUENCES) and hasattr(type(times), "__index__"):
                _spend_size(what, len(what) * max(0, operator.index(times)), work)
    elif sign == "+" and isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
        _spend_size(left, len(left) + len(right), work)


def _spend_size(like: object, size: int, work: Work) -> None:
    if isinstance(like, str | bytes):
        work.spend_text(size)
    else:
        work.spend(1 + size)


def negative(value: Any) -> object:
    """Return `-value`."""
    try:
        return -value
    except TypeError:
        raise EvaluationError(f'"-" does not work on {type_name(value)}') from None


def compare(sign: str, left: Any, right: Any, work: Work) -> object:
    """Return what a comparison says of two values."""
    if sign in {"in", "not in"}:
        return _is_in(left, right, work) is (sign == "in")
    if sign not in {"is", "is not"}:
        _weigh_both(left, right, work)
    try:
        return _DO[sign](left, right)
    except TypeError:
        raise EvaluationError(f'"{sign}" does not work between {type_name(left)} and {type_name(right)}') from None


def _weigh_both(left: object, right: object, work: Work) -> None:
    containers = (list, tuple, set, frozenset, Mapping)
    if isinstance(left, containers) and isinstance(right, containers):
        work.weigh(left)
        work.weigh(right)


def _is_in(item: Any, container: Any, work: Work) -> bool:
    if isinstance(container, str):
        work.spend_text(len(container))
    elif isinstance(container, list | tuple):
        work.spend(1 + len(container))
        if isinstance(item, list | tuple | Mapping):
            work.weigh(container)
    elif not isinstance(container, Container) and not hasattr(type(container), "__iter__"):
        raise EvaluationError(f'"in" does not work on {type_name(container)}')
    else:
        work.weigh(item)
    try:
        return bool(item in container)
    except TypeError:
        raise EvaluationError(f'"in" does not work for {type_name(item)} in {type_name(container)}') from None
