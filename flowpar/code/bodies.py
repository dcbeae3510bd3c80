"""Functions of the project as less than they are: what runs when they are called, and what they are undecorated.

deco:retry()       retry, without what runs only when what it gives is called
deco:retry()()     that as well
steps:load(def)    load, as `retry` is given it
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from flowpar.code.entered import Function, entered
from flowpar.code.outline import piece_of
from flowpar.code.purity import chain_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece


class Bodies:
    """Keeps each; the names of these nodes are known to whoever asked for them."""

    def __init__(self, lookup: Lookup) -> None:
        """Follow decorators by `lookup`."""
        self._lookup = lookup
        self._known: dict[str, tuple[Outline, tuple[Piece, ...]]] = {}
        self._names: dict[tuple[str, int], str] = {}

    def of(self, node: str) -> tuple[Outline, tuple[Piece, ...]]:
        """Return the pieces of such a node."""
        return self._known[node]

    def entered(self, node: str, outline: Outline, pieces: tuple[Piece, ...], calls: int) -> str:
        """Return a node for what of a function runs; itself where all of it does."""
        if (node, calls) not in self._names:
            bodies = [entered(each, calls, lambda part: self._is_plain(outline, part)) for each in _functions(pieces)]
            is_whole = all(body is piece.node for body, piece in zip(bodies, pieces, strict=True))
            self._names[node, calls] = node if is_whole else self._keep(node + "()" * calls, outline, pieces, bodies)
        return self._names[node, calls]

    def undecorated(self, node: str, outline: Outline, pieces: tuple[Piece, ...]) -> str:
        """Return a node for a function without its decorators."""
        if (node, 0) not in self._names:
            bodies = [copy.copy(each) for each in _functions(pieces)]
            for body in bodies:
                body.decorator_list = []
            self._names[node, 0] = self._keep(f"{node}(def)", outline, pieces, bodies)
        return self._names[node, 0]

    def _keep(self, node: str, outline: Outline, pieces: tuple[Piece, ...], bodies: list[Function]) -> str:
        new = (piece_of(piece.index, body, outline.manner) for body, piece in zip(bodies, pieces, strict=True))
        self._known[node] = outline, tuple(new)
        return node

    def _is_plain(self, outline: Outline, decorator: ast.expr) -> bool:
        inner, attributes = chain_of(getattr(decorator, "func", decorator))
        name = getattr(inner, "id", "")
        return self._lookup.follow(outline.name, (name, *attributes)) == ("~functools.wraps",) if name else False


def _functions(pieces: tuple[Piece, ...]) -> Iterator[Function]:
    return (piece.node for piece in pieces if isinstance(piece.node, Function))
