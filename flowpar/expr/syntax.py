"""The syntax tree of an expression's code, read once per process."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 10_000  # characters of one expression
DEEPEST = 100  # levels of one syntax tree; evaluation takes a few frames for each
# What Python's parser warns of: a number right before a word ("1in x"), and an escape that means nothing.
_WARNED_OF = re.compile(r"(?<!\w)[0-9][0-9_.]*[A-Za-z_]|\\")

_LEAVES = (ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


class TooDeepError(ValueError):
    """The expression is nested too deeply to be handled safely."""


@lru_cache(maxsize=2048)
def tree_of(code: str) -> ast.expr:
    """Return the tree; raises SyntaxError or TooDeepError, and nothing else.

    The code stands on lines of its own within brackets, so it may itself have several lines.
    """
    try:
        tree = _quietly_parsed(code) if _WARNED_OF.search(code) else _parsed(code)
    except (RecursionError, MemoryError) as error:
        raise TooDeepError from error
    except (ValueError, OverflowError) as error:
        raise SyntaxError(str(error)) from error
    if len(code) >= DEEPEST and _is_deeper(tree, DEEPEST):  # each level takes a character at least
        raise TooDeepError
    return tree


def _parsed(code: str) -> ast.expr:
    return ast.parse(f"(\n{code}\n)", mode="eval").body


def _quietly_parsed(code: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python would tell stderr, without a place
        return _parsed(code)


def _is_deeper(tree: ast.expr, levels: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(levels):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below a node, in the order of the text, without those that only say "load"."""
    if isinstance(node, ast.Attribute):  # it and the leaves are most nodes
        return [node.value]
    found: list[ast.AST] = []
    if isinstance(node, _LEAVES):
        return found
    for field in node._fields:
        value = getattr(node, field)
        if isinstance(value, list):
            found.extend(part for part in value if isinstance(part, ast.AST))
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            found.append(value)
    return found


def nodes_of(tree: ast.AST) -> Iterator[ast.AST]:
    """Give a node and all below it, less what `children` leaves out; takes half the time of `ast.walk`."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(children(node))


def targets(target: ast.expr) -> list[ast.expr]:
    """Return the names that a comprehension binds."""
    return target.elts if isinstance(target, ast.Tuple) else [target]
