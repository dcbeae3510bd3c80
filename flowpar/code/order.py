"""In which order modules act when one of them is imported, where more than one does.

steps: import one; import two     one: S.append(1)     two: S.append(2)     ─► steps (order): one, two
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flowpar.code.reached import Part
from flowpar.code.script import is_script
from flowpar.core.digest import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flowpar.code.closure import Closures
    from flowpar.code.lookup import Lookup
    from flowpar.code.outline import Outline, Piece
    from flowpar.code.place import Places


class Orders:
    """Goes through imports as Python does; each module that others are imported from is asked once."""

    def __init__(
        self, lookup: Lookup, places: Places, closures: Closures, acting: Callable[[Outline], Iterable[Piece]]
    ) -> None:
        """Ask `acting` which statements of a module act on what others have, too."""
        self._closures = closures
        self._circles: dict[str, list[Piece]] = {}
        self._lookup = lookup
        self._places = places
        self._acting = acting
        self._known: dict[str, Part | None] = {}
        self._quiet: set[str] = set()
        self._steps: dict[str, tuple[tuple[str, bool], ...]] = {}

    def of(self, module: str) -> Part | None:
        """Return a part for the order in which modules act at the import of one; None where none or one does."""
        if module not in self._known:
            self._known[module] = self._make(module)
        return self._known[module]

    def returning(self, outline: Outline) -> list[Piece]:
        """Return the imports of modules that import this one: they see what stands before them, and may set it."""
        if outline.name not in self._circles:
            own = self._closures.bit(outline.name)
            self._circles[outline.name] = [
                piece
                for piece in outline.pieces
                for each in (part.module for part in piece.imports if not part.is_late)
                if any(self._closures.of(name) & own for name, _ in self._imported(each))
            ]
        return self._circles[outline.name]

    def _make(self, module: str) -> Part | None:
        outline = None if module[:1] in "!~?#" or is_script(module) else self._lookup.outline(module)
        begun = set(self._quiet)
        acting = [name for name, _ in groupby(self._walk(module, begun))] if outline is not None else []
        if not acting:
            self._quiet = begun
        if outline is None or len(acting) < 2:  # noqa: PLR2004 - of one there is no order
            return None
        return Part("module", f"{module} (order)", self._places.path_of(outline), 1, digest(acting))

    def _walk(self, start: str, begun: set[str]) -> Iterator[str]:
        """Give the modules that act, in their order; one whose own statements stand between imports more than once."""
        waiting = [iter(self._imported(start))]
        while waiting:
            for module, is_import in waiting[-1]:
                if not is_import:
                    yield module
                elif module not in begun:
                    begun.add(module)
                    waiting.append(iter(self._of(module)))
                    break
            else:
                waiting.pop()

    def _of(self, module: str) -> tuple[tuple[str, bool], ...]:
        """Return what a module imports of the project, and itself where it acts, in order."""
        if module not in self._steps:
            self._steps[module] = tuple(self._read(module))
        return self._steps[module]

    def _read(self, module: str) -> Iterator[tuple[str, bool]]:
        outline = self._lookup.outline(module)
        if outline is None:
            return
        acting = {piece.index for piece in self._acting(outline)}
        seen: set[str] = set()
        for piece in outline.pieces:
            for imported in piece.imports:
                if not imported.is_late and imported.module not in seen:
                    seen.add(imported.module)
                    yield from self._imported(imported.module)
            if piece.index in acting:
                yield module, False

    def _imported(self, module: str) -> tuple[tuple[str, bool], ...]:
        return tuple((name, True) for name in self._lookup.imported(module) if name[0] not in "!~?")
