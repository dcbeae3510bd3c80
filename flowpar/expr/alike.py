"""Expressions of one shape are checked once, as long as what they read is of the same types.

    expression ─► shape ─► a look at one like it ─► what that read: the same types here? ─► its type
                             └ none, or others ─► `check`, which is watched

A finding is never taken over: an expression that has one is looked at by itself.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.expr.check import check
from flowpar.expr.shape import shape_of
from flowpar.expr.syntax import nodes_of, tree_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from flowpar.core.types import Type
    from flowpar.expr.check import Findings
    from flowpar.expr.scope import Scope
    from flowpar.expr.shape import Shape
    from flowpar.expr.template import Expression

_MOST_SHAPES = 10_000
_MOST_LOOKS = 8
_ORDERING = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class _Look:
    """What an expression read, by context and name (that of a task by its number among the names), and its type."""

    reads: tuple[tuple[str, str | int, Type], ...]
    present: frozenset[str]
    type: Type

    def holds(self, shape: Shape, scope: Scope) -> bool:
        """Whether another expression of the shape reads the same types where it stands."""
        if scope.present != self.present:
            return False
        for context, name, kind in self.reads:
            found = scope.member(context, shape.names[name] if isinstance(name, int) else name)
            if found is not kind:
                return False
        return True


@dataclass(slots=True)
class _Watched:
    """A scope that remembers what it was asked for."""

    scope: Scope
    reads: dict[tuple[str, str], Type | None] = field(default_factory=dict)

    @property
    def present(self) -> frozenset[str]:
        return self.scope.present

    def member(self, context: str, name: str) -> Type | None:
        kind = self.reads[context, name] = self.scope.member(context, name)
        return kind

    def members(self, context: str) -> Collection[str]:
        return self.scope.members(context)

    def why_absent(self, context: str) -> str | None:
        return self.scope.why_absent(context)


class Alike:
    """Checks the expressions of one document."""

    def __init__(self) -> None:
        """Start without having looked at any."""
        self._looks: dict[tuple[str, tuple[str, ...]], list[_Look]] = {}
        self._asks_for_numbers: dict[str, bool] = {}

    def check(self, expression: Expression, scope: Scope) -> tuple[Type, Findings]:
        """Return the type of an expression and its findings, as `check` does."""
        shape = shape_of(expression.text)
        if shape is None or shape.code != expression.code or _proves_of_tasks(scope.present):
            return check(expression, scope)
        key = (shape.text, shape.numbers if self._needs_numbers(shape) else ())
        looks = self._looks.get(key)
        for look in looks or ():
            if look.holds(shape, scope):
                return look.type, []
        watched = _Watched(scope)
        kind, errors = check(expression, watched)
        if not errors:
            self._keep(key, shape, watched, kind)
        return kind, errors

    def _keep(self, key: tuple[str, tuple[str, ...]], shape: Shape, watched: _Watched, kind: Type) -> None:
        number_of = {name: number for number, name in enumerate(shape.names)}
        reads = tuple(
            (context, number_of[name] if context == "tasks" else name, found)
            for (context, name), found in watched.reads.items()
            if found is not None
        )
        if len(self._looks) < _MOST_SHAPES or key in self._looks:
            looks = self._looks.setdefault(key, [])
            looks.append(_Look(reads, watched.present, kind))
            del looks[:-_MOST_LOOKS]

    def _needs_numbers(self, shape: Shape) -> bool:
        """Whether the numbers in an expression may have a say in its type."""
        if not shape.numbers:
            return False
        found = self._asks_for_numbers.get(shape.text)
        if found is None:
            found = self._asks_for_numbers[shape.text] = _shows_numbers(tree_of(shape.text))
        return found


def _proves_of_tasks(present: frozenset[str]) -> bool:
    """Whether a condition proves something of single tasks, which have ids and no numbers in it."""
    return any(place.startswith("tasks.") for place in present)


def _shows_numbers(tree: ast.expr) -> bool:
    """Whether a number stands elsewhere than in arithmetic or between `<` and its like, which take any."""
    taken: set[ast.AST] = set()
    numbers: list[ast.AST] = []
    for node in nodes_of(tree):
        match node:
            case ast.BinOp(left=left, right=right):
                taken |= {left, right}
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                taken.add(operand)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(isinstance(op, _ORDERING) for op in ops):
                taken |= {left, *others}
            case ast.Call(func=ast.Name(id="range"), args=arguments):
                taken.update(arguments)
            case ast.Constant(value=int()):
                numbers.append(node)
            case _:
                pass
    return any(number not in taken for number in numbers)
