"""The file that was probably meant where there is none of that name: a look into one folder, and no further."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from flowpar.core.suggest import nearest

_MOST_ENTRIES = 1_000
_MOST_NAMED = 3
_SUFFIXES = (".yaml", ".yml")


def file_meant(path: str) -> str | None:
    """Return a hint for the path of a workflow at which there is no file; None where nothing is like it."""
    place = Path(path)
    if _is_folder(place):
        names = _workflows(place)
        if not names:
            return "give a workflow file"
        more = ", …" if len(names) > _MOST_NAMED else ""
        return f"give a file in it: {', '.join(names[:_MOST_NAMED])}{more}"
    names = _workflows(place.parent)
    near = next((name for name in names if name.rpartition(".")[0] == place.name), None) or nearest(place.name, names)
    return None if near is None else f'did you mean "{place.parent / near}"?'


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):  # one that may not be looked into, a name that no file can have
        return False


def _workflows(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in islice(entries, _MOST_ENTRIES) if one.name.endswith(_SUFFIXES))
    except OSError:
        return []
