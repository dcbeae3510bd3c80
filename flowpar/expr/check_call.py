"""Checks calls of the built-in functions: which one, how many arguments, of which kind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

from flowpar.core.types import ANY, NONE, Record, show, widen
from flowpar.expr.foreign import FUNCTIONS as FOREIGN_FUNCTIONS
from flowpar.expr.functions import FUNCTIONS
from flowpar.expr.pattern_program import PatternError, compiled
from flowpar.expr.references import guarded_by
from flowpar.expr.signature import item_of, may_be
from flowpar.expr.typing_access import Problem, field_of, meant

if TYPE_CHECKING:
    from flowpar.core.diagnostics import Label
    from flowpar.core.types import Type
    from flowpar.expr.signature import Function, Parameter


class Reporter(Protocol):
    """Who gives types to arguments and keeps findings."""

    def type_of(self, node: ast.expr) -> Type:
        """Return the type of a node."""
        ...

    def guarded_type_of(self, node: ast.expr) -> Type:
        """Return the type of a node that default() guards."""
        ...

    def report(
        self, node: ast.AST, code: str, message: str, hint: str | None = None, *, labels: tuple[Label, ...] = ()
    ) -> Type:
        """Keep a finding."""
        ...


class CallChecker:
    """Checks the calls of one expression."""

    def __init__(self, checker: Reporter) -> None:
        """Report to the checker of the whole expression."""
        self._checker = checker

    def type_of(self, node: ast.Call) -> Type:
        """Return the type of what a call gives."""
        guarded = guarded_by(node)
        kinds = [self._type_of(arg, is_guarded=arg is guarded) for arg in node.args]
        named = {
            keyword.arg or "": self._type_of(keyword.value, is_guarded=keyword.value is guarded)
            for keyword in node.keywords
        }
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        function = FUNCTIONS.get(name)
        if function is None:
            return self._checker.report(node.func, "FP303", f'there is no function "{name}"', _meant(name))
        misfit = function.misfit(len(kinds), list(named))
        if misfit is not None:
            return self._checker.report(node, "FP306", misfit, f"it is {function}")
        for index, (arg, kind) in enumerate(zip(node.args, kinds, strict=True)):
            self._check_argument(function, function.at(index), arg, kind)
        for keyword in node.keywords:
            self._check_argument(function, function.named(keyword.arg or ""), keyword.value, named[keyword.arg or ""])
        self._check_pattern(function, node)
        self._check_by(node, kinds)
        by_place = [*kinds, *(named[p.name] for p in function.positional[len(kinds) :] if p.name in named)]
        return function.result(by_place)

    def _type_of(self, node: ast.expr, *, is_guarded: bool) -> Type:
        return self._checker.guarded_type_of(node) if is_guarded else self._checker.type_of(node)

    def _check_argument(self, function: Function, parameter: Parameter | None, node: ast.expr, kind: Type) -> None:
        if parameter is None or may_be(parameter.kind, kind) or (kind == NONE and not parameter.is_required):
            return
        message = f'"{parameter.name}" of {function.name}() must be {parameter.kind.value}, not {show(widen(kind))}'
        self._checker.report(node, "FP307", message)

    def _check_pattern(self, function: Function, node: ast.Call) -> None:
        given = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "pattern")]
        if function.name != "matches" or not given or not isinstance(given[0], ast.Constant):
            return
        try:
            compiled(str(given[0].value))
        except PatternError as error:
            self._checker.report(given[0], "FP312", str(error))

    def _check_by(self, node: ast.Call, kinds: list[Type]) -> None:
        item = item_of(kinds[0]) if kinds else ANY
        for keyword in node.keywords:
            if keyword.arg != "by" or not isinstance(keyword.value, ast.Constant) or not isinstance(item, Record):
                continue
            found = field_of(item, str(keyword.value.value))
            if isinstance(found, Problem):
                self._checker.report(keyword.value, "FP308", found.message, found.hint, labels=found.labels)


def _meant(name: str) -> str | None:
    if name in FOREIGN_FUNCTIONS:
        return f"write {FOREIGN_FUNCTIONS[name]}"
    near = meant(name, list(FUNCTIONS), "")
    return near or "only the built-in functions can be called; do this in a task"
