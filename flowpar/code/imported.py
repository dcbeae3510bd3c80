"""Which installed packages a project's module brings along: what it imports at top level, transitively.

    steps.model ─► import steps.data  ─► import pandas              of("steps.model") = ("pandas", "sklearn.svm")
                └► from sklearn import svm

Only what is sure to be imported counts: statements of the module's body, those of `try` and `with` included.
What hangs on a condition or stands in a function may never be.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from flowpar.code.library import Module
from flowpar.code.module import NotFound, is_installed
from flowpar.code.names import absolute_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flowpar.code.library import Library

_MOST_MODULES = 512
_NEVER = frozenset({"flowpar", "__future__", "__main__", *sys.stdlib_module_names})


class ImportedPackages:
    """Answers for one search path; each module is asked once."""

    def __init__(self, library: Library) -> None:
        """Read modules by `library`."""
        self._library = library
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, module: str) -> tuple[str, ...]:
        """Return the installed modules that come with a module, in the order of their imports; itself if installed."""
        if module not in self._known:
            self._known[module] = self._walk(_with_packages(module))
        return self._known[module]

    def of_text(self, text: str) -> tuple[str, ...]:
        """Return the installed modules that a script brings along; none where it is no Python."""
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ()
        return self._walk(self._imported(body, ""))

    def is_of_project(self, module: str) -> bool | None:
        """Return whether a module is the project's own, None where there is no such module."""
        if module.partition(".")[0] in _NEVER:
            return False
        source = self._library.find(module)
        return None if isinstance(source, NotFound) else not is_installed(source.file or source.locations[0])

    def _walk(self, names: Iterable[str]) -> tuple[str, ...]:
        installed: dict[str, None] = {}
        waiting = list(names)[::-1]
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_MODULES:
            name = waiting.pop()
            if name in seen or name.partition(".")[0] in _NEVER:
                continue
            seen.add(name)
            is_own = self.is_of_project(name)
            if is_own:
                module = self._library.read(name)
                if isinstance(module, Module) and module.tree is not None:
                    waiting += list(self._imported(module.tree.body, module.source.package))[::-1]
            elif is_own is not None:
                installed[name] = None
        return tuple(installed)

    def _imported(self, body: Sequence[ast.stmt], package: str) -> Iterator[str]:
        """Give the modules that statements are sure to import."""
        for statement in body:
            match statement:
                case ast.Import():
                    for alias in statement.names:
                        yield from _with_packages(alias.name)
                case ast.ImportFrom():
                    module = absolute_module(statement, package)
                    yield from _with_packages(module)
                    # Looked for in the folder first: to look for a module that is not there costs a millisecond.
                    names = [alias.name for alias in statement.names if self._library.may_have(module, alias.name)]
                    yield from (f"{module}.{name}" for name in names)
                case ast.Try() | ast.TryStar() | ast.With():
                    yield from self._imported(statement.body, package)


def _with_packages(name: str) -> tuple[str, ...]:
    """Return a module and the packages around it, which are imported first."""
    parts = name.split(".")
    return tuple(".".join(parts[: end + 1]) for end in range(len(parts)))
