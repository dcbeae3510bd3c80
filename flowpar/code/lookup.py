"""What a name in a project's module leads to, through all imports, as nodes of the graph of what is reached.

    lib.rates:RATE   a variable of one of the project's modules   !pandas.concat   a name of an installed package
    lib.rates        what happens when that module is imported    ~json.loads      one of Python's own modules
    lib.rates:*      all of it                                    ?fast            nothing that is there
    #lib.fast        one whose source can't be read

Where a name is bound in several ways, they are all followed.
"""

from __future__ import annotations

import builtins
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from flowpar.code.effect import AnnotationEffect
from flowpar.code.library import Library, Module
from flowpar.code.module import NotFound, is_installed
from flowpar.code.names import Imported
from flowpar.code.outline import outline_of
from flowpar.code.script import is_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.code.outline import Outline

Standing = Literal["ours", "installed", "standard", "absent"]
Step = tuple[str, tuple[str, ...]]
# What every module has, and what says nothing about its content.
_OF_MODULES = frozenset({"__name__", "__file__", "__package__", "__spec__", "__path__", "__loader__", "__cached__"})


class Lookup:
    """Follows names; each module is outlined once."""

    def __init__(self, library: Library, *, is_strict: bool = False) -> None:
        """Start with nothing followed."""
        self.library = library
        self.is_strict = is_strict
        self.effect = AnnotationEffect(library)
        self._standings: dict[str, Standing] = {}
        self._outlines: dict[str, Outline | None] = {}
        self._followed: dict[Step, tuple[str, ...]] = {}
        self._asked: dict[Step, tuple[str, ...]] = {}

    def standing(self, module: str) -> Standing:
        """Return whose a module is."""
        if module not in self._standings:
            self._standings[module] = self._look_up(module)
        return self._standings[module]

    def _look_up(self, module: str) -> Standing:
        top = module.partition(".")[0]
        if top == "flowpar":
            return "standard"
        source = self.library.find(module)
        if isinstance(source, NotFound):
            return "standard" if top in sys.stdlib_module_names else "absent"
        place = source.file or "".join(source.locations[:1])
        if place and not is_installed(place):
            return "ours"
        return "standard" if not place or top in sys.stdlib_module_names else "installed"

    def outline(self, module: str) -> Outline | None:
        """Return the outline of one of the project's modules; None where its source can't be read."""
        if module not in self._outlines:
            read = self.library.read(module)
            is_read = isinstance(read, Module) and read.tree is not None
            self._outlines[module] = self.outlined(read) if is_read and isinstance(read, Module) else None
        return self._outlines[module]

    def outlined(self, module: Module) -> Outline:
        """Outline a module and have it found from now on."""
        outline = outline_of(module, self.effect.within(module), is_strict=self.is_strict)
        self._outlines[module.name] = outline
        return outline

    def enter(self, module: Module) -> Outline:
        """Let a text be one of the project's modules."""
        self._standings[module.name] = "ours"
        return self.outlined(module)

    def imported(self, module: str) -> Iterator[str]:
        """Give the nodes of what runs when a module is imported: the packages around it, and itself."""
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            standing = self.standing(name)
            if standing == "ours":
                yield name
            elif standing == "installed":
                yield f"!{name}"
                return
            elif standing == "standard":
                return
            elif end == 1 or self.standing(".".join(parts[: end - 1])) != "ours":
                yield f"?{name}"
                return

    def follow(self, module: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the nodes that a path of names leads to from a module, sorted."""
        if (module, path) not in self._followed:
            self._walk(module, path)
        return self._followed[module, path]

    def asked(self, module: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return what the nodes of a path do not say: which name of all that they stand for, and what hides what."""
        if (module, path) not in self._asked:
            self._walk(module, path)
        return self._asked[module, path]

    def _walk(self, module: str, path: tuple[str, ...]) -> None:
        found: set[str] = set()
        asked: set[str] = set()
        waiting = [(module, path)]
        seen: set[Step] = set()
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            nodes = tuple(self._step(*step, waiting))
            found.update(nodes)
            if any(node[0] in "!?#" or node.endswith(":*") for node in nodes):
                asked.add(".".join((step[0], *step[1])))
            asked.update(self._order(*step))
        self._followed[module, path] = tuple(sorted(found))
        self._asked[module, path] = tuple(sorted(asked))

    def _order(self, module: str, path: tuple[str, ...]) -> Iterator[str]:
        """Say in which order a name is bound by imports and otherwise, where it is bound in several ways."""
        outline = self.outline(module) if path and self.standing(module) == "ours" else None
        if outline is None:
            return
        bound = outline.bound.get(path[0], ())
        ways = [outline.imported_by(piece, path[0]) if piece.is_import else "=" for piece in bound]
        ways += [f"{star}.*" for star in outline.stars_after(path[0])]
        if len(set(ways)) > 1:
            yield f"{module}.{path[0]}={'|'.join(way for way, _ in groupby(ways))}"

    def _step(self, module: str, path: tuple[str, ...], waiting: list[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
        match self.standing(module):
            case "installed":
                yield ".".join((f"!{module}", *path[:1]))
            case "standard":
                yield ".".join((f"~{module}", *path[:1]))
            case "absent":
                yield f"?{module}"
            case "ours" if not path or path[0] == "__dict__":
                yield f"{module}:*"
            case "ours":
                yield from self._inside(module, path[0], path[1:], waiting)

    def _inside(
        self, module: str, name: str, rest: tuple[str, ...], waiting: list[tuple[str, tuple[str, ...]]]
    ) -> Iterator[str]:
        outline = self.outline(module)
        is_bound = outline is not None and (name in outline.variables or name in outline.imports)
        if self.library.may_have(module, name) and self.standing(f"{module}.{name}") == "ours":
            waiting.append((f"{module}.{name}", rest))
            is_bound = True
        if outline is None:
            yield from () if is_bound else self._unread(module, name)
            return
        if name in outline.variables:
            yield f"{module}:{name}"
        waiting += [_onward(imported, rest) for imported in outline.imports.get(name, ())]
        starred = tuple(self._starred(outline, name))
        yield from starred
        if is_bound:
            return
        for_types = outline.module.names.bindings.get(name)  # `if TYPE_CHECKING: from lib import Row`
        if for_types is not None and isinstance(for_types.value, Imported):
            waiting.append(_onward(for_types.value, rest))
            yield f"?{module}.{name}"
        yield from self._unbound(outline, name, is_known=for_types is not None or bool(starred))

    def _unread(self, module: str, name: str) -> Iterator[str]:
        read = self.library.read(module)
        is_namespace = isinstance(read, Module) and not read.source.file
        yield f"?{module}.{name}" if is_namespace else f"#{module}"

    def _starred(self, outline: Outline, name: str) -> Iterator[str]:
        """Look for a name in what was imported with a star, as far as that may hide what is bound otherwise."""
        is_bound = name in outline.bound
        for star in outline.stars_after(name):
            if self.standing(star) != "ours":
                yield from () if is_bound else self.follow(star, (name,))
                continue
            inner = self.outline(star)
            is_certain = not is_bound and not hasattr(builtins, name)
            if is_certain or inner is None or name in inner.variables or name in inner.imports or inner.stars_after(""):
                yield f"{star}:*"

    def _unbound(self, outline: Outline, name: str, *, is_known: bool) -> Iterator[str]:
        """Look where a name may come from that no statement binds."""
        if outline.module.names.is_open:
            yield f"{outline.name}:*"
        elif hasattr(builtins, name) or name in _OF_MODULES:
            yield f"~builtins.{name}"
        elif not is_known:
            yield f"?{outline.name}.{name}"
            if not is_script(outline.name):  # whose names others give
                yield f"{outline.name}:*"


def _onward(imported: Imported, rest: tuple[str, ...]) -> Step:
    return imported.module, rest if imported.name is None else (imported.name, *rest)
