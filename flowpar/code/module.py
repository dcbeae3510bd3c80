"""Where a module's source is, found by looking at files only: nothing is imported, nor the packages around it.

find_module("steps.words", ["workflows", *sys.path])
  └─ workflows/steps/__init__.py, or a folder without one (a namespace package)
       └─ workflows/steps/words.py   ─► ModuleSource, else NotFound with the names that are there
"""

from __future__ import annotations

import os
import sys
import zipimport
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    BuiltinImporter,
    FrozenImporter,
    PathFinder,
)
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_OURS = Path(__file__).parents[1]
_USUAL_FOLDERS = ("src", "lib", "python")  # where many projects have their packages


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A module that an import would find.

    `file` is "" for a namespace package and for what is built into the interpreter; `locations` are the
    folders of a package's submodules.
    """

    name: str
    file: str
    locations: tuple[str, ...] = ()
    has_source: bool = True

    @property
    def package(self) -> str:
        """The package that relative imports in this module start from."""
        return self.name if self.locations else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such module: `missing` is the first part that is not there, `known` the names beside it.

    `below` is the folder of the project in which there is one of that name, where that is not on the path.
    """

    name: str
    missing: str
    known: tuple[str, ...]
    below: str = ""


class ModuleFinder:
    """Looks modules up on one search path and remembers what each folder holds."""

    def __init__(self, search_path: Iterable[str | os.PathLike[str]]) -> None:
        """Keep the path; a relative entry stays relative, so that messages show files as the user wrote them."""
        self._entries = tuple(dict.fromkeys(os.fspath(entry) or "." for entry in search_path))
        self._found: dict[str, ModuleSource | NotFound] = {}
        self._listings: dict[str, frozenset[str]] = {}

    @property
    def search_path(self) -> tuple[str, ...]:
        """Return where it looks."""
        return self._entries

    @property
    def found(self) -> dict[str, ModuleSource | NotFound]:
        """Return what it was asked for so far, and found."""
        return dict(self._found)

    def find(self, name: str) -> ModuleSource | NotFound:
        """Find a module by its dotted name."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def may_have(self, package: str, name: str) -> bool:
        """Whether a package has a file or a folder of a name, which may then be a submodule."""
        source = self.find(package)
        folders = () if isinstance(source, NotFound) else source.locations
        return any(entry.partition(".")[0] == name for folder in folders for entry in self._listing(folder))

    def inside(self, package: str) -> tuple[str, ...]:
        """Return the names of the modules in a package's folders."""
        source = self.find(package)
        folders = () if isinstance(source, NotFound) else source.locations
        found = {_module_of(folder, entry) for folder in folders for entry in self._listing(folder)}
        return tuple(sorted(name for name in found if name is not None))

    def _look_up(self, name: str) -> ModuleSource | NotFound:
        parent_name, _, tail = name.rpartition(".")
        if not all(part.isidentifier() for part in name.split(".")):
            return NotFound(name, name, ())
        entries = self._entries
        if parent_name:
            parent = self.find(parent_name)
            if isinstance(parent, NotFound):
                return NotFound(name, parent.missing, parent.known, parent.below)
            entries = parent.locations
        elif name in sys.builtin_module_names:
            return ModuleSource(name, "", has_source=False)
        elif name == _OURS.name:
            # Workers have it imported before they look anywhere else, whatever a script beside the workflow is called.
            entries = (str(_OURS.parent),)
        found = self._on(entries, name, tail) or _by_other_means(name)
        return self._absent(name, entries) if found is None else self._with_stub(found)

    def _with_stub(self, source: ModuleSource) -> ModuleSource:
        """Take the stub of an installed module: of a `…-stubs` package, else one beside a module without source."""
        if not source.file or not is_installed(source.file):
            return source
        top, *rest = source.name.split(".")
        folder = f"{top}-stubs"
        paths = [Path(entry, folder, *rest) for entry in self._entries if folder in self._listing(entry)]
        if not source.has_source:
            paths.append(Path(source.file).with_name(source.name.rpartition(".")[2]))
        for path in paths:
            for stub in (path / "__init__.pyi", path.with_name(f"{path.name}.pyi")):
                if stub.name in self._listing(str(stub.parent)):
                    return ModuleSource(source.name, str(stub), source.locations)
        return source

    def _on(self, entries: Sequence[str], name: str, tail: str) -> ModuleSource | None:
        portions = []
        for entry in entries:
            found = self._in_folder(entry, name, tail)
            if found is not None:
                return found
            if tail in self._listing(entry) and os.path.isdir(os.path.join(entry, tail)):  # noqa: PTH112, PTH118 - hot
                portions.append(str(Path(entry, tail)))
        return ModuleSource(name, "", tuple(portions)) if portions else None

    def _in_folder(self, entry: str, name: str, tail: str) -> ModuleSource | None:
        listing = self._listing(entry)
        if tail in listing:
            init = self._file_of(str(Path(entry, tail)), "__init__")
            if init is not None:
                return ModuleSource(name, init[0], (str(Path(entry, tail)),), has_source=init[1])
        file = self._file_of(entry, tail)
        return None if file is None else ModuleSource(name, file[0], has_source=file[1])

    def _file_of(self, folder: str, stem: str) -> tuple[str, bool] | None:
        listing = self._listing(folder)
        for suffix in _SUFFIXES:
            if stem + suffix in listing:
                path = Path(folder, stem + suffix)
                if path.is_file():
                    return str(path), suffix in SOURCE_SUFFIXES
        return None

    def _listing(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - names are all we want
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _absent(self, name: str, entries: Sequence[str]) -> NotFound:
        """Say what is there instead; at the top only the project's own modules, installed ones are too many."""
        folders = [e for e in entries if "." in name or not is_installed(e)]
        present = {_module_of(folder, entry) for folder in folders for entry in self._listing(folder)}
        below = "" if "." in name else self._below(name, folders)
        return NotFound(name, name, tuple(sorted(module for module in present if module is not None)), below)

    def _below(self, name: str, folders: Sequence[str]) -> str:
        usual = ((folder, below) for folder in folders for below in _USUAL_FOLDERS)
        wanted = {name, f"{name}.py"}
        return next((below for folder, below in usual if wanted & self._listing(f"{folder}/{below}")), "")


_SUFFIXES = [*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES]  # in the order in which imports try them


def find_module(name: str, search_path: Iterable[str | os.PathLike[str]]) -> ModuleSource | NotFound:
    """Find a module's source on a search path without importing anything."""
    return ModuleFinder(search_path).find(name)


def is_installed(path: str) -> bool:
    """Whether a file or folder belongs to the interpreter or to an installed distribution, not to a project."""
    parts = path.replace("\\", "/").split("/")
    is_in_a_distribution = "site-packages" in parts or "dist-packages" in parts
    return is_in_a_distribution or (path + os.sep).startswith(_STANDARD_LIBRARY)


_STANDARD_LIBRARY = str(Path(os.__file__).parent) + os.sep


def _by_other_means(name: str) -> ModuleSource | None:
    """Find what no folder shows: frozen modules, `os.path`, zip files, editable installs by an import hook."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return ModuleSource(name, "", has_source=False) if name in sys.modules or name == top else None
    if name != top:
        return None
    for entry in sys.path:
        if entry.endswith(".zip") and _is_in_zip(entry, name):
            return ModuleSource(name, entry, has_source=False)
    return _by_import_hook(name)


def _is_in_zip(archive: str, name: str) -> bool:
    try:
        return zipimport.zipimporter(archive).find_spec(name) is not None
    except zipimport.ZipImportError:
        return False


def _by_import_hook(name: str) -> ModuleSource | None:
    """Ask the hooks that installers left (editable installs) for a top-level name, which imports nothing."""
    for hook in sys.meta_path:
        if hook in _OWN_HOOKS:
            continue
        try:
            spec = hook.find_spec(name, None)
        except (ImportError, ValueError, AttributeError):
            continue
        if spec is not None and spec.origin is not None:
            is_source = spec.origin.endswith(tuple(SOURCE_SUFFIXES))
            return ModuleSource(name, spec.origin, tuple(spec.submodule_search_locations or ()), has_source=is_source)
    return None


_OWN_HOOKS = (BuiltinImporter, FrozenImporter, PathFinder)


def _module_of(folder: str, entry: str) -> str | None:
    stem, dot, _ = entry.partition(".")
    is_module = entry.endswith(tuple(_SUFFIXES)) if dot else Path(folder, entry).is_dir()
    return stem if is_module and stem.isidentifier() and not stem.startswith("__") else None
