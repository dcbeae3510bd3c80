"""Code of the workflow's own modules, read once where workers are forked from and run in each of them.

    targets, and what these name ──► CompiledModules ──► a worker's `import steps`: code is there, the file is as it was

Nothing of it runs here: an import still executes the module in the worker, and only there. What it no longer does
is find, read and unmarshal the file, which is a tenth of what a small task costs.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType, ModuleType

_FOLDERLESS = (BuiltinImporter, FrozenImporter)
_MOST_MODULES = 256
_LARGEST_BYTES = 1 << 20


class _CompiledLoader(SourceFileLoader):
    """Loads a module of which the code is known already."""

    def __init__(self, name: str, path: str, code: CodeType, stamp: tuple[int, int]) -> None:
        super().__init__(name, path)
        self.stamp = stamp
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        """Return what the file was compiled to."""
        del fullname
        return self._code


class CompiledModules:
    """A finder for `sys.meta_path`: modules of one folder and its packages, as long as their files don't change."""

    def __init__(self, folder: str) -> None:
        """Know no module of `folder` yet."""
        self._folder = folder
        self._specs: dict[str, tuple[ModuleSpec, _CompiledLoader, str]] = {}

    def read(self, names: Iterable[str]) -> None:
        """Read modules by name, and those of the same folder that they import."""
        waiting = list(names)
        seen: set[str] = set()
        while waiting and len(self._specs) < _MOST_MODULES:
            name = waiting.pop()
            if name in seen or any(finder.find_spec(name) for finder in _FOLDERLESS):
                continue
            seen.add(name)
            # A package in front of it is imported first, and a relative import names only the rest.
            package = name.rpartition(".")[0]
            waiting += [package] if package else []
            with suppress(Exception):  # whatever is wrong with it, a worker that imports it will say
                if (code := self._read(name)) is not None:
                    waiting += [*code.co_names, *(f"{package}.{each}" for each in code.co_names if package)]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that would be found at the same place, unchanged; others find the rest."""
        del target
        known = self._specs.get(name)
        if known is None:
            return None
        spec, loader, folder = known
        places = sys.path if path is None else path
        if next(iter(places), None) != folder or _stamp(loader.path) != loader.stamp:
            return None
        return spec

    def take_place(self) -> None:
        """Stand on `sys.meta_path` in front of what finds nothing in folders, or just before the finder that does."""
        others = [finder for finder in sys.meta_path if not isinstance(finder, CompiledModules)]
        place = others.index(PathFinder) if PathFinder in others else len(others)
        # The last one is setuptools': it is in the way of `distutils` and `pip`, which are in no folder of a workflow.
        if all(each in _FOLDERLESS or type(each).__module__ == "_distutils_hack" for each in others[:place]):
            place = 0
        sys.meta_path[:] = [*others[:place], self, *others[place:]]

    def _read(self, name: str) -> CodeType | None:
        origin = self._origin(name)
        stamp = None if origin is None else _stamp(origin)
        if origin is None or stamp is None or stamp[1] > _LARGEST_BYTES:
            return None
        code = SourceFileLoader(name, origin).get_code(name)
        if code is None:  # typeshed: a loader in general may have none
            return None
        folder, file = os.path.split(origin)
        inside = [folder] if file == "__init__.py" else None
        loader = _CompiledLoader(name, origin, code, stamp)
        spec = spec_from_file_location(name, origin, loader=loader, submodule_search_locations=inside)
        if spec is not None:
            _ = spec.cached  # worked out when it is first asked for
            self._specs[name] = spec, loader, os.path.split(folder)[0] if inside else folder
        return code

    def _origin(self, name: str) -> str | None:
        """Return the file of a module, found without importing the packages around it."""
        folder = self._folder
        spec = None
        for part in _beginnings(name):
            spec = PathFinder.find_spec(part, [folder])
            if spec is None:
                return None
            if part != name:
                folders = list(spec.submodule_search_locations or ())
                if not folders:
                    return None
                folder = folders[0]
        return spec.origin if spec is not None and type(spec.loader) is SourceFileLoader else None


def keep_code(folder: str, modules: Sequence[str]) -> None:
    """Read the code of modules, of those that are found in a folder, for this process and its forks."""
    compiled = CompiledModules(folder)
    compiled.read(modules)
    compiled.take_place()


def _beginnings(name: str) -> Iterator[str]:
    """Yield "a", "a.b", "a.b.c" of "a.b.c"."""
    end = name.find(".")
    while end >= 0:
        yield name[:end]
        end = name.find(".", end + 1)
    yield name


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - in each worker
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
