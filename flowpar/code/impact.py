"""What the statements of a module change beside the names that they bind.

TABLE["a"] = 1; ITEMS.append(2); fill(TABLE)      ─► touch the variable: they are a part of what it is
@register                                          ─► touches what `register` writes to, as far as that is here
random.seed(1); lib.RATE = 3; setup()              ─► act: nobody knows on what, so they count for all who import it
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.closure import Closures
from flowpar.code.form import chain_of
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.code.lookup import Lookup
    from flowpar.code.normal import Write
    from flowpar.code.outline import Outline, Piece

_MOST_BASES = 16


@dataclass(frozen=True, slots=True)
class Impact:
    """The pieces of one module that touch each variable without binding it, and those that act."""

    touching: Mapping[str, tuple[Piece, ...]]
    acting: tuple[Piece, ...]


class Impacts:
    """Reads the impact of each module once."""

    def __init__(self, lookup: Lookup) -> None:
        """Follow names by `lookup`."""
        self._lookup = lookup
        self._called = Closures(self._reads)
        self._known: dict[str, Impact] = {}
        self._written: dict[str, frozenset[str]] = {}

    def of(self, outline: Outline) -> Impact:
        """Return what a module's statements change."""
        if outline.name not in self._known:
            self._known[outline.name] = Impact({}, ())  # what it is within itself
            self._known[outline.name] = self._read(outline)
        return self._known[outline.name]

    def used(self, outline: Outline, piece: Piece) -> set[str]:
        """Return the names of its module that a piece needs when it runs, by itself or by what it calls."""
        names = {read.path[0] for read in piece.reads if not read.is_late and read.base is None}
        if piece.calls_now:
            nodes = {inner for node in self._now(outline, piece) for inner in self._called.nodes(self._called.of(node))}
            parts = (node.partition(":") for node in nodes)
            own = [name for module, _, name in parts if module == outline.name and name in outline.variables]
            reads = (read for name in own for each in outline.variables[name] for read in each.reads)
            names |= {*own, *(read.path[0] for read in reads if read.base is None)}
        return names & outline.bound.keys()

    def _read(self, outline: Outline) -> Impact:
        touching: dict[str, dict[int, Piece]] = {}
        acting: dict[int, Piece] = {}
        for piece in outline.pieces:
            for name in self._touched(outline, piece):
                if not name:
                    acting[piece.index] = piece
                elif name not in piece.bound:
                    touching.setdefault(name, {})[piece.index] = piece
        self._through_aliases(outline, touching)
        return Impact(
            {name: tuple(pieces[i] for i in sorted(pieces)) for name, pieces in touching.items()},
            tuple(acting.values()),
        )

    def _touched(self, outline: Outline, piece: Piece) -> Iterator[str]:
        """Give the variables that a piece may change; "" where they are not all known, or not of this module."""
        for root in piece.acts:
            if root not in outline.variables or not outline.is_mutable(root):
                yield ""
        for write in piece.writes:
            if not write.is_late:
                yield from self._changed(outline, write)
        if piece.calls_now and not piece.is_import:
            for node in self._now(outline, piece):
                for written in self._written_by(node):
                    yield self._own(outline, written)
        if isinstance(piece.node, ast.ClassDef):
            yield from self._told_bases(outline, piece.node)

    def _changed(self, outline: Outline, write: Write) -> Iterator[str]:
        for node in self._lookup.follow(write.base or outline.name, write.path):
            module, _, name = node.partition(":")
            is_own = module == outline.name and name in outline.variables
            may_change = outline.has_methods if write.how == "method" else outline.is_mutable
            if is_own and (write.how == "store" or may_change(name)):
                yield name
            elif not is_own and (write.how == "store" or (write.how == "method" and ":" in node)):
                yield ""

    @staticmethod
    def _own(outline: Outline, node: str) -> str:
        """Return the name of a variable of the module's own, "" for any other."""
        module, _, name = node.partition(":")
        return name if module == outline.name and name in outline.variables else ""

    def _told_bases(self, outline: Outline, node: ast.ClassDef) -> Iterator[str]:
        """Give the bases that know their subclasses: by `__init_subclass__`, a metaclass, or because they ask."""
        for base in self._bases(outline.name, node):
            module, _, name = base.partition(":")
            if self._is_told(module, name, _MOST_BASES):
                for told in (base, *self._written_by(base)):
                    yield self._own(outline, told)

    def _is_told(self, module: str, name: str, depth: int) -> bool:
        outline = self._lookup.outline(module)
        if outline is not None and any("__subclasses__" in piece.words for piece in outline.pieces):
            return True
        for piece in () if outline is None else outline.variables.get(name, ()):
            node = piece.node
            if not isinstance(node, ast.ClassDef) or depth == 0:
                return True  # `Base = declarative_base()`
            if any(getattr(part, "name", "") == "__init_subclass__" for part in node.body):
                return True
            if any(keyword.arg == "metaclass" for keyword in node.keywords):
                return True
            above = (base.partition(":") for base in self._bases(module, node))
            if any(self._is_told(home, inner, depth - 1) for home, _, inner in above):
                return True
        return False

    def _bases(self, module: str, node: ast.ClassDef) -> Iterator[str]:
        """Give the variables of the project's that a class is based on."""
        for base in node.bases:
            root, attributes = chain_of(base.value if isinstance(base, ast.Subscript) else base)
            found = self._lookup.follow(module, (root.id, *attributes)) if isinstance(root, ast.Name) else ()
            yield from (each for each in found if ":" in each and not each.endswith(":*"))

    def _now(self, outline: Outline, piece: Piece) -> set[str]:
        reads = (read for read in piece.reads if not read.is_late)
        return {node for read in reads for node in self._lookup.follow(read.base or outline.name, read.path)}

    def _reads(self, node: str) -> Iterator[str]:
        """Give what a variable's own pieces read, which is what runs when it is called."""
        module, colon, name = node.partition(":")
        outline = self._lookup.outline(module) if colon else None
        if outline is None:
            return
        names = outline.variables if name == "*" else (name,)
        for piece in (piece for each in names for piece in outline.variables.get(each, ())):
            for read in piece.reads:
                yield from self._lookup.follow(read.base or module, read.path)

    def _written_by(self, node: str) -> frozenset[str]:
        """Return the variables that functions write to when a variable is called, in all modules."""
        if node not in self._written:
            inner = self._called.nodes(self._called.of(node))
            self._written[node] = frozenset(written for each in inner for written in self._writes(each))
        return self._written[node]

    def _writes(self, node: str) -> Iterator[str]:
        module, colon, name = node.partition(":")
        outline = self._lookup.outline(module) if colon else None
        for piece in () if outline is None else outline.variables.get(name, ()):
            for write in piece.writes:
                if not write.is_late or outline is None:
                    continue
                for target in self._lookup.follow(write.base or module, write.path):
                    if ":" in target and self._is_object(target, write):
                        yield target

    def _is_object(self, target: str, write: Write) -> bool:
        """Whether what is written to is a variable that may change: `Table.make()` is no change of the class."""
        module, _, name = target.partition(":")
        outline = self._lookup.outline(module)
        if write.how == "store" or outline is None or name not in outline.variables:
            return write.how == "store"
        return outline.is_mutable(name)

    def _through_aliases(self, outline: Outline, touching: dict[str, dict[int, Piece]]) -> None:
        """Let what touches `y` touch `x`, too, where `y = x` or a part of it."""
        waiting = list(touching)
        while waiting:
            name = waiting.pop()
            for piece in outline.variables[name]:
                for node in self._now(outline, piece):
                    module, _, source = node.partition(":")
                    if module != outline.name or source not in outline.variables or not outline.is_mutable(source):
                        continue
                    known = touching.setdefault(source, {})
                    new = {i: p for i, p in touching[name].items() if i not in known and source not in p.bound}
                    if new and source != name:
                        known.update(new)
                        waiting.append(source)
