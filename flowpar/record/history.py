"""The runs of a state folder: which there are, which one is meant, and how one is removed.

last | <id> | <beginning of an id> | <path of a run folder>   ──find_run──►   its folder
"""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from flowpar.core.errors import StateError, UsageError
from flowpar.core.suggest import nearest
from flowpar.record.lock import Lock, holder
from flowpar.record.reading import JOURNAL
from flowpar.record.run_id import begun_order, is_run_id

if TYPE_CHECKING:
    from pathlib import Path

_REMOVED = ".removed-"
_SHOWN = 4
_BEGINNING_S = 60.0


def run_ids(state_dir: Path) -> list[str]:
    """Return the ids of all runs in the order in which they began; nothing where there is no state folder."""
    try:
        with os.scandir(state_dir / "runs") as found:
            names = [entry.name for entry in found if is_run_id(entry.name) and entry.is_dir(follow_symlinks=False)]
            return sorted(names, key=begun_order)
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        message = f'state folder "{state_dir}" is a file, not a folder'
        raise StateError(message, hint="choose another one with --state-dir") from error
    except OSError as error:
        raise StateError(f'cannot read "{state_dir}": {(error.strerror or str(error)).lower()}') from error


def find_run(state_dir: Path, name: str) -> Path:
    """Return the folder of the run that is meant, or raise `UsageError`."""
    ids = run_ids(state_dir)
    if name in ids:
        return state_dir / "runs" / name
    if name == "last" and ids:
        return state_dir / "runs" / ids[-1]
    begun = [known for known in ids if known.startswith(name)] if name else []
    if len(begun) == 1:
        return state_dir / "runs" / begun[0]
    if begun:
        more = f" and {len(begun) - _SHOWN} more" if len(begun) > _SHOWN else ""
        raise UsageError(f'"{name}" begins the ids of {", ".join(begun[:_SHOWN])}{more}', hint="give more of the id")
    folder = _folder_of(state_dir, name)
    if folder is not None:
        return folder
    raise _unknown(state_dir, name, ids)


def is_young(run_dir: Path, now: float) -> bool:
    """Whether a folder without a journal may be a run that is just beginning."""
    try:
        return not (run_dir / JOURNAL).exists() and now - run_dir.stat().st_mtime < _BEGINNING_S
    except OSError:
        return True


def last_activity(run_dir: Path) -> float:
    """Return when something was written about a run last, in seconds since the epoch."""
    for path in (run_dir / JOURNAL, run_dir):
        try:
            return path.stat(follow_symlinks=False).st_mtime
        except OSError:
            continue
    return 0.0


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder hold."""
    sizes = (
        os.stat(os.path.join(parent, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118 - of thousands
        for parent, _, names in os.walk(folder)
        for name in names
    )
    try:
        return sum(sizes)
    except OSError:
        return 0  # somebody else removes it, too


def remove_run(run_dir: Path) -> None:
    """Remove a run that nobody uses, whole or not at all as far as listings go; raises `StateError`."""
    if is_young(run_dir, time.time()):
        raise StateError(f'the run in "{run_dir}" is just beginning')
    with Lock.take(run_dir):
        doomed = run_dir.with_name(f"{_REMOVED}{run_dir.name}")
        try:
            run_dir.rename(doomed)
            _remove(doomed)
        except OSError as error:
            raise StateError(f'cannot remove "{run_dir}": {(error.strerror or str(error)).lower()}') from error


def finish_removals(state_dir: Path) -> None:
    """Remove what removals that were cut off have left."""
    try:
        names = [entry.name for entry in os.scandir(state_dir / "runs") if entry.name.startswith(_REMOVED)]
        for name in names:
            if holder(state_dir / "runs" / name) is None:
                _remove(state_dir / "runs" / name)
    except OSError:
        return  # it is out of sight already, and the next time tries again


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # A task took its own rights to a folder away; they are given back to be able to remove it.
        for parent, names, _ in os.walk(folder):
            for name in names:
                inner = os.path.join(parent, name)  # noqa: PTH118 - as os.walk gives it
                if not os.path.islink(inner):  # noqa: PTH114
                    os.chmod(inner, 0o700)  # noqa: PTH101
        shutil.rmtree(folder)


def _folder_of(state_dir: Path, name: str) -> Path | None:
    if not name or "\0" in name:
        return None
    folder = type(state_dir)(name)
    try:
        return folder if (folder / JOURNAL).is_file() else None
    except OSError:
        return None


def _unknown(state_dir: Path, name: str, ids: list[str]) -> UsageError:
    if not ids:
        return UsageError(
            f'there is no run "{name}", and none at all in "{state_dir}"',
            hint="flowpar run FILE makes one; --state-dir says where to look",
        )
    near = nearest(name, [*ids, "last"])
    return UsageError(
        f'there is no run "{name}"',
        hint=f'did you mean "{near}"?' if near else 'flowpar runs lists them, or say "last"',
    )
