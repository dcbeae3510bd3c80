"""What attempts printed: the files in `logs/` of a run folder, and whose they are.

    logs/<number>-<task>[-<item>][.<round>].<attempt>.log

The names tell; the journal decides where a name could be of two.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, replace
from flowpar.record.folder import open_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowpar.record.settled import Settled

_NAME = re.compile(r"(\d{1,18})-([A-Za-z_][A-Za-z0-9_+-]*)(?:\.(\d{1,9}))?\.(\d{1,9})\.log", re.ASCII)


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The log of one attempt; `file` is relative to the run folder."""

    number: int
    task: str
    item: int | None
    attempt: int
    file: str
    size_bytes: int
    round: int = 0


def logs_of(run_dir: Path, settled: Settled) -> list[AttemptLog]:
    """Return the logs of all attempts that printed something, in the order in which they were submitted."""
    owners = dict(_recorded(settled))
    try:
        with os.scandir(run_dir / "logs") as entries:
            names = [
                (entry.name, entry.stat(follow_symlinks=False).st_size)
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []
    found = (_log(name, size_bytes, owners, settled) for name, size_bytes in names)
    return sorted((log for log in found if log is not None), key=lambda log: log.number)


def read_log(run_dir: Path, log: AttemptLog) -> bytes:
    """Return what an attempt printed; a log is at most a few MiB."""
    with os.fdopen(open_inside(run_dir, log.file), "rb") as stream:
        return stream.read()


def _recorded(settled: Settled) -> Iterator[tuple[str, tuple[str, int | None]]]:
    for name, task in settled.tasks.items():
        if task.standing.log_file is not None:
            yield task.standing.log_file, (name, None)
        for item, standing in task.items.items():
            if standing.log_file is not None:
                yield standing.log_file, (name, item)


def _log(name: str, size_bytes: int, owners: dict[str, tuple[str, int | None]], settled: Settled) -> AttemptLog | None:
    def is_fan_out(task: str) -> bool:
        whole = settled.tasks.get(task)
        return whole is not None and whole.item_count is not None

    found = log_named(name, is_fan_out, size_bytes=size_bytes)
    owner = None if found is None else owners.get(found.file)
    return found if found is None or owner is None else replace(found, task=owner[0], item=owner[1])


def log_named(name: str, is_fan_out: Callable[[str], bool], *, size_bytes: int = 0) -> AttemptLog | None:
    """Return whose log a file in `logs/` is by its name, None where it is nobody's."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    task, item = _owner(parts[2], is_fan_out)
    return AttemptLog(int(parts[1]), task, item, int(parts[4]), f"logs/{name}", size_bytes, int(parts[3] or 0))


def _owner(stem: str, is_fan_out: Callable[[str], bool]) -> tuple[str, int | None]:
    stem = stem.replace("+", "/")  # of a sub-workflow
    head, _, tail = stem.rpartition("-")
    return (head, int(tail)) if tail.isdigit() and is_fan_out(head) else (stem, None)
