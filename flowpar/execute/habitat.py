"""What makes a fresh process a worker: its own session, a watched parent, default signals, few descriptors.

session      setsid, subreaper: what it starts is below it and nobody else's
parent       the kernel kills it when the launcher dies, which is checked once
signals      as Python starts with, whatever the launcher ignores
descriptors  0 reads nothing, 1 and 2 go to the task's log, nothing else but what it was given
"""

from __future__ import annotations

import faulthandler
import fcntl
import io
import multiprocessing
import os
import signal
import sys

# The module under `signal`, which makes no enums of its numbers: every page that a fork writes to is copied, and that
# would be a hundred of them. For that reason what each task calls is imported here by its own name, too.
from _signal import (  # type: ignore[import-not-found]  # typeshed knows only its face
    SIG_DFL,
    SIG_SETMASK,
    SIGINT,
    default_int_handler,
    pthread_sigmask,
    set_wakeup_fd,
)
from _signal import signal as handle
from os import closerange, dup2, getppid, setsid
from typing import TYPE_CHECKING, Any

from flowpar.execute.kernel import adopt_and_die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.execute.order import Origin

# Out of the way of a task that takes the first free numbers for its own.
_HIGH = 200
_ASIDE = _HIGH - 1
IGNORED_BY_LAUNCHER = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
_CHANGED_BY_LAUNCHER = tuple(map(int, (*IGNORED_BY_LAUNCHER, signal.SIGCHLD, signal.SIGTERM)))


def found_session(origin: Origin) -> None:
    """Begin a session of one's own, as a child that does not outlive its parent."""
    setsid()
    # Under forkserver the parent is the forkserver, which dies with the launcher: its descriptors close.
    adopt_and_die_with_parent()
    if getppid() != origin.parent:
        os._exit(1)


def restore_signals() -> None:
    """Undo what the launcher did to signals."""
    set_wakeup_fd(-1)
    for number in _CHANGED_BY_LAUNCHER:
        handle(number, SIG_DFL)
    handle(SIGINT, default_int_handler)
    pthread_sigmask(SIG_SETMASK, ())


def prepare_interpreter() -> None:
    """Give no arguments to whoever looks for some, and see that crashes leave a trace."""
    sys.argv[:] = [""]
    if not faulthandler.is_enabled():
        faulthandler.enable(file=2)


def renew_output_streams() -> None:
    """Open stdout and stderr afresh: those that were there may be closed, captured or half full."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(number, "wb", closefd=False)
        stream = io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def reset_start_method() -> None:
    """Let the task's own multiprocessing start processes as the platform does."""
    multiprocessing.set_start_method(None, force=True)


def leave_forkserver() -> None:
    """See that the task's own multiprocessing starts a forkserver below the task, not beside it."""
    # Late: a launcher that forks does without it and the twenty modules it needs.
    from multiprocessing import forkserver

    server: Any = forkserver._forkserver  # noqa: SLF001  # there is no public way
    if server._forkserver_alive_fd is not None:  # noqa: SLF001
        os.close(server._forkserver_alive_fd)  # noqa: SLF001
    server._forkserver_address = server._forkserver_alive_fd = server._forkserver_pid = None  # noqa: SLF001


def move_high(number: int) -> int:
    """Return a close-on-exec duplicate of a descriptor that is out of the way, and close the original."""
    try:
        high = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:  # the limit of descriptors is below that
        os.set_inheritable(number, False)  # noqa: FBT003  # the stdlib's signature
        return number
    os.close(number)
    return high


def set_aside(number: int) -> int:
    """Do the same in a process that has nothing else up there; `fcntl` tells an error first, whatever it is given."""
    try:
        high = dup2(number, _ASIDE, inheritable=False)
    except OSError:  # the same
        os.set_inheritable(number, False)  # noqa: FBT003  # the same
        return number
    os.close(number)
    return high


def redirect_output(number: int) -> None:
    """Let stdout and stderr of this process, and of what it starts, go to a descriptor."""
    dup2(number, 1)
    dup2(number, 2)
    os.close(number)


def close_all_but(kept: Iterable[int], *, below: int) -> None:
    """Close what a forked process inherited, up to the number that descriptors are `below`, but for 0 to 2."""
    low = 3
    for number in sorted(kept):
        closerange(low, number)
        low = max(low, number + 1)
    closerange(low, max(low, below))
