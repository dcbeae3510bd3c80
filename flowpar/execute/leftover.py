"""Processes that an earlier part of a run left behind: daemons, where guard and launcher were killed together.

They carry the run's id in their environment, which a program inherits from the task that started it.
Who holds the run's lock may end them: nothing of the run may be alive then.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_MOST_ROUNDS = 10


def end_leftovers(run_id: str) -> list[int]:
    """Kill every process of a run that is left, but those above this one; return which they were."""
    if not hasattr(os, "pidfd_open") or not _PROC.joinpath("self", "environ").exists():
        return []
    if _carries(os.getpid(), run_id):
        return []  # one of them asks: its own launcher looks like a leftover, too
    spared, ended = _above(os.getpid()), dict[int, None]()
    for _ in range(_MOST_ROUNDS):  # what is killed may have forked a moment before
        fresh = [pid for pid in _carriers(run_id) if pid not in spared and _end(pid, run_id)]
        ended.update(dict.fromkeys(fresh))
        if not fresh:
            break
    return list(ended)


def _carriers(run_id: str) -> Iterator[int]:
    for entry in os.listdir(_PROC):  # noqa: PTH208 - names of all processes
        if entry.isdecimal() and _carries(int(entry), run_id):
            yield int(entry)


def _carries(pid: int, run_id: str) -> bool:
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # it is gone, a zombie, or somebody else's
    return f"FLOWPAR_RUN_ID={run_id}".encode() in variables


def _end(pid: int, run_id: str) -> bool:
    with suppress(OSError):
        held = os.pidfd_open(pid)
        try:
            # Looked at once more while it is held: its number cannot pass to a stranger any more.
            if _carries(pid, run_id):
                signal.pidfd_send_signal(held, signal.SIGKILL)
                return True
        finally:
            os.close(held)
    return False


def _above(pid: int) -> set[int]:
    above = set()
    while pid > 0:
        above.add(pid)
        try:
            stat = (_PROC / str(pid) / "stat").read_bytes()
        except OSError:
            break
        pid = int(stat.rpartition(b")")[2].split()[1])
    return above
