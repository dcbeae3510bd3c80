"""What is wrong with an expression before it is evaluated, and the type of its value.

    check           one expression  ─►  type, findings
    check_template  a template      ─►  type, findings of each of its expressions

Whatever is not known has the type `ANY` and passes; a finding is about what cannot be right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flowpar.core.types import STR, ListOf, Record, Type, of_value, show, union, widen
from flowpar.expr.check_node import Checker
from flowpar.expr.finding import ExpressionError
from flowpar.expr.rewrite import Places
from flowpar.expr.syntax import tree_of
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text
from flowpar.expr.typing_rules import is_scalar

if TYPE_CHECKING:
    from flowpar.expr.scope import Scope
    from flowpar.expr.template import Template

__all__ = ["ExpressionError", "check", "check_template"]

Findings = list[ExpressionError]
Look = Callable[["Expression", "Scope"], tuple[Type, Findings]]


def check(expression: Expression, scope: Scope) -> tuple[Type, Findings]:
    """Return the type of an expression and its findings; their offsets count in `expression.text`."""
    checker = Checker(scope, Places(expression.text, expression.code).span)
    kind = checker.type_of(tree_of(expression.code))
    return kind, sorted(checker.errors, key=lambda error: (error.start, error.end))


def check_template(template: Template, scope: Scope, look: Look = check) -> tuple[Type, tuple[Findings, ...]]:
    """Return the type of a template and the findings of each of its expressions, in the order of the text."""
    match template:
        case Constant(value):
            return of_value(value), ()
        case Expression():
            kind, errors = look(template, scope)
            return kind, (errors,)
        case Text(parts):
            return STR, tuple(_check_embedded(part, scope, look) for part in parts if isinstance(part, Expression))
        case ListTemplate(items):
            results = [check_template(item, scope, look) for item in items]
            return ListOf(union(widen(kind) for kind, _ in results)), _gathered(results)
        case MapTemplate(entries):
            results = [check_template(value, scope, look) for _, value in entries]
            fields = tuple((key, kind) for (key, _), (kind, _) in zip(entries, results, strict=True))
            return Record("dict", fields, is_mapping=True), _gathered(results)


def _gathered(results: list[tuple[Type, tuple[Findings, ...]]]) -> tuple[Findings, ...]:
    return tuple(findings for _, inner in results for findings in inner)


def _check_embedded(expression: Expression, scope: Scope, look: Look) -> Findings:
    kind, errors = look(expression, scope)
    if errors or is_scalar(kind):
        return errors
    is_list = isinstance(kind, ListOf)
    hint = 'write join(…, ", ") or json(…)' if is_list else "write json(…), or read one of its fields"
    text = expression.text
    start = len(text) - len(text.lstrip())
    message = f"a value of type {show(kind)} cannot stand inside a text"
    return [ExpressionError(message, start, len(text.rstrip()), hint=hint, code="FP309")]
