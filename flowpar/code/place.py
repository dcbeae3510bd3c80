"""Where modules are: their files, what was read there, and parts that are files as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.code.dynamic import all_of, modules_in
from flowpar.code.looked import digest_of_file
from flowpar.code.module import NotFound
from flowpar.code.reached import Part
from flowpar.code.script import is_script, shown
from flowpar.core.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.code.lookup import Lookup
    from flowpar.code.module import ModuleSource
    from flowpar.code.outline import Outline


_CODE = frozenset({".py", ".so", ".pyd"})


class Places:
    """Answers for one lookup."""

    def __init__(self, lookup: Lookup) -> None:
        """Start with no file read."""
        self._lookup = lookup
        self._files: dict[str, tuple[str, str] | None] = {}

    def content_of(self, module: str) -> str:
        """Return a digest of all code in an installed module, or package, that has no version."""
        source = self._lookup.library.find(module)
        if isinstance(source, NotFound):
            return ""
        below = (file for folder in source.locations for file in Path(folder).rglob("*") if file.suffix in _CODE)
        files = {source.file: Path(source.file).name} if source.file and not source.locations else {}
        files |= {str(file): file.relative_to(source.locations[0]).as_posix() for file in below}
        return digest(sorted((name, digest_of_file(file)) for file, name in files.items()))

    def hidden(self, module: str) -> Part | None:
        """Return the part of a module without source: what is in its file."""
        file = getattr(self._lookup.library.find(module), "file", "")
        return Part("module", module, self.below(file), 1, digest_of_file(file))

    def imported_by_text(self, module: str) -> Iterator[str]:
        """Give the nodes of what a module imports whose source can't be read as Python, as far as its lines say so."""
        source = self._lookup.library.find(module)
        for name in () if isinstance(source, NotFound) else modules_in(_lines_of(source), source.package):
            yield from self._lookup.imported(name)
            yield from all_of(self._lookup, name)

    def why_whole(self, module: str) -> tuple[str, str]:
        """Return where a module is whose file counts, and why it does."""
        source = self._lookup.library.find(module)
        has_lines = not isinstance(source, NotFound) and source.has_source
        why = f'1: module "{module}" can\'t be read, so its file counts'
        return self.below(getattr(source, "file", "")), f"{why}, and all of what it imports" if has_lines else why

    def text_of(self, module: str) -> Part | None:
        """Return the part that is all of a module's text."""
        outline = self._lookup.outline(module)
        if outline is None:
            return None
        return Part(
            "module", f"{shown(module)} (text)", self.path_of(outline), 1, digest("\n".join(outline.module.lines))
        )

    def file_of(self, module: str) -> tuple[str, str] | None:
        """Return the file of a module, with a digest of what was read there; None where it has none."""
        if module not in self._files:
            read = self._lookup.library.read(module.removeprefix("#"))
            file = "" if isinstance(read, NotFound) or is_script(module) else read.source.file
            digest_then = getattr(read, "digest", "") or (digest_of_file(file) if file else "")
            self._files[module] = (os.path.abspath(file), digest_then) if file else None  # noqa: PTH100 - a text
        return self._files[module]

    def path_of(self, outline: Outline) -> str:
        """Return a module's file as seen from where it was looked for."""
        return self.below(outline.module.source.file)

    def below(self, file: str) -> str:
        """Return a file as seen from where modules are looked for."""
        return _below(file, self._lookup.library.search_path)


def _lines_of(source: ModuleSource) -> list[str]:
    try:
        text = Path(source.file).read_text(encoding="utf-8", errors="replace") if source.has_source else ""
    except OSError:
        return []
    return text.splitlines()


def _below(file: str, search_path: Iterable[str]) -> str:
    path = Path(file)
    folders = [Path(entry) for entry in search_path if path.is_relative_to(entry)]
    return min((path.relative_to(folder).as_posix() for folder in folders), key=len, default=path.name)
