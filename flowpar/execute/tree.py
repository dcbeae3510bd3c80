"""Walking and ending process trees, exactly: what is stopped can't fork, so nothing slips away.

    descendants      every process below one, by /proc/<pid>/task/*/children, else by a scan of /proc
    terminate_tree   TERM to all of a tree, so that each can end politely
    freeze           STOP below a root until no scan finds a new process
    kill_tree        freeze, then KILL all of it
    kill_descendants the same for what is below this process, and reap it

Where there is no /proc, signals go to the root's process group. A root must be a child that nobody
has reaped, so that its number can't have passed to a stranger.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from flowpar.core.point import point

_PROC = Path("/proc")
_HAS_CHILD_LISTS = Path("/proc/self/task").is_dir() and any(_PROC.glob("self/task/*/children"))
_HAS_PROC = Path("/proc/self/stat").exists()


def children_of(pid: int) -> list[int]:
    """Return the child processes of all threads of `pid`, zombies included; empty when it is gone."""
    if not _HAS_CHILD_LISTS:
        return [child for child, parent in _scan_parents().items() if parent == pid]
    children: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  # half the price of iterdir
    except OSError:
        return children
    for thread in threads:
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as listing:  # noqa: PTH123
            children.extend(map(int, listing.read().split()))
    return children


def descendants(root: int) -> list[int]:
    """Return every process below `root`, parents before their children."""
    if not _HAS_CHILD_LISTS:
        return descendants_by_scan(root)
    found: list[int] = []
    seen = {root}
    queue = [root]
    for pid in queue:
        fresh = [child for child in children_of(pid) if child not in seen]
        seen.update(fresh)
        found.extend(fresh)
        queue.extend(fresh)
    return found


def descendants_by_scan(root: int) -> list[int]:
    """Return every process below `root` where the kernel keeps no lists of children; costs a look at all processes."""
    parents = _scan_parents()
    found: list[int] = []
    level = {root}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        found.extend(sorted(level))
    return found


def _scan_parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    if not _HAS_PROC:
        return parents
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdecimal():
            with suppress(OSError, ValueError, IndexError), open(f"/proc/{entry}/stat", "rb") as stat:  # noqa: PTH123
                # The name in parentheses may hold anything, parentheses included.
                parents[int(entry)] = int(stat.read().rpartition(b")")[2].split()[1])
    return parents


def name_of(pid: int) -> str:
    """Return the name of a process for people, or "?" when it is gone."""
    try:
        return _PROC.joinpath(str(pid), "comm").read_text(errors="replace").strip()
    except OSError:
        return "?"


def is_alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123
            return stat.read().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    except OSError:
        return False


def send(pid: int, number: int) -> bool:
    """Signal one process; return whether it was there."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def terminate_tree(root: int) -> None:
    """Ask `root` and every process below it to end."""
    if not _HAS_PROC:
        _signal_group(root, signal.SIGTERM)
        return
    # The root first: what its own clean-up does to its children should find them as they were.
    for pid in [root, *descendants(root)]:
        send(pid, signal.SIGTERM)


def freeze(root: int, *, spare: frozenset[int] = frozenset(), deadline_s: float = 5.0) -> list[int]:
    """Stop every process below `root` but the trees of `spare`; return all of them.

    A stopped process can't fork: its pending STOP makes the kernel restart a fork that has begun.
    So once a scan finds nobody new, nobody is left. The deadline is for a fork bomb that is
    faster than we are; whoever kills then comes back for the rest.
    """
    frozen: dict[int, None] = {}
    spared = set(spare)
    until = time.monotonic() + deadline_s
    while True:
        fresh = [pid for pid in _below(root, spared) if pid not in frozen]
        if not fresh or time.monotonic() > until:
            return list(frozen)
        for pid in fresh:
            send(pid, signal.SIGSTOP)
            frozen[pid] = None


def _below(root: int, spared: set[int]) -> list[int]:
    if not spared:
        return descendants(root)
    found: list[int] = []
    queue = [root]
    for pid in queue:
        fresh = [child for child in children_of(pid) if child not in spared]
        found.extend(fresh)
        queue.extend(fresh)
    return found


def kill_tree(root: int) -> None:
    """End `root`, a child of this process, and every process below it at once."""
    if not _HAS_PROC:
        _signal_group(root, signal.SIGKILL)
        return
    send(root, signal.SIGSTOP)
    # The root goes last: while it lives, orphans of what we kill stay below it.
    for pid in freeze(root):
        send(pid, signal.SIGKILL)
    send(root, signal.SIGKILL)


def kill_descendants(*, spare: frozenset[int] = frozenset(), deadline_s: float = 3.0) -> list[int]:
    """End every process below this one but `spare` and what is below it, and reap them; return whom.

    This process must be a subreaper, or orphans escape. A process that is stuck in the kernel
    may outlast the deadline; it is doomed all the same.
    """
    me = os.getpid()
    ended: dict[int, None] = {}
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        doomed = freeze(me, spare=spare) if _HAS_PROC else []
        if doomed:
            point("tree.frozen")
        for pid in doomed:
            ended[pid] = None
            send(pid, signal.SIGKILL)
        if not _reap(spare) and not doomed:
            break
        time.sleep(0.001)
    return list(ended)


def _reap(spare: frozenset[int]) -> bool:
    """Reap dead children that are not spared; return whether others are left."""
    is_any_left = False
    for pid in children_of(os.getpid()):
        if pid in spare:
            continue
        try:
            is_any_left |= os.waitpid(pid, os.WNOHANG)[0] == 0
        except ChildProcessError:
            continue
    return is_any_left


def _signal_group(root: int, number: int) -> None:
    try:
        os.killpg(root, number)
    except (ProcessLookupError, PermissionError):
        send(root, number)
