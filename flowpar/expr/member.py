"""How an expression reaches what is around it: contexts, and a member of one (`tasks.load`, `tasks["load-data"]`)."""

from __future__ import annotations

import ast

from flowpar.core.frozen import dataclass

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


def path_of(code: str) -> tuple[str, str, list[str]] | None:
    """Take `tasks.load.output` or `tasks["load-data"].output` apart without a parser; None for all other code.

    That is context, name and fields; the code must be such that the parser has taken it.
    """
    context, quote, rest = code.strip().partition('["')
    if quote:
        name, _, rest = rest.partition('"]')
        before, *fields = rest.split(".")
    else:
        context, _, rest = context.partition(".")
        name, *fields = rest.split(".")
        before = "-" if "-" in name else ""
    is_path = context in NAMESPACES and code.isascii() and not before
    if not is_path or not all(map(str.isidentifier, [name.replace("-", "_"), *fields])):
        return None
    return context, name, fields
