"""How much memory a process tree has: what it wrote itself, and not the pages of files that it has mapped.

    first look     anonymous, shared and swapped pages of each process, 30 µs each; counts what a fork shares twice
    second look    each page once, divided among those that have it; only where the first one is too much

Where there is no /proc, psutil says how much each process has resident, files included.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowpar.execute import tree
from flowpar.execute.death import over_limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.core.outcome import Failure

_OWN = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
_SHARES = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")
HAS_PROC = os.path.exists("/proc/self/status")  # noqa: PTH110 - once for each launcher


def footprint(root: int, limit_bytes: int) -> int:
    """Return how many bytes a tree has, exactly where that may be more than a limit; 0 where nobody knows."""
    if not HAS_PROC:
        return _resident(root)
    pids = [root, *tree.descendants(root)]
    rough = sum(_of(pid, "status", _OWN) or 0 for pid in pids)
    return rough if rough <= limit_bytes else _exact(pids)


def end_if_over(pid: int, limit_bytes: int) -> Failure | None:
    """End the tree of a child that has more than a limit; return what is to be said of it."""
    peak_bytes = footprint(pid, limit_bytes)
    if peak_bytes <= limit_bytes:
        return None
    tree.kill_tree(pid)
    return over_limit(limit_bytes, peak_bytes)


def _exact(pids: Iterable[int]) -> int:
    found = 0
    for pid in pids:
        share = _of(pid, "smaps_rollup", _SHARES)
        # An old kernel has no such file, and one that just ended has no memory.
        found += (_of(pid, "status", _OWN) or 0) if share is None else share
    return found


def _of(pid: int, name: str, fields: tuple[bytes, ...]) -> int | None:
    """Add up fields of a file of /proc, in bytes; None where it has none of them."""
    found = None
    with suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as lines:  # noqa: PTH123 - twenty times a second
        for line in lines:
            if line.startswith(fields):
                found = (found or 0) + int(line.split()[1]) * 1024
    return found


def _resident(root: int) -> int:
    try:
        psutil: Any = import_module("psutil")  # late: only other systems need it, and a launcher is small
    except ImportError:
        return 0
    found = 0
    with suppress(psutil.Error):
        top = psutil.Process(root)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                found += process.memory_info().rss
    return found
