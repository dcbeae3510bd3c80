"""The template: imports packages once, so that attempts which need them are forked from what is there already.

    serve ─► lay_around ─► import one after another ─► READY ─► a launcher's loop, until the engine hangs up
                              └─ LOADING before each; UNFIT where one must not stay, and the end

It imports installed packages only, never the project's own modules, and uses nothing of them. What can't be
forked is not kept: threads, child processes, open files. As an import can't be undone, another template starts
without the package.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.execute import tree
from flowpar.execute.control import Preload, Word, pack_unfit
from flowpar.execute.habitat import IGNORED_BY_LAUNCHER
from flowpar.execute.launcher import Launcher
from flowpar.execute.pages import enlarge
from flowpar.execute.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Of an allocator that pyarrow, pandas and scikit-learn bring: it starts it again in a fork.
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})
_THREADS = Path("/proc/self/task")
# A thread that was joined is seen for a moment after.
_THREAD_PATIENCE_S = 0.2


def serve(preload: Preload, shared: bytes, control: int, output: int) -> None:
    """Import what is to be preloaded for a run, printing to `output`; start attempts for whom `control` leads to."""
    for number in IGNORED_BY_LAUNCHER:
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=control))
    gc.disable()  # as in the launcher; it would look through all that was imported, again and again
    with _printing_to(output), _surrounded(preload.around, shared):
        loader = _Loader(preload.folders, preload.patience_s)
        for module in preload.modules:
            with suppress(ConnectionError):  # the loop will find that the engine is gone
                channel.send(Word.LOADING, module.encode())
            is_imported, problem = loader.load(module)
            if problem:
                with suppress(ConnectionError):
                    channel.send(Word.UNFIT, pack_unfit(module, problem, is_said_by_tasks=not is_imported))
                return
    _import_what_follows()
    _seed_children_afresh()
    gc.freeze()
    enlarge()
    life, _life_end = os.pipe()
    Launcher(channel, life=life, guard=0).run()


class _Loader:
    """Imports modules and sees what each leaves behind."""

    def __init__(self, folders: Sequence[str], patience_s: float) -> None:
        """Know what is there before."""
        self._folders = folders
        self._patience_s = patience_s
        self._descriptors = _descriptors()
        self._modules = set(sys.modules)

    def load(self, module: str) -> tuple[bool, str]:
        """Import a module; return whether that succeeded, and why it must not stay, "" where it may."""
        # The signal ends this process: there is no other way out of an import that hangs in C.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self._patience_s)
        try:
            import_module(module)
        except BaseException as error:  # noqa: BLE001  # whatever it does: a task that imports it will say it
            return False, f"{type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return True, self._left_behind()

    def _left_behind(self) -> str:
        if threads := _lasting_threads():
            plural = "" if len(threads) == 1 else "s"
            # A thread has the name of its process until it gets one.
            named = sorted(set(threads) - {_name_of(str(os.getpid()))})
            names = f" ({', '.join(named)})" if named else ""
            return f"its import leaves {len(threads)} thread{plural} running{names}"
        if tree.children_of(os.getpid()):
            return "its import leaves a process running"
        if _descriptors() - self._descriptors:
            gc.collect()  # it may be open only because nobody has looked whether it is needed
        if _descriptors() - self._descriptors:
            return "its import leaves a file or a connection open"
        tops = {name.partition(".")[0] for name in sys.modules.keys() - self._modules}
        hidden = sorted(top for top in tops if self._is_shadowed(top))
        return f'it imports "{hidden[0]}", and the workflow has a module of that name' if hidden else ""

    def _is_shadowed(self, top: str) -> bool:
        is_namespace = getattr(sys.modules.get(top), "__file__", None) is None
        specs = (PathFinder.find_spec(top, [folder]) for folder in self._folders)
        return any(spec is not None and (is_namespace or spec.origin is not None) for spec in specs)


def _lasting_threads() -> list[str]:
    """Return the names of threads beside this one, once those that are ending are gone."""
    until = time.monotonic() + _THREAD_PATIENCE_S
    while (found := _threads()) and time.monotonic() < until:
        time.sleep(0.005)
    return found


def _threads() -> list[str]:
    names = []
    for entry in _THREADS.iterdir():
        if entry.name != str(os.getpid()):
            with suppress(OSError):  # it has just ended
                names.append(_name_of(entry.name))
    return sorted(name for name in names if name not in _HARMLESS_THREADS)


def _name_of(thread: str) -> str:
    return _THREADS.joinpath(thread, "comm").read_text(errors="replace").strip()


def _descriptors() -> set[int]:
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  # names are all we want
        with suppress(OSError):  # that of the listing
            os.fstat(int(name))
            found.add(int(name))
    return found


@contextmanager
def _printing_to(output: int) -> Iterator[None]:
    """Let what is printed go to a descriptor for a while, and close it."""
    kept = [os.dup(number) for number in (1, 2)]
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a package may have replaced it
                stream.flush()
        for number, duplicate in enumerate(kept, 1):
            os.dup2(duplicate, number)
            os.close(duplicate)


@contextmanager
def _surrounded(around: str, shared: bytes) -> Iterator[None]:
    """Have the environment of tasks around; afterwards only what packages have changed in it stays changed.

    A task evaluates `env` itself, and must find what was there before.
    """
    before = dict(os.environ)
    module, _, name = around.partition(":")
    getattr(import_module(module), name)(shared)
    given = dict(os.environ)
    try:
        yield
    finally:
        after = dict(os.environ)
        for name in given.keys() | after.keys() | before.keys():
            value = after.get(name) if after.get(name) != given.get(name) else before.get(name)
            if value is None:
                os.environ.pop(name, None)
            elif os.environ.get(name) != value:
                os.environ[name] = value


def _import_what_follows() -> None:
    """Import what the standard library puts off to the first use of what has been imported."""
    if "importlib.resources" in sys.modules:
        # For data that lies in packages: 4 ms in each attempt.
        import_module("importlib.readers")
        import_module("importlib.resources.readers")


def _seed_children_afresh() -> None:
    """Let each attempt draw other random numbers, as it would had it imported numpy itself; Python's own does so."""
    me = os.getpid()

    def seed() -> None:
        numbers = sys.modules.get("numpy.random")
        if os.getppid() == me and numbers is not None:
            numbers.seed()

    os.register_at_fork(after_in_child=seed)
