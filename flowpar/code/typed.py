"""Types that are written as texts: `Optional["Row"]`, `cast("list[lib.Row]", x)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.purity import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARTS = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.BinOp, ast.BitOr, ast.Constant),
    *(ast.Load, ast.expr_context),
)


def names_in(text: str) -> Iterator[tuple[str, ...]]:
    """Give the names in a text that reads as a type, each with the attributes that follow it."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    parts = list(ast.walk(tree))
    for part in parts if all(isinstance(part, _PARTS) for part in parts) else ():
        inner, attributes = chain_of(part)
        if isinstance(inner, ast.Name):
            yield (inner.id, *attributes)
