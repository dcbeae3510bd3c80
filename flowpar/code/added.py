"""Folders that code adds to the path of imports by itself, as far as reading can tell which.

sys.path.insert(0, str(Path(__file__).parent / "vendor"))                      ─► <folder of the module>/vendor
ROOT = os.path.dirname(__file__); sys.path.append(os.path.join(ROOT, ".."))    ─► the folder around it
"""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from flowpar.code.purity import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.outline import Outline, Piece

_DEEPEST = 64
_ADDING = frozenset({"insert", "append", "extend", "addsitedir"})
# What gives the path that it is given, or that it is a method of, be it in another form.
_KEEPING = frozenset(
    "Path PurePath PosixPath str fspath abspath realpath normpath resolve absolute expanduser as_posix list".split()  # noqa: SIM905 - words read better than a list
)


def is_path_of_imports(node: str) -> bool:
    """Whether a node is the path of imports, or adds to it."""
    return node in {"~sys.path", "~site.addsitedir"}


def added_folders(outline: Outline, piece: Piece) -> Iterator[tuple[str | None, int]]:
    """Give the folders that a piece adds, None where reading can't tell which, each with its line.

    A relative one is relative to the folder in which the task runs.
    """
    reading = _Reading(outline, piece)
    for part in ast.walk(piece.node):
        for value in _values(part):
            for each in value.elts if isinstance(value, ast.List | ast.Tuple) else [value]:
                inner, attributes = chain_of(each.value if isinstance(each, ast.Starred) else each)
                is_path = attributes == ("path",) or getattr(inner, "id", "") == "path"
                if not is_path:  # `sys.path = [folder, *sys.path]`
                    yield reading.path(each), each.lineno


def _values(part: ast.AST) -> Iterator[ast.expr]:
    match part:
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[*_, last]) if attr in _ADDING:
            if attr == "addsitedir" or _is_path(value):
                yield last
        case ast.Call(func=ast.Name(id="addsitedir"), args=[first, *_]):
            yield first
        case ast.Assign(targets=[target, *_], value=value) | ast.AugAssign(target=target, value=value):
            inner = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(inner, ast.Attribute) and _is_path(inner):
                yield from [value.left, value.right] if isinstance(value, ast.BinOp) else [value]


def _is_path(node: ast.AST) -> bool:
    inner, attributes = chain_of(node)
    return attributes[-1:] == ("path",) or (not attributes and getattr(inner, "id", "") == "path")


class _Reading:
    """Works out paths from the place of one module and from its constants."""

    def __init__(self, outline: Outline, piece: Piece) -> None:
        self._file = os.path.abspath(outline.module.source.file)  # noqa: PTH100 - a text
        self._names: dict[str, ast.AST | None] = {
            name: binding.value
            for name, binding in outline.module.names.bindings.items()
            if isinstance(binding.value, ast.expr)
        }
        inside = (part for part in ast.walk(piece.node) if isinstance(part, ast.Assign) and part is not piece.node)
        for part in inside:
            self._names |= {target.id: part.value for target in part.targets if isinstance(target, ast.Name)}

    def path(self, node: ast.AST | None, depth: int = _DEEPEST) -> str | None:
        """Return the path that an expression stands for."""
        if depth == 0:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id="__file__"):
                return self._file
            case ast.Name(id=name):
                return self.path(self._names.get(name), depth - 1)
            case ast.Attribute(value=value, attr="parent"):
                return self._above(value, 1, depth)
            case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(up))):
                return self._above(value, up + 1, depth)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right], depth)
            case ast.Call():
                return self._called(node, depth)
            case _:
                return None

    def _called(self, node: ast.Call, depth: int) -> str | None:
        word = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if word == "dirname" and node.args:
            return self._above(node.args[0], 1, depth)
        if word in {"getcwd", "cwd"}:
            return "."
        if word == "joinpath":
            return self._joined([owner, *node.args], depth)
        if word == "join" or (word in _KEEPING and node.args):
            return self._joined(node.args, depth)
        return self.path(owner, depth - 1) if word in _KEEPING else None

    def _above(self, node: ast.AST, count: int, depth: int) -> str | None:
        path = self.path(node, depth - 1)
        for _ in range(count if path is not None else 0):
            path = os.path.dirname(path or "")  # noqa: PTH120 - a text
        return path

    def _joined(self, nodes: Iterable[ast.AST | None], depth: int) -> str | None:
        parts = [self.path(each, depth - 1) for each in nodes]
        known = [part for part in parts if part is not None]
        return os.path.join(*known) if known and len(known) == len(parts) else None  # noqa: PTH118 - a text
