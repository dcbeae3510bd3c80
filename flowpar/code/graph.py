"""The graph of what is reached: which node leads to which, and the part of the digest that each one is.

lib.rates:RATE ─► what its statements read ─► …        its part: their forms, and what each name in them leads to
              └─► lib.rates ─► what is imported along  its part: the statements that act on more than one variable
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from flowpar.code.added import added_folders, is_path_of_imports
from flowpar.code.closure import Closures
from flowpar.code.dynamic import (
    dynamic_imports,
    is_clock,
    is_dynamic,
    named_modules,
)
from flowpar.code.effect import Shown
from flowpar.code.impact import Impacts
from flowpar.code.living import classes_in
from flowpar.code.names import definitions_in
from flowpar.code.node_sets import NodeSets
from flowpar.code.order import Orders
from flowpar.code.outline import piece_of
from flowpar.code.place import Places
from flowpar.code.reached import Part
from flowpar.code.script import is_script, shown
from flowpar.code.token import text_token
from flowpar.code.typed import names_in
from flowpar.core.digest import digest_bytes
from flowpar.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece


_DYNAMIC = "all of the module counts, and the modules that it names or imports; name any other one by version"
_UNKNOWN_FOLDER = "reading can't tell which folder is added to sys.path; name what is imported from there by version"
# Marks of nodes of which somebody sees more than what they do.
_TOLD = {"=": Shown.SOURCE, "+": Shown.DOCSTRING}


class Graph:
    """Grows as it is asked; each node's edges and part are made once."""

    def __init__(self, lookup: Lookup, added: tuple[str, ...] = ()) -> None:
        """Start empty; `added` are the folders in which imports look because code says so."""
        self.lookup, self.added = lookup, added
        self.closures = Closures(self._edges)
        self.notes: dict[str, set[str]] = {}
        self.sets = NodeSets()
        self.places = Places(lookup)
        self._impacts = Impacts(lookup)
        self._parts: dict[str, Part | None] = {}
        self.orders = Orders(lookup, self.places, self.closures, lambda outline: self._impacts.of(outline).acting)
        self._told_pieces: dict[tuple[str, int, str], Piece] = {}

    def part(self, node: str) -> Part | None:
        """Return a node's part; None for what only leads elsewhere."""
        if node not in self._parts:
            self._parts[node] = self._make(node)
        return self._parts[node]

    def _edges(self, node: str) -> Iterator[str]:
        self._mark(node)
        if node[0] in "!~?#":
            return
        module, colon, name = bare(node).partition(":")
        outline = self.lookup.outline(module)
        if outline is None:
            yield from self._around(module)
            if getattr(self.lookup.library.find(module), "file", ""):
                yield f"#{module}"
                yield from self.places.imported_by_text(module)
                self._tell(node, *self.places.why_whole(module))
            return
        if name == "*":
            yield from (f"{module}:{each}" for each in outline.variables)
            if "__getattr__" in outline.bound:  # which may look for modules by a table of names
                yield from named_modules(self.lookup, outline, "~importlib")
            yield from (f"{star}:*" for star in outline.module.names.stars if self.lookup.standing(star) == "ours")
            for each, imported in outline.imports.items():
                if any(part.name is not None for part in imported):
                    yield from self.lookup.follow(module, (each,))
        if not colon:
            yield from self._imported(outline)
        else:
            yield module
        for piece in self._pieces(node):
            yield from self._of_piece(outline, piece, node)

    def _mark(self, node: str) -> None:
        pieces = self._pieces(node)
        outline = self.lookup.outline(bare(node).partition(":")[0]) if pieces else None
        words = set() if outline is None else outline.words_in(pieces)
        self.sets.add(self.closures.bit(node), node, words, has_part=bool(pieces))

    def _around(self, module: str) -> Iterator[str]:
        """Give the packages around a module, which are imported first."""
        yield from (name for name in self.lookup.imported(module) if name != module)

    def _imported(self, outline: Outline) -> Iterator[str]:
        """Give what is imported when a module is, as far as it may act."""
        yield from self._around(outline.name)
        read = {read.path[0] for piece in outline.pieces for read in piece.reads if read.base is None}
        for piece in outline.pieces:
            is_read = not piece.is_import or not read.isdisjoint(piece.bound)
            for imported in piece.imports:
                if imported.is_late:
                    continue
                for node in self.lookup.imported(imported.module):
                    # What is never used is imported for what happens then.
                    if node[0] not in "!?" or (node[0] == "!" and not is_read and not outline.mentions(piece)):
                        yield node

    def _of_piece(self, outline: Outline, piece: Piece, node: str) -> Iterator[str]:
        is_other = self._is_other(node, piece)
        if is_other:
            yield from (f"{outline.name}:{name}" for name in piece.bound if name in outline.variables)
            return
        yield from self._of_reads(outline, piece, node)
        yield from self._of_given(outline, piece)
        yield from self._of_texts(outline, piece)
        for imported in piece.imports:
            if imported.is_late:
                yield from (each for each in self.lookup.imported(imported.module) if each[0] != "?")
        for target, why in dynamic_imports(self.lookup, outline, piece):
            yield target
            self._note(outline, node, why)

    def _of_reads(self, outline: Outline, piece: Piece, node: str) -> Iterator[str]:
        for read in piece.reads:
            for target in self.lookup.follow(read.base or outline.name, read.path):
                yield target
                if node[0] == "=" and isinstance(piece.node, ast.Assign):  # `run = other`: that one is called
                    yield f"={target}" if ":" in target and not target.endswith(":*") else target
                path = ".".join(read.path) or read.base
                if target.endswith(":*"):
                    why = f'{read.line}: "{path}" may be anything of module "{target[:-2]}"'
                    self._note(outline, node, f"{why}, so all of that counts")
                elif is_dynamic(target):
                    self._note(outline, node, f'{read.line}: "{path}" may reach anything: {_DYNAMIC}')
                    yield f"{outline.name}:*"
                    yield from named_modules(self.lookup, outline, target)
                elif is_path_of_imports(target):
                    self.sets.searching |= self.closures.bit(node)
                elif is_clock(target, read.path):
                    self._note(outline, node, f'{read.line}: "{path}" asks for the time, which no key knows')

    def _of_given(self, outline: Outline, piece: Piece) -> Iterator[str]:
        """Give the definitions that are given to installed packages, or to nobody knows whom: they may look at them."""
        for given in piece.given:
            called = [self.lookup.follow(base or outline.name, path) for base, path in given.callee]
            callees = {node for nodes in called for node in nodes}
            # A decorator of Python's own is looked at where it stands.
            makers = {node for node in callees if node[0] != "~" or not isinstance(piece.node, ast.ClassDef)}
            makes_fields = any(map(self._impacts.makes_fields, makers))
            if called and not makes_fields and not any(map(self._impacts.may_look, callees)):
                continue
            found = (self.lookup.follow(base or outline.name, path) for base, path in given.names)
            yield from (f"+{node}" for nodes in found for node in nodes if self._impacts.is_defined(node))

    def _of_texts(self, outline: Outline, piece: Piece) -> Iterator[str]:
        """Give the classes that texts name, as whoever is given types may look for them: `Optional["Row"]`."""
        for text in piece.texts:
            if outline.bound.keys().isdisjoint(re.findall(r"\w+", text)):
                continue
            for path in names_in(text):
                found = self.lookup.follow(outline.name, path) if path[0] in outline.bound else ()
                yield from (node for node in found if self._impacts.is_class(node))

    def _note(self, outline: Outline, node: str, text: str) -> None:
        self._tell(node, self.places.path_of(outline), text)

    def _tell(self, node: str, path: str, text: str) -> None:
        self.sets.noted |= self.closures.bit(node)
        self.notes.setdefault(node, set()).add(f"{path}:{text}")

    def _is_other(self, node: str, piece: Piece) -> bool:
        """Whether a piece is there for what it does to a node, and has names, and so a part, of its own."""
        name = bare(node).partition(":")[2]
        return bool(piece.bound) and name not in piece.bound and not piece.is_import

    def _pieces(self, node: str) -> tuple[Piece, ...]:
        module, colon, name = bare(node).partition(":")
        outline = None if node[0] in "!~?#" else self.lookup.outline(module)
        if outline is None:
            return ()
        impact = self._impacts.of(outline)
        if name == "*":  # names may come from anywhere in it
            return tuple(piece for piece in outline.pieces if not piece.bound)
        if not colon:  # of a script, whatever it does counts, in its order
            return outline.pieces if is_script(module) else impact.acting
        bound = outline.variables.get(name, ())
        pieces = {piece.index: self._told(outline, piece, node[0]) for piece in bound}
        pieces |= {piece.index: piece for piece in impact.touching.get(name, ())}
        return tuple(pieces[index] for index in sorted(pieces))

    def _told(self, outline: Outline, piece: Piece, mark: str) -> Piece:
        """Return a piece whose annotations count: of a task's function ("="), which values are held against.

        Of a definition that is given to others ("+") the docstring does, too.
        """
        if mark not in _TOLD:
            return piece
        key = (outline.name, piece.index, mark)
        if key not in self._told_pieces:
            told, others = definitions_in(piece.node), self.lookup.effect.within(outline.module)
            level = _TOLD[mark]
            shown = lambda node: max(level, others(node)) if id(node) in told else others(node)  # noqa: E731 - it is one question
            self._told_pieces[key] = piece_of(piece.index, piece.node, replace(outline.manner, shown=shown))
        return self._told_pieces[key]

    def _make(self, node: str) -> Part | None:
        if node[0] == "#":
            return self.places.hidden(node[1:])
        pieces = self._pieces(node)
        if not pieces:
            return None
        module, _, name = bare(node).partition(":")
        outline = self.lookup.outline(module)
        assert outline is not None  # noqa: S101 - it has pieces
        content = b"".join(self._content(outline, piece, node) for piece in pieces)
        first = next((piece for piece in pieces if name in piece.bound), pieces[0])
        return Part(
            outline.kind_of(name) if name in outline.variables else "module",
            shown(f"{module}:{name}" if name else module),
            self.places.path_of(outline),
            first.bound.get(name, first.node.lineno),
            digest_bytes(content),
        )

    def _content(self, outline: Outline, piece: Piece, node: str) -> bytes:
        if self._is_other(node, piece):
            return b"".join(map(text_token, sorted(piece.bound)))
        links = {
            b"".join(text_token(shown(text)) for text in (".".join((read.base or "", *read.path)), *found, *asked))
            for read in piece.reads
            for step in [(read.base or outline.name, read.path)]
            for found, asked in [(self.lookup.follow(*step), self.lookup.asked(*step))]
        }
        return b"".join((b"{", piece.form, *sorted(links), *self._order(outline, piece), b"}"))

    def _order(self, outline: Outline, piece: Piece) -> Iterator[bytes]:
        """Say of what a piece uses how much comes after it, which is nothing as a rule."""
        impact = self._impacts.of(outline)
        for name in sorted(self._impacts.used(outline, piece)):
            later = _after(piece, (*outline.bound[name], *impact.touching.get(name, ())))
            if later:
                yield text_token(name) + b"%d" % later
        is_late = not piece.calls_now and all(read.is_late for read in piece.reads)
        later = 0 if is_late or piece.is_import else _after(piece, impact.acting)
        if later:
            yield b"*%d" % later
        later = _after(piece, () if piece.is_import else self.orders.returning(outline))
        if later:
            yield b"~%d" % later

    def folders(self, bits: int) -> Iterator[str]:
        """Give the folders that what is in a set adds to the path of imports."""
        for node in self.closures.nodes(bits & self.sets.searching):
            outline = self.lookup.outline(bare(node).partition(":")[0])
            pieces = () if outline is None else self._pieces(node)
            for folder, line in (each for piece in pieces if outline for each in added_folders(outline, piece)):
                if folder is not None:
                    yield folder
                elif outline is not None:
                    self._note(outline, node, f"{line}: {_UNKNOWN_FOLDER}")

    def inside_of(self, bits: int) -> Iterator[str]:
        """Give the modules of a set that are parts of packages of which all counts: who has `pkg` has `pkg.lib`."""
        packages = {node.partition(":")[0] for node in self.closures.nodes(bits & self.sets.whole)}
        for module in self.closures.nodes(bits & self.sets.modules) if packages else ():
            if module.rpartition(".")[0] in packages:
                yield f"{module}:*"

    def classes_of(self, bits: int) -> Iterator[str]:
        """Give the classes of all modules in a set: those that somebody may ask a base for."""
        for module in self.closures.nodes(bits & self.sets.modules):
            outline = None if module[0] == "#" else self.lookup.outline(module)
            for name, pieces in () if outline is None else outline.variables.items():
                if any(classes_in(piece.node) for piece in pieces):
                    yield f"{module}:{name}"


def bare(node: str) -> str:
    """Return a node without the mark that says what of it counts."""
    return node[1:] if node[0] in _TOLD else node


def _after(piece: Piece, others: Iterable[Piece]) -> int:
    return len({other.index for other in others if other.index > piece.index})
