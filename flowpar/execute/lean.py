"""What makes a fork of the command a launcher: streams of its own, nothing of the program's main, a frozen heap.

streams  0 reads nothing; 1 is where 2 goes, so that nobody but the engine holds the command's stdout
path     without the folder that Python put in front for the script that was started
main     an empty module, so that no child ever imports the command again
heap     what workers will need is imported once, then frozen: a fork shares its pages
threads  of numeric libraries: one, as there is a process for each cpu
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from flowpar.core.frozen import complete_dataclasses
from flowpar.execute import kernel
from flowpar.execute.cancellation import spare_children
from flowpar.execute.habitat import IGNORED_BY_LAUNCHER, prepare_interpreter, renew_output_streams
from flowpar.execute.share import one_thread_each

if TYPE_CHECKING:
    from collections.abc import Iterable

# By name: a launcher of tests may do without them, and they stand on floors of their own.
_NEEDED_BY_WORKERS = (
    "flowpar.execute.attempt",
    "flowpar.execute.contexts",
    "flowpar.data.codec",
    "flowpar.data.store",
    "flowpar.tasks.python",
    "flowpar.tasks.shell",
    "traceback",
    "linecache",
    "zlib",
)


def become_launcher() -> None:
    """Turn this process, a fresh fork without threads, into what tasks are forked from."""
    kernel.name_process("flowpar:launch")
    for number in IGNORED_BY_LAUNCHER:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _renew_streams()
    _drop_script_folder()
    sys.modules["__main__"] = ModuleType("__main__")
    prepare_interpreter()
    spare_children()
    one_thread_each()
    preload(_NEEDED_BY_WORKERS)
    # Workers run what is registered at their end; what stands here is the command's.
    atexit._clear()  # noqa: SLF001  # the registry has no public side, and multiprocessing does so, too


def preload(modules: Iterable[str]) -> None:
    """Import modules of ours and of the standard library for all workers to come, and freeze the heap."""
    for module in modules:
        with suppress(ImportError):  # a worker that needs it will say so
            import_module(module)
    complete_dataclasses()
    gc.collect()
    gc.freeze()
    gc.disable()


def prepare(attempt: str, shared: bytes) -> None:
    """Let the module that makes attempts get ready for those of one run, where it can."""
    module = sys.modules.get(attempt.partition(":")[0])
    if module is not None and hasattr(module, "prepare"):
        module.prepare(shared)
        gc.freeze()


def _renew_streams() -> None:
    """Read nothing, and write where stderr goes."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    renew_output_streams()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    setattr(sys, "__stdin__", sys.stdin)  # noqa: B010  # final in typeshed


def _drop_script_folder() -> None:
    """Take the folder of the started script, or the current one, off the path where Python put it there."""
    if sys.flags.safe_path or not sys.path:
        return
    first = sys.path.pop(0)
    home = Path(__file__).parents[2]
    if first and Path(first).resolve() == home:
        sys.path.append(first)
