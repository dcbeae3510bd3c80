"""What the statements of a module change beside the names that they bind.

TABLE["a"] = 1; ITEMS.append(2); fill(TABLE)      ─► touch the variable: they are a part of what it is
for row in ROWS: row["a"] = 1                      ─► touches what its names may have got their objects from
@register                                          ─► touches what `register` writes to, as far as that is here
random.seed(1); lib.RATE = 3; setup()              ─► act: nobody knows on what, so they count for all who import it

What may be changed is (`change.py`): by a name that has its object from another, what that stands for is changed, too.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.change import Changes, is_idle
from flowpar.code.facts import Root
from flowpar.code.held import Held
from flowpar.code.origin import Origins
from flowpar.code.purity import chain_of, is_shared
from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.code.change import Change
    from flowpar.code.facts import Facts
    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece

_MOST_BASES = 16


@dataclass(frozen=True, slots=True)
class Impact:
    """The pieces of one module that touch each variable without binding it, and those that act.

    `origins` are the nodes that a variable may have got its objects from.
    """

    touching: Mapping[str, tuple[Piece, ...]]
    acting: tuple[Piece, ...]
    origins: Origins[str] = field(default_factory=Origins)


class Impacts:
    """Reads the impact of each module once."""

    def __init__(self, lookup: Lookup) -> None:
        """Follow names by `lookup`."""
        self._lookup = lookup
        self._held = Held(lookup)
        self._changes = Changes(lookup, self._held)
        self._known: dict[str, Impact] = {}

    def of(self, outline: Outline) -> Impact:
        """Return what a module's statements change."""
        if outline.name not in self._known:
            self._known[outline.name] = Impact({}, ())  # what it is within itself
            self._known[outline.name] = self._read(outline)
        return self._known[outline.name]

    def used(self, outline: Outline, piece: Piece) -> set[str]:
        """Return the names of its module that a piece needs when it runs, by itself or by what it calls."""
        nodes = self._now(outline, piece)
        names = {read.path[0] for read in piece.reads if not read.is_late and read.base is None}
        if piece.calls_now:
            bits = 0
            for node in nodes:
                bits |= self._held.reached.of(node)
            nodes = set(self._held.reached.nodes(bits))
            own = (self._own(outline, node) for node in nodes)
            reads = (read for name in own if name for each in outline.variables[name] for read in each.reads)
            names |= {read.path[0] for read in reads if read.base is None}
        nodes = self.of(outline).origins.of(nodes)
        return (names | {self._own(outline, node) for node in nodes}) & outline.bound.keys()

    def may_look(self, node: str) -> bool:
        """Whether code that is not of the project sees what is given to a function."""
        return node[0] in "!?" or node.endswith(":*") or self._held.is_foreign(node) or self._held.is_open(node)

    def is_definition(self, node: str) -> bool:
        """Whether a node is a function or a class of the project."""
        return self._held.is_definition(node)

    def is_defined(self, node: str) -> bool:
        """Whether a definition of the project is among what a node stands for."""
        return self._held.is_defined(node)

    def makes_fields(self, node: str) -> bool:
        """Whether a function may make a dataclass of a class that it is given."""
        return self._held.makes_fields(node)

    def is_class(self, node: str) -> bool:
        """Whether a node is nothing but a class."""
        return self._held.is_definition(node) and not self._held.is_function(node)

    def _read(self, outline: Outline) -> Impact:
        busy = [(piece, self._changes.of(outline, piece)) for piece in outline.pieces if not is_idle(piece)]
        origins: Origins[str] = Origins()
        for piece, change in busy:
            self._link(origins, outline, piece, change)
        touching: dict[str, dict[int, Piece]] = {}
        acting: dict[int, Piece] = {}
        for piece, change in busy:
            if self._acts(outline, piece, change):
                acting[piece.index] = piece
            for node in self._touched(outline, piece, change, origins):
                name = self._own(outline, node)
                if name and name not in piece.bound:
                    touching.setdefault(name, {})[piece.index] = piece
                elif not name and (self._is_object(node) or node in change.stored or is_shared(node)):
                    acting[piece.index] = piece
        return Impact(
            {name: tuple(pieces[i] for i in sorted(pieces)) for name, pieces in touching.items()},
            tuple(acting[index] for index in sorted(acting)),
            origins,
        )

    def _link(self, origins: Origins[str], outline: Outline, piece: Piece, change: Change) -> None:
        """Note where variables get their objects from when a piece runs."""
        self._link_facts(origins, outline, self._changes.flow(outline, piece).now)
        for node in self._held.reached.nodes(change.called):
            for home, facts in self._changes.called_facts(node):
                self._link_facts(origins, home, facts)
        # What is made or changed by one statement may be one object, or hold the others.
        bound = (f"{outline.name}:{name}" for name in piece.bound if name in outline.variables)
        group = [node for node in {*change.nodes, *change.shallow, *change.itself, *bound} if self._is_object(node)]
        if len(group) > 1:
            together = f"{outline.name}#{piece.index}"
            origins.add(together, group, "part")
            for node in group:
                is_shallow = node in change.shallow and node not in change.nodes
                origins.add(node, [together], "held" if is_shallow else "part")

    def _link_facts(self, origins: Origins[str], outline: Outline, facts: Facts) -> None:
        for key in [key for key in facts.origins.targets() if isinstance(key, Root)]:
            targets = [node for node in self._changes.nodes_of(outline, [key]) if self._may_hold(node)]
            for source, way in facts.origins.by_way(key) if targets else ():
                for node in targets:
                    origins.add(node, self._changes.nodes_of(outline, [source]) - {node}, way)

    def _may_hold(self, node: str) -> bool:
        return ":" in node and not self._held.is_atom(node) and not self._held.is_function(node)

    def _touched(self, outline: Outline, piece: Piece, change: Change, origins: Origins[str]) -> Iterator[str]:
        """Give the nodes that a piece may change, those that its names have their objects from among them."""
        found = origins.of(change.shallow, is_deep=False)
        waiting = [*origins.of(change.nodes), *found]
        found |= set(waiting)
        while waiting:
            node = waiting.pop()
            if self._held.is_definition(node):  # what it gives may be whatever it reaches
                new = origins.of(self._held.reached.nodes(self._held.reached.of(node))) - found
                found |= new
                waiting += new
        yield from (node for node in found if self._is_object(node) or is_shared(node))
        yield from change.itself
        if isinstance(piece.node, ast.ClassDef):
            yield from self._told_bases(outline, piece.node)

    def _acts(self, outline: Outline, piece: Piece, change: Change) -> bool:
        """Whether a piece does something of which nobody knows what it is done to."""
        if change.is_acting:
            return True
        return any(root not in outline.variables or not outline.is_mutable(root) for root in piece.acts)

    def _is_object(self, node: str) -> bool:
        """Whether a node is a variable that may be changed, or all of a module."""
        if node.endswith(":*"):
            return True
        if ":" not in node or self._held.variable(node) is None or self._held.is_atom(node):
            return False
        return not self._held.is_definition(node) or self._held.holds_something(node)

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
                bits = self._held.reached.of(base)
                yield from (node for node in self._held.reached.nodes(bits) if node == base or self._is_object(node))

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
