"""The code of the classes that values name, read from source as that of functions is; only where there are such."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum
from flowpar.schedule.named import NotTold

if TYPE_CHECKING:
    from flowpar.code.module import ModuleFinder
    from flowpar.code.reach import Reaches


class ClassCodes:
    """Answers for one run: classes of the project by their code, those of installed packages not at all."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        """Read nothing yet; the project's modules are in `folders`."""
        self.folders = folders
        self._known: dict[tuple[str, str], str] = {}

    def digest(self, module: str, name: str) -> str:
        """Return the digest of a class of the project, "" for one of an installed package; raises NotTold."""
        if (module, name) not in self._known:
            self._known[module, name] = self._read(module, name)
        return self._known[module, name]

    def _read(self, module: str, name: str) -> str:
        # Late: it takes the syntax of Python apart, and most values are of no class of the project.
        from flowpar.code.module import ModuleSource, is_installed
        from flowpar.code.reached import Reached

        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "flowpar":
            return ""
        found = self._finder.find(module)
        if isinstance(found, ModuleSource) and is_installed(found.file or "".join(found.locations[:1])):
            return ""
        reached = self._reaches.of(f"{module}:{name}")
        if isinstance(reached, Reached):
            return checksum([repr((reached.digest, reached.distributions)).encode()])
        raise NotTold(f'the code of its class "{module}:{name}" cannot be read')

    @cached_property
    def _finder(self) -> ModuleFinder:
        from flowpar.code.module import ModuleFinder

        return ModuleFinder([*self.folders, *sys.path])

    @cached_property
    def _reaches(self) -> Reaches:
        from flowpar.code.library import Library
        from flowpar.code.reach import Reaches

        return Reaches(Library([*self.folders, *sys.path]))
