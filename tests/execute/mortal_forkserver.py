"""Preloaded by a launcher and its forkserver: kills the forkserver, once, at the moment that `MORTAL_AT` names.

made       the launcher has made the order, the forkserver has not seen it
connect    the launcher is about to connect to the forkserver
connected  the launcher has connected
sent       the launcher has sent what the new process is to inherit
fork       the forkserver is about to fork
forked     the forkserver has forked, and has told nobody
begun      the same, once the task has begun
told       the launcher knows the process
"""

from __future__ import annotations

import os
import signal
import socket
import time
from multiprocessing import forkserver, reduction, spawn
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable

OF_FORKSERVER = ("fork", "forked", "begun")


def is_first(folder: Path) -> bool:
    """Whether this is the first time that the moment has come."""
    try:
        (folder / "killed").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def forkserver_pid() -> int | None:
    pid: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # noqa: SLF001
    return pid


def kill_forkserver() -> None:
    """Kill the forkserver of this launcher, and wait until it is dead."""
    pid = forkserver_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def beset_launcher(moment: str, folder: Path) -> None:
    """Have one function of the standard library kill the forkserver before or after its work."""

    def beset(owner: Any, name: str, *, after: bool) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def deadly(*arguments: Any, **named: Any) -> Any:
            strikes = forkserver_pid() is not None and is_first(folder)
            if strikes and not after:
                kill_forkserver()
            result = real(*arguments, **named)
            if strikes and after:
                kill_forkserver()
            return result

        setattr(owner, name, deadly)

    match moment:
        case "made":
            beset(spawn, "get_preparation_data", after=True)
        case "connect" | "connected":
            mortal = type("MortalSocket", (socket.socket,), {})
            beset(mortal, "connect", after=moment == "connected")
            forkserver.socket.socket = mortal  # type: ignore[attr-defined]
        case "sent":
            beset(reduction, "sendfds", after=True)
        case "told":
            beset(forkserver, "read_signed", after=True)


def beset_forkserver(moment: str, folder: Path) -> None:
    """Have the next fork kill the forkserver."""

    def strike() -> None:
        if not is_first(folder):
            return
        file = folder / "begun"
        while moment == "begun" and not (file.exists() and file.stat().st_size):
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "fork":
        os.register_at_fork(before=strike)
    else:
        os.register_at_fork(after_in_parent=strike)


def beset(moment: str, folder: Path) -> None:
    is_launcher = tree.name_of(os.getpid()) == "flowpar:launch"
    if is_launcher:
        beset_launcher(moment, folder)
    elif moment in OF_FORKSERVER:
        beset_forkserver(moment, folder)


if "MORTAL_AT" in os.environ:
    beset(os.environ["MORTAL_AT"], Path(os.environ["MORTAL_IN"]))
