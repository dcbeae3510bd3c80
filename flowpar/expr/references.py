"""What a template reads from around it: `Reference`s to tasks, inputs, items and the like."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.expr.functions import DEFAULT
from flowpar.expr.member import NAMESPACES, member_of
from flowpar.expr.shape import shape_of
from flowpar.expr.syntax import TooDeepError, children, tree_of
from flowpar.expr.template import Expression, expressions_in

if TYPE_CHECKING:
    from flowpar.expr.template import Template

_READERS = (ast.Attribute, ast.Subscript, ast.Name)


@dataclass(frozen=True, slots=True)
class Reference:
    """One member of a context: `tasks.load.output` is ("tasks", "load", "output").

    `name` is None for a context that is a value by itself or is used as a whole; `field` is the
    field of a task that is read, and None for every other context.
    """

    context: str
    name: str | None
    field: str | None = None


def references(template: Template) -> frozenset[Reference]:
    """Return everything that a template reads from its contexts."""
    return frozenset(
        reference for expression in expressions_in(template) for reference, _ in references_of(expression.code)
    )


def mentions(template: Template, context: str) -> bool:
    """Whether a template reads anything of a context."""
    return any(reference.context == context for reference in references(template))


def sole_reference(template: Template) -> Reference | None:
    """Return what a template reads where it is one reference and nothing else, such as `${{ tasks.a.output }}`."""
    if not isinstance(template, Expression):
        return None
    shape = shape_of(template.text)
    if shape is None or shape.code != template.code:
        return _sole(template.code)
    found = _sole(shape.text)
    return Reference("tasks", shape.name(found.name), found.field) if found and found.context == "tasks" else found


@lru_cache(maxsize=2048)
def _sole(code: str) -> Reference | None:
    try:
        return _reference_of(tree_of(code))
    except (SyntaxError, TooDeepError):
        return None


def locate(expression: Expression, reference: Reference) -> tuple[int, int] | None:
    """Return (start, end) in the expression's text of the first place that reads a reference."""
    from flowpar.expr.rewrite import Places

    found = [node for one, _, node in _walk(tree_of(expression.code)) if one == reference]
    spans = sorted(map(Places(expression.text, expression.code).span, found))
    return spans[0] if spans else None


def references_in(expression: Expression) -> tuple[tuple[Reference, bool], ...]:
    """Return the same as `references_of` of its code; those of one shape are looked for once."""
    shape = shape_of(expression.text)
    if shape is None or shape.code != expression.code:
        return references_of(expression.code)
    return tuple(
        (Reference("tasks", shape.name(found.name), found.field) if found.context == "tasks" else found, is_guarded)
        for found, is_guarded in references_of(shape.text)
    )


@lru_cache(maxsize=2048)
def references_of(code: str) -> tuple[tuple[Reference, bool], ...]:
    """Return (reference, whether default() guards it) of an expression's code."""
    try:
        tree = tree_of(code)
    except (SyntaxError, TooDeepError):
        return ()
    return tuple(dict.fromkeys((reference, is_guarded) for reference, is_guarded, _ in _walk(tree)))


def _walk(tree: ast.expr) -> list[tuple[Reference, bool, ast.AST]]:
    found: list[tuple[Reference, bool, ast.AST]] = []
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, is_guarded = pending.pop()
        reference = _reference_of(node) if isinstance(node, _READERS) else None
        if reference is not None:
            found.append((reference, is_guarded, node))
            rest = _beside(node)
        else:
            rest = children(node)
        guarded = guarded_by(node) if isinstance(node, ast.Call) else None
        for child in rest:
            value = child.value if isinstance(child, ast.keyword) else child
            pending.append((child, is_guarded or value is guarded))
    return found


def _reference_of(node: ast.AST) -> Reference | None:
    if isinstance(node, ast.Attribute | ast.Subscript):
        owner = member_of(node.value)
        if owner is not None and owner.context == "tasks":
            return Reference("tasks", owner.name, _field(node))
    member = member_of(node)
    if member is not None:
        return Reference(member.context, member.name)
    if isinstance(node, ast.Name) and node.id in NAMESPACES:
        return Reference(node.id, None)
    return None


def _field(node: ast.Attribute | ast.Subscript) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None


def _beside(node: ast.AST) -> list[ast.AST]:
    """Return what else a node holds that is a reference itself: an index such as `tasks.a[inputs.b]`."""
    return [node.slice] if isinstance(node, ast.Subscript) else []


def guarded_by(node: ast.AST) -> ast.AST | None:
    """Return the argument of a `default(…)` that it guards, None for every other node."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != DEFAULT.name:
        return None
    named = [keyword.value for keyword in node.keywords if keyword.arg == DEFAULT.parameters[0].name]
    return node.args[0] if node.args else named[0] if named else None
