"""The files that globs match, below a folder: for the key of a task, and for what it wrote."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Matched:
    """Paths of files, sorted, as they are below the folder; `unmatched` are the globs that match nothing."""

    files: tuple[str, ...]
    unmatched: tuple[str, ...]
    links: tuple[str, ...] = ()


def matched(patterns: Iterable[str], folder: str, *, stays_inside: bool = False) -> Matched:
    """Return the files that globs match; of a folder all that is in it.

    Where it `stays_inside`, no link and no file outside the folder counts, and `links` are those that were matched.
    """
    files: set[str] = set()
    links: set[str] = set()
    unmatched = []
    root = os.path.realpath(folder)
    for pattern in patterns:
        found = {os.path.normpath(path) for path in _files(pattern, folder)}
        if stays_inside:
            links |= {path for path in found if not _is_inside(path, folder, root)}
            found = {path for path in found if _is_inside(path, folder, root)}
        if not found:
            unmatched.append(pattern)
        files |= found
    return Matched(tuple(sorted(files)), tuple(unmatched), tuple(sorted(links)))


def _files(pattern: str, folder: str) -> Iterator[str]:
    if not glob.has_magic(pattern):
        paths: Iterable[str] = (pattern,)
    else:
        paths = glob.iglob(pattern, root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207 - texts
    for path in paths:
        full = os.path.join(folder, path)  # noqa: PTH118 - texts
        if os.path.isfile(full):  # noqa: PTH113 - the same
            yield path
        elif os.path.isdir(full):  # noqa: PTH112 - the same
            yield from _below(path, full)


def _below(path: str, full: str) -> Iterator[str]:
    seen = {os.path.realpath(full)}
    for home, inside, names in os.walk(full, followlinks=True):
        # A link that leads back is not followed for ever.
        real = {name: os.path.realpath(os.path.join(home, name)) for name in inside}  # noqa: PTH118 - texts
        inside[:] = [name for name, path in real.items() if path not in seen]
        seen.update(real.values())
        rest = os.path.relpath(home, full)
        for name in names:
            if os.path.isfile(os.path.join(home, name)):  # noqa: PTH113, PTH118 - texts
                yield os.path.join(path, rest, name)  # noqa: PTH118 - the same


def _is_inside(path: str, folder: str, root: str) -> bool:
    full = os.path.join(folder, path)  # noqa: PTH118 - texts
    if os.path.islink(full):  # noqa: PTH114 - the same
        return False
    home = os.path.realpath(os.path.dirname(full))  # noqa: PTH120 - the same
    return home == root or home.startswith(f"{root.rstrip('/')}/")
