"""Where the name of a `def` or `class` stands: after its decorators and its keyword."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.core.types import Spot

if TYPE_CHECKING:
    from flowpar.code.library import Module


def spot_of_name(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Spot:
    """Return the place of a definition's name."""
    line = module.lines[node.lineno - 1] if node.lineno <= len(module.lines) else ""
    keyword = "class" if isinstance(node, ast.ClassDef) else "def"
    after = line.find(keyword, node.col_offset) + len(keyword)
    at = line.find(node.name, after)
    return Spot(module.source.file, node.lineno, (at if at >= 0 else node.col_offset) + 1)
