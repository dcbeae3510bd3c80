"""How a worker ends once its attempt has been made: nothing it started may outlive it.

    what a program does at its end   multiprocessing's finalizers, executors' threads, atexit
    threads                          waited for as long as the task's grace, then ended with the process
    child processes                  killed, those that left for another session included; where they were
                                     asked to end with the task, they get its grace, too

A result that was sent stands, whatever happens here.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from flowpar.execute import tree

_ALARM_SLACK_S = 1.0
_TRACKER_PATIENCE_S = 1.0
_LOOK_EVERY_S = 0.01


def is_anything_left() -> bool:
    """Whether the process can't just end: something has yet to finish, or somebody is still there."""
    return (
        threading.active_count() > 1
        or atexit._ncallbacks() > 0  # noqa: SLF001  # a fork inherits none, see the launcher
        or bool(_finalizers())
        or has_children()
    )


def leave(grace_s: float, *, is_cancelled: bool = False) -> tuple[str, ...]:
    """Finish what a program finishes at its end and end what is left; return what to warn of.

    `is_cancelled`: all of the tree got SIGTERM, and who cleans up after it is let do so.
    """
    # Should anything below hang, the kernel ends this process and the guard what is below it.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, grace_s + _ALARM_SLACK_S)
    deadline = time.monotonic() + grace_s
    expected = _daemonic_children()
    _finish_program(deadline)
    warnings = _await_threads(deadline, grace_s)
    if is_cancelled:
        _await_children(expected, deadline)
    signal.setitimer(signal.ITIMER_REAL, 0)
    warnings += _end_children(expected)
    _remove_temporary_folder()
    return warnings


def _finalizers() -> dict[Any, Any]:
    util: Any = sys.modules.get("multiprocessing.util")
    return util._finalizer_registry if util else {}  # noqa: SLF001  # multiprocessing has no public look at it


def has_children() -> bool:
    """Whether this process has any child, ended ones included; much cheaper than a list of them."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _daemonic_children() -> set[int]:
    """Return the children that Python itself would end without a word: pool workers and helpers."""
    process: Any = sys.modules["multiprocessing.process"]
    pids = {child.pid for child in process.active_children() if child.daemon}
    if forkserver := sys.modules.get("multiprocessing.forkserver"):
        pids.add(forkserver._forkserver._forkserver_pid)  # noqa: SLF001
    if tracker := sys.modules.get("multiprocessing.resource_tracker"):
        pids.add(tracker._resource_tracker._pid)  # noqa: SLF001
    return {pid for pid in pids if pid}


def _finish_program(deadline: float) -> None:
    """Do what Python does at the end of a program, as far as it gets in time."""
    with suppress(Exception):  # the task's own clean-up code runs here
        if _finalizers():
            sys.modules["multiprocessing.util"]._run_finalizers(0)  # noqa: SLF001
    if threads := sys.modules.get("concurrent.futures.thread"):
        # It joins the threads of executors nobody shut down, with no limit of time: do so aside.
        farewell = threading.Thread(target=threads._python_exit, daemon=True)  # noqa: SLF001
        farewell.start()
        farewell.join(max(0.0, deadline - time.monotonic()))
    with suppress(Exception):  # the same
        atexit._run_exitfuncs()  # noqa: SLF001  # newer Pythons do it in every multiprocessing child


def _await_threads(deadline: float, grace_s: float) -> tuple[str, ...]:
    me = threading.current_thread()
    waiting = [thread for thread in threading.enumerate() if thread is not me and not thread.daemon]
    for thread in waiting:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = [thread.name for thread in waiting if thread.is_alive()]
    if not late:
        return ()
    names = ", ".join(f'"{name}"' for name in late[:3]) + (", …" if len(late) > len(late[:3]) else "")
    return (f"left {_count(late, 'thread')} running ({names}); ended after {grace_s:g} s",)


def _await_children(expected: set[int], deadline: float) -> None:
    while _children_left(expected) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)


def _children_left(expected: set[int]) -> list[int]:
    known = expected | {pid for helper in expected for pid in tree.descendants(helper)}
    return [pid for pid in tree.descendants(os.getpid()) if pid not in known and tree.is_alive(pid)]


def _end_children(expected: set[int]) -> tuple[str, ...]:
    tracker = _tracker_pid()
    spare = frozenset({tracker} if tracker else ())
    left = _children_left(expected)
    names = ", ".join(f'"{tree.name_of(pid)}" (pid {pid})' for pid in left[:3]) + (", …" if left[3:] else "")
    tree.kill_descendants(spare=spare)
    if tracker:
        _dismiss_tracker(tracker)
    return (f"left {_count(left, 'process')} running, now killed: {names}",) if left else ()


def _remove_temporary_folder() -> None:
    """Remove the folder of multiprocessing's sockets; its own finalizer would run only after those that may hang."""
    process: Any = sys.modules["multiprocessing.process"]
    if folder := process.current_process()._config.get("tempdir"):  # noqa: SLF001
        sys.modules["shutil"].rmtree(folder, ignore_errors=True)


def _tracker_pid() -> int | None:
    tracker: Any = sys.modules.get("multiprocessing.resource_tracker")
    pid = tracker._resource_tracker._pid if tracker else None  # noqa: SLF001
    return pid if pid in tree.children_of(os.getpid()) else None


def _dismiss_tracker(pid: int) -> None:
    """Let multiprocessing's resource tracker remove what the task forgot; it ends when nobody holds its pipe."""
    tracker: Any = sys.modules["multiprocessing.resource_tracker"]
    with suppress(OSError, TypeError):
        os.close(tracker._resource_tracker._fd)  # noqa: SLF001
    until = time.monotonic() + _TRACKER_PATIENCE_S
    with suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                tree.kill_descendants()
                return
            time.sleep(0.002)


def _count(found: list[Any], noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"a {noun}" if len(found) == 1 else f"{len(found)} {plural}"
