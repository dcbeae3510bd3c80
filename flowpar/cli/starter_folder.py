"""Files that a command writes for its user into a folder where nothing of these names is yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.errors import MachineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def refuse_to_overwrite(folder: Path, names: Iterable[str], *, command: str) -> None:
    """Raise UsageError where the folder is no folder or a name is taken; `command` shows how to name another."""
    place = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 - says no where Path.is_dir raises
        raise UsageError(f'"{place}" is not a folder', hint=f"name a new or an empty one: {command}")
    taken = [name for name in names if os.path.lexists(folder / name)]
    if taken:
        raise UsageError(f'"{folder / taken[0]}" is there already', hint=f"choose an empty folder: {command}")


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts by name, folders included; raises MachineError where the machine does not let it."""
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise MachineError(f'cannot write to "{folder}": {(error.strerror or str(error)).lower()}') from error
