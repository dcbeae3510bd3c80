"""Packages, imported without what they import for uses that flowpar has none of."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Let the imports in the block find nothing in these packages, which are one, or are parts of one.

    Modules in them can be imported by name. All that was imported of the package is forgotten afterwards, so
    whoever else imports it gets it whole. Where it is there already, or another thread might ask for it, nothing
    is left out.
    """
    package = names[0].partition(".")[0]
    folder = None if package in sys.modules or _has_threads() else _folder_of(package)
    if folder is None:
        yield
        return
    for name in names:
        sys.modules[name] = _empty(name, os.path.join(folder, *name.split(".")[1:]))  # noqa: PTH118 - a start is imports
    try:
        yield
    finally:
        for name in list(sys.modules):
            if name == package or name.startswith(f"{package}."):
                del sys.modules[name]


@contextmanager
def in_place_of(name: str, **held: object) -> Iterator[None]:
    """Let the imports in the block find a module with this and no more under a name, under the same conditions."""
    if name in sys.modules or _has_threads():
        yield
        return
    sys.modules[name] = stand_in = ModuleType(name)
    vars(stand_in).update(held)
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def no_entry_points(**_: object) -> tuple[()]:
    """Say that nothing is installed, in the place of what would ask each distribution."""
    return ()


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _folder_of(package: str) -> str | None:
    spec = PathFinder.find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations
    return next(iter(folders or ()), None)


def _empty(name: str, folder: str) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = [folder]
    vars(module)["__all__"] = ()  # what `import *` takes
    return module
