"""How many processes the limits of this machine allow at once."""

from __future__ import annotations

import os
from contextlib import suppress

from flowpar.core.errors import MachineError

# Two pipes for each attempt that runs, two for one that is being started, and a pipe or two of
# multiprocessing's where it is asked to spawn; beside them journal, logs, sockets and what we import.
_EACH = 3
_RESERVE = 16


def fit_to_descriptors(workers: int) -> int:
    """Return how many of `workers` may run at once; raises `MachineError` where not even one may.

    Raises the soft limit of open files of this process (tasks keep theirs) as far as is needed
    and allowed.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return workers
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _count_open() + _RESERVE + _EACH * (workers + 1)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(raised, soft), hard))
            soft = max(raised, soft)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return workers
    fitting = (soft - _count_open() - _RESERVE) // _EACH - 1
    if fitting < 1:
        raise MachineError(
            f"this process may open only {soft} files, too few to run a task",
            hint=f"raise the limit, as with ulimit -n {max(256, wanted)}",
        )
    return min(workers, fitting)


def _count_open() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    except OSError:
        return 16
