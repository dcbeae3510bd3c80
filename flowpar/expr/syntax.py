"""The syntax tree of an expression's code, read once per process."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

LONGEST = 10_000  # characters of one expression
DEEPEST = 100  # levels of one syntax tree; evaluation takes a few frames for each


class TooDeepError(ValueError):
    """The expression is nested too deeply to be handled safely."""


@lru_cache(maxsize=2048)
def tree_of(code: str) -> ast.expr:
    """Return the tree; raises SyntaxError or TooDeepError, and nothing else.

    The code stands on lines of its own within brackets, so it may itself have several lines.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "1in x": Python would tell stderr, without a place
            tree = ast.parse(f"(\n{code}\n)", mode="eval").body
    except (RecursionError, MemoryError) as error:
        raise TooDeepError from error
    except (ValueError, OverflowError) as error:
        raise SyntaxError(str(error)) from error
    if len(code) >= DEEPEST and _is_deeper(tree, DEEPEST):  # each level takes a character at least
        raise TooDeepError
    return tree


def _is_deeper(tree: ast.expr, levels: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(levels):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below a node, in the order of the text, without those that only say "load"."""
    found: list[ast.AST] = []
    for field in node._fields:
        value = getattr(node, field)
        if isinstance(value, list):
            found.extend(part for part in value if isinstance(part, ast.AST))
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            found.append(value)
    return found


def targets(target: ast.expr) -> list[ast.expr]:
    """Return the names that a comprehension binds."""
    return target.elts if isinstance(target, ast.Tuple) else [target]
