"""Modules read from their source, each file once, and names followed through imports to where they are defined.

    Library(search_path)
      ├─ read("steps.words")          ─► Module | NotFound | Broken
      └─ resolve(module, "count")     ─► Defined | Foreign | module | None (there is no such name)

A name is `Foreign` where its source is not to be read: C modules, and installed packages on request.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
import warnings
from importlib.util import decode_source
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.code.looked import Looked
from flowpar.code.module import ModuleFinder, ModuleSource, NotFound, is_installed
from flowpar.code.names import Binding, Imported, Names, names_of
from flowpar.core.digest import digest_bytes
from flowpar.core.frozen import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

# A tree takes some 300 times the room of its text: what is larger are data, and count as a file.
_LARGEST_SOURCE_BYTES = 1024 * 1024
# Of packages it takes a second to read the largest ones, for little: their classes have bases from elsewhere.
_LARGEST_INSTALLED_BYTES = 256 * 1024
_MOST_HOPS = 32


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was read; without source `tree` is None and nothing is known of its names."""

    source: ModuleSource
    tree: ast.Module | None
    names: Names
    lines: tuple[str, ...] = ()
    digest: str = ""

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.source.name

    @property
    def is_ours(self) -> bool:
        """Whether it is flowpar's own, whose source helps nobody who reads a finding."""
        return self.name.partition(".")[0] == "flowpar"


@dataclass(frozen=True, slots=True)
class Broken:
    """A module whose source can't be read as Python; `line` is 0 where no place is known."""

    source: ModuleSource
    message: str
    line: int = 0
    column: int = 1
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Defined:
    """A name and the module whose source binds it."""

    module: Module
    name: str
    binding: Binding


@dataclass(frozen=True, slots=True)
class Foreign:
    """A name that exists, or may, in a module whose source is not read; `module.name` in full."""

    qualified: str


_WITHOUT_SOURCE = frozenset({"builtins", *sys.stdlib_module_names})

Resolved = Defined | Foreign | Module | Broken | None


class Library:
    """The modules of one search path; each file is parsed once."""

    def __init__(self, search_path: Iterable[str | os.PathLike[str]]) -> None:
        """Start with nothing read."""
        self._finder = ModuleFinder(search_path)
        self._modules: dict[str, Module | NotFound | Broken] = {}
        self._wider: dict[tuple[str, ...], Library] = {}

    @property
    def looked(self) -> Looked:
        """Return what was asked of the disk so far."""
        found = self._finder.found.items()
        modules = {name: None if isinstance(source, NotFound) else source for name, source in found}
        files: dict[str, str] = {}
        for module in self._modules.values():
            if not isinstance(module, NotFound) and _has_text(module.source):
                before = files.setdefault(module.source.file, module.digest)
                files[module.source.file] = before if before == module.digest else ""  # it changed meanwhile
        for wider in self._wider.values():
            files = {**wider.looked.files, **files}
        return Looked(self._finder.search_path, modules, files)

    def wider(self, folders: Iterable[str]) -> Library:
        """Return one that looks in more folders, before it does among installed packages."""
        own = [entry for entry in self.search_path if not is_installed(entry)]
        paths = (os.path.join(entry, folder) for folder in folders for entry in own or ["."])  # noqa: PTH118 - a text
        more = tuple(path for path in dict.fromkeys(map(os.path.normpath, paths)) if os.path.isdir(path))  # noqa: PTH112 - the same
        if more and more not in self._wider:
            self._wider[more] = Library([*own, *more, *(entry for entry in self.search_path if is_installed(entry))])
        return self._wider[more] if more else self

    @property
    def search_path(self) -> tuple[str, ...]:
        """Return where it looks for modules."""
        return self._finder.search_path

    def read(self, name: str) -> Module | NotFound | Broken:
        """Read a module by its dotted name, without importing it."""
        if name not in self._modules:
            source = self._finder.find(name)
            self._modules[name] = source if isinstance(source, NotFound) else _parse(source)
        return self._modules[name]

    def find(self, name: str) -> ModuleSource | NotFound:
        """Find a module by its dotted name, without reading it."""
        return self._finder.find(name)

    def may_have(self, package: str, name: str) -> bool:
        """Whether a package may have a submodule of a name, as far as its folder says."""
        return self._finder.may_have(package, name)

    def inside(self, package: str) -> tuple[str, ...]:
        """Return the names of the modules in a package."""
        return self._finder.inside(package)

    def resolve(self, module: Module, name: str, *, everywhere: bool = True) -> Resolved:
        """Follow a name to its definition; unless `everywhere`, installed packages stay closed."""
        return self._follow(module, name, set(), everywhere=everywhere)

    def located(self, qualified: str) -> Resolved:
        """Follow a `Foreign` name into the source, or the stub, of the package that has it."""
        home, _, name = qualified.rpartition(".")
        module = self.read(home) if home and home.partition(".")[0] not in _WITHOUT_SOURCE else None
        return self.resolve(module, name) if isinstance(module, Module) else None

    def meaning(self, module: Module, expression: ast.expr, *, everywhere: bool = False) -> Resolved:
        """Follow a name or a dotted name; what Python itself provides is `builtins.<name>`."""
        match expression:
            case ast.Name(id=name):
                found = self.resolve(module, name, everywhere=everywhere)
                return Foreign(f"builtins.{name}") if found is None and hasattr(builtins, name) else found
            case ast.Attribute(value=value, attr=attr):
                owner = self.meaning(module, value, everywhere=everywhere)
                if isinstance(owner, Module):
                    return self.resolve(owner, attr, everywhere=everywhere)
                return Foreign(f"{owner.qualified}.{attr}") if isinstance(owner, Foreign) else None
            case _:
                return None

    def _follow(self, module: Module, name: str, seen: set[tuple[str, str]], *, everywhere: bool) -> Resolved:
        while len(seen) < _MOST_HOPS:
            if (module.name, name) in seen:  # modules that import the name from each other, or a package from itself
                return self._submodule(module, name)
            seen.add((module.name, name))
            binding = module.names.bindings.get(name)
            if binding is not None and binding.stars:
                binding = self._with_stars(module, name, binding)
            if binding is None:
                return self._unbound(module, name, seen, everywhere=everywhere)
            if not isinstance(binding.value, Imported) or not binding.is_certain:
                return Defined(module, name, binding)
            step = self._imported(module, binding.value, everywhere=everywhere)
            if not isinstance(step, tuple):
                return step
            module, name = step
        return Foreign(f"{module.name}.{name}")

    def _with_stars(self, module: Module, name: str, binding: Binding) -> Binding:
        """Return what a name is bound to after all that `from … import *` brought later."""
        for star in reversed(binding.stars):
            has = self._exports(module, star, name)
            if has is None:
                return replace(binding, is_certain=False)
            if has:
                return Binding(Imported(star, name))
        return binding

    def _exports(self, module: Module, star: str, name: str) -> bool | None:
        """Whether `from star import *` binds a name; None where reading can't tell."""
        target = self.read(star) if self._is_near_name(module, star) else None
        if not isinstance(target, Module) or target.tree is None or target.names.is_open:
            return None
        public = target.names.public
        if public is not None:
            return name in public
        bound = target.names.bindings.get(name)
        if name.startswith("_"):
            return None if "__all__" in target.names.bindings else False
        if bound is None:
            return None if target.names.stars or "__all__" in target.names.bindings else False
        return True if bound.is_certain and "__all__" not in target.names.bindings else None

    def _imported(self, module: Module, what: Imported, *, everywhere: bool) -> Resolved | tuple[Module, str]:
        full = what.module if what.name is None else f"{what.module}.{what.name}"
        source = self._finder.find(what.module)
        if isinstance(source, NotFound) or not (everywhere or self._is_near(module, source)):
            return Foreign(full)  # it may be there when the task runs
        target = self.read(what.module)
        if what.name is None:
            return Foreign(full) if isinstance(target, NotFound) else target
        if not isinstance(target, Module):
            return target if isinstance(target, Broken) else Foreign(full)
        return target, what.name

    @staticmethod
    def _is_near(module: Module, source: ModuleSource) -> bool:
        """Whether a module belongs to the same project or distribution as the one that imports it."""
        is_same = source.name.partition(".")[0] == module.name.partition(".")[0]
        return is_same or not is_installed(source.file or "".join(source.locations[:1]))

    def _unbound(self, module: Module, name: str, seen: set[tuple[str, str]], *, everywhere: bool) -> Resolved:
        """Look where a name may be that no statement binds: submodules, star imports, beyond the source."""
        inner = self._submodule(module, name)
        if inner is not None:
            return inner
        for star in module.names.stars:
            target = self.read(star) if everywhere or self._is_near_name(module, star) else None
            found: Resolved = Foreign(f"{star}.{name}")
            if isinstance(target, Module):
                public = target.names.public
                if public is not None and name not in public:
                    continue
                found = self._follow(target, name, seen, everywhere=everywhere)
            # `from typing import *` leaves `int` what it is, though nobody looks.
            if found is not None and not (isinstance(found, Foreign) and hasattr(builtins, name)):
                return found
        is_namespace = bool(module.source.locations) and not module.source.file
        is_unknown = module.names.is_open or (module.tree is None and not is_namespace)
        return Foreign(f"{module.name}.{name}") if is_unknown else None

    def _submodule(self, module: Module, name: str) -> Module | Broken | None:
        inner = self.read(f"{module.name}.{name}") if module.source.locations else None
        return None if isinstance(inner, NotFound) else inner

    def _is_near_name(self, module: Module, name: str) -> bool:
        source = self._finder.find(name)
        return not isinstance(source, NotFound) and self._is_near(module, source)


def _has_text(source: ModuleSource) -> bool:
    return source.has_source and bool(source.file)


def _parse(source: ModuleSource) -> Module | Broken:
    if not _has_text(source):
        return Module(source, None, Names())
    digest = ""
    try:
        largest = _LARGEST_INSTALLED_BYTES if is_installed(source.file) else _LARGEST_SOURCE_BYTES
        if Path(source.file).stat().st_size > largest:
            return Module(source, None, Names(is_open=True))
        content = Path(source.file).read_bytes()
        digest = digest_bytes(content)
        text = decode_source(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's escapes; Python tells them when the task runs
            tree = ast.parse(text, source.file)
    except SyntaxError as error:
        return Broken(source, error.msg, error.lineno or 0, max(error.offset or 1, 1), digest)
    except (OSError, LookupError, ValueError, RecursionError, MemoryError) as error:
        return Broken(source, _reason(error), digest=digest)
    names = names_of(tree.body, package=source.package)
    return Module(source, tree, names, tuple(text.splitlines()), digest)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "it can't be read"
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in its declared encoding"
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply"
    return str(error)
