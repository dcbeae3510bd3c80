"""What a task's function is, by its code: the digest of all of the project's own code that it reaches.

    Reaches(library).of("steps.words:count")  ─► Reached, or a TargetProblem where there is no source

Reached are the function and, transitively, every function, class and constant whose name stands in what is reached
already, through imports of all kinds; then the statements that change these when a module is imported, and the ones
that may change anything (`random.seed(1)`). Layout, comments, docstrings, the order of definitions, annotations
without effect and the names of local variables make no difference. Where the code is made at run time all of a
module counts, and a note says so. Of installed packages the versions count.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flowpar.code.distribution import Distributions
from flowpar.code.graph import Graph, bare
from flowpar.code.library import Library, Module
from flowpar.code.lookup import Lookup
from flowpar.code.module import ModuleSource, NotFound
from flowpar.code.names import names_of
from flowpar.code.problem import ProblemKind, TargetProblem, broken, malformed, no_function, no_module, without_source
from flowpar.code.reached import Part, Reached
from flowpar.code.script import SCRIPT, script_name
from flowpar.code.signature import TARGET_FORM
from flowpar.core.digest import digest

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

_MOST_READINGS = 8

__all__ = ["Part", "Reached", "Reaches", "reach"]


def reach(target: str, search_path: Iterable[str | os.PathLike[str]]) -> Reached | TargetProblem:
    """Read what one target reaches; for many, keep a `Reaches`."""
    return Reaches(Library(search_path)).of(target)


class Reaches:
    """Reads what targets reach on one search path; each module is read once, however many targets reach it."""

    def __init__(self, library: Library) -> None:
        """Start with nothing reached."""
        self._library = library
        self._scripts: list[Module] = []
        self._graphs: dict[tuple[bool, tuple[str, ...]], Graph] = {}
        self._graph = self._graph_for(())
        self._distributions = Distributions()
        self._known: dict[str, Reached | TargetProblem] = {}
        self._made: dict[tuple[int, int, frozenset[str]], Reached] = {}

    def of(self, target: str) -> Reached | TargetProblem:
        """Return what the function (or class) of "module:function" reaches."""
        if target not in self._known:
            self._known[target] = self._look_up(target)
        return self._known[target]

    def of_text(self, text: str) -> Reached | TargetProblem:
        """Return what a script reaches; its own text is the first part, named `<script>`."""
        key = f"{SCRIPT}{text}"
        if key not in self._known:
            self._known[key] = self._read_text(text)
        return self._known[key]

    def of_distribution(self, name: str) -> Reached:
        """Return what an installed distribution brings: its version, and those of all that it requires."""
        return Reached("", distributions=self._distributions.named(name))

    def _look_up(self, target: str) -> Reached | TargetProblem:
        if TARGET_FORM.fullmatch(target) is None:
            return malformed(target)
        module, _, path = target.partition(":")
        lookup = self._graph.lookup
        source = self._library.find(module)
        if isinstance(source, NotFound):
            return no_module(source)
        if lookup.standing(module) != "ours":
            return self._reached([f"!{module}"] if lookup.standing(module) == "installed" else [])
        read = self._library.read(module)
        if isinstance(read, Module):
            nodes = lookup.follow(module, tuple(path.split(".")))
            if all(node[0] == "?" for node in nodes):
                return no_function(module, path.partition(".")[0], read.names)
            if any(node.endswith(":*") for node in nodes):
                return without_source(target)
            return self._reached([_as_target(node) for node in nodes])
        return no_module(read) if isinstance(read, NotFound) else broken(read)

    def _read_text(self, text: str) -> Reached | TargetProblem:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return TargetProblem(ProblemKind.BROKEN, f"the script does not parse: {error}")
        name = script_name(len(self._scripts))
        module = Module(ModuleSource(name, SCRIPT), tree, names_of(tree.body, package=""), tuple(text.splitlines()))
        self._scripts.append(module)
        for graph in self._graphs.values():
            graph.lookup.enter(module)
        return self._reached([f"{name}:*", name])

    def _reached(self, roots: Iterable[str]) -> Reached:
        roots = list(roots)
        graph, seen = self._graph, 0
        while True:  # until nothing more comes to light that asks for another way to read
            bits = self._closed(graph, roots)
            folders = tuple(dict.fromkeys((*graph.added, *graph.folders(bits))))
            wanted = self._graph_for(folders, is_strict=graph.lookup.is_strict or bool(bits & graph.sets.looking))
            if wanted is graph or seen == _MOST_READINGS:
                break
            graph, seen = wanted, seen + 1
        modules = frozenset(bare(root).partition(":")[0] for root in roots)
        key = (id(graph), bits, modules)
        if key not in self._made:
            self._made[key] = self._make(graph, bits, modules)
        return self._made[key]

    def _graph_for(self, folders: tuple[str, ...], *, is_strict: bool = False) -> Graph:
        """Return the graph in which all that the source says counts, and in which imports look in more folders."""
        key = (is_strict, folders)
        if key not in self._graphs:
            graph = self._graphs[key] = Graph(Lookup(self._library.wider(folders), is_strict=is_strict), folders)
            for module in self._scripts:
                graph.lookup.enter(module)
        return self._graphs[key]

    @staticmethod
    def _closed(graph: Graph, roots: Iterable[str]) -> int:
        bits = 0
        waiting = list(roots)
        while waiting:
            for root in waiting:
                bits |= graph.closures.of(root)
            # Whoever asks a class for its subclasses may get those of any module.
            asked = [*(graph.classes_of(bits) if bits & graph.sets.asking else ()), *graph.inside_of(bits)]
            waiting = [node for node in asked if not bits & graph.closures.bit(node)]
        return bits

    def _make(self, graph: Graph, bits: int, modules: Iterable[str]) -> Reached:
        solid = set(graph.closures.nodes(bits & graph.sets.solid))
        parts = {}
        for node in solid:
            better = (f"+{node}", f"={node}") if node[0] not in "+=" else (f"+{node[1:]}",) if node[0] == "=" else ()
            part = None if any(each in solid for each in better) else graph.part(node)  # which says more of the same
            if part is not None:
                parts[part.name] = part
        orders = map(graph.orders.of, sorted(modules))
        parts |= {part.name: part for part in orders if part is not None}
        if bits & graph.sets.reading:
            homes = {bare(node).partition(":")[0] for node in solid if node[0] != "#"}
            texts = map(graph.places.text_of, sorted(homes))
            parts |= {part.name: part for part in texts if part is not None}
        inside = tuple(parts[name] for name in sorted(parts))
        foreign = [node[1:] for node in graph.closures.nodes(bits & graph.sets.foreign)]
        loose = {(f"module {top}", graph.places.content_of(top)) for top in self._distributions.loose(foreign)}
        noted = graph.closures.nodes(bits & graph.sets.noted)
        files = {graph.places.file_of(module) for module in graph.closures.nodes(bits & graph.sets.modules)}
        return Reached(
            digest([(part.name, part.digest) for part in inside]),
            inside,
            tuple(sorted({*self._distributions.of(foreign), *loose})),
            tuple(sorted({note for node in noted for note in graph.notes[node]})),
            tuple(sorted(file for file in files if file is not None)),
        )


def _as_target(node: str) -> str:
    return f"={node}" if ":" in node and node[0] not in "!~?#" else node
