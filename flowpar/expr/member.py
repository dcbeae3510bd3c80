"""How an expression reaches what is around it: contexts, and a member of one (`tasks.load`, `tasks["load-data"]`)."""

from __future__ import annotations

import ast
from dataclasses import dataclass

NAMESPACES = frozenset({"inputs", "env", "secrets", "tasks", "each", "matrix", "run", "workflow"})
VALUES = frozenset({"output", "previous"})
CONTEXTS = NAMESPACES | VALUES


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a namespace, or a context that is a value by itself (`name` is None)."""

    context: str
    name: str | None


def member_of(node: ast.AST) -> Member | None:
    """Return what a node reads straight from a context, or None where it does something else."""
    match node:
        case ast.Attribute(value=ast.Name(id=context), attr=name) if context in NAMESPACES:
            return Member(context, name)
        case ast.Subscript(value=ast.Name(id=context), slice=ast.Constant(value=str(name))) if context in NAMESPACES:
            return Member(context, name)
        case ast.Name(id=context) if context in VALUES:
            return Member(context, None)
        case _:
            return None
