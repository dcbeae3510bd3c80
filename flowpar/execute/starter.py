"""How the launcher brings a process into being: a multiprocessing Process of a named start method.

Under fork and spawn multiprocessing's own Popen is replaced where it does not suit a launcher:

* it reaps children whenever another one is started, which loses their CPU time and peak memory:
  here the launcher alone reaps, and tells;
* under fork it makes two pipes for each process and leaks them when fork fails: here all children
  share one "parent sentinel", whose write end the launcher keeps.

Under forkserver the forkserver reaps and tells the exit code through the process's sentinel (`forkserved`).
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing import context, popen_fork, process, util
from typing import TYPE_CHECKING, Any

from flowpar.execute.habitat import move_high
from flowpar.execute.order import Origin
from flowpar.execute.worker import enter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.execute.forkserved import Forkserver
    from flowpar.execute.order import Order


class ForkserverLost(Exception):  # noqa: N818  # it says what became of it
    """The forkserver died while it made a process."""


class _ToldOfItsEnd:
    """Part of a Popen that never asks the kernel whether its process has ended."""

    returncode: int | None

    def poll(self, flag: int = os.WNOHANG) -> int | None:  # noqa: ARG002  # multiprocessing's signature
        """Return the exit code once the launcher has told it."""
        return self.returncode


class _ForkPopen(_ToldOfItsEnd, popen_fork.Popen):
    def __init__(self, process_obj: Any) -> None:
        """Fork, as the base does, but for what is printed before: the launcher holds no half lines back."""
        self.returncode = None
        self.finalizer = None
        self._launch(process_obj)

    def _launch(self, process_obj: Any) -> None:
        self.sentinel = process_obj.heart
        self.pid = os.fork()
        if self.pid:
            return
        try:
            _become(process_obj)
            enter(process_obj.order, process_obj.origin)
        except BaseException:  # noqa: BLE001  # a mistake of ours: there is no frame above that could say it
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)


def _become(child: Any) -> None:
    """Be `child` to multiprocessing: what `Process._bootstrap` does, as far as a fork of the launcher needs it.

    The rest of it is a tenth of what a small task costs. What is as it should be already is not written anew: every
    page that a fork writes to is copied.
    """
    state: Any = process
    state._process_counter = itertools.count(1)  # noqa: SLF001  # multiprocessing has no public way
    state._current_process = child  # noqa: SLF001
    state._parent_process = child.above  # noqa: SLF001
    if state._children:  # noqa: SLF001
        state._children = set()  # noqa: SLF001
    main: Any = threading.main_thread()
    if hasattr(main, "_set_native_id"):
        main._set_native_id()  # noqa: SLF001
    known: Any = util
    if known._finalizer_registry:  # noqa: SLF001
        known._finalizer_registry.clear()  # noqa: SLF001
    if known._afterfork_registry.data:  # noqa: SLF001  # the dict itself, whose length is no call of Python
        known._run_after_forkers()  # noqa: SLF001


class ForkProcess(context.ForkProcess):
    """A process that the launcher forks to carry out `order`; `heart` ends when the launcher does."""

    def __init__(self, order: Order, origin: Origin, name: str, *, above: Any) -> None:
        """Take the order, where it comes from, and what the child's `parent_process()` returns."""
        super().__init__(name=name)
        self.order = order
        self.origin = origin
        self.heart = origin.heart
        self.above = above

    def start(self) -> None:
        """Fork, as the base does; who else was started is the launcher's to know, and not of its forks."""
        self._popen = self._Popen(self)
        self._sentinel = self.heart

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  # multiprocessing's name
        return _ForkPopen(process_obj)


class SpawnProcess(context.SpawnProcess):
    """A fresh interpreter."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  # multiprocessing's name
        # Late: a launcher that forks does without it and the twenty modules it needs.
        from multiprocessing import popen_spawn_posix

        class SpawnPopen(_ToldOfItsEnd, popen_spawn_posix.Popen):
            pass

        return SpawnPopen(process_obj)


class Starter:
    """Starts processes by one method and keeps what their common sentinel needs."""

    def __init__(self, method: str, *, preload: Sequence[str]) -> None:
        """Choose the method; a forkserver imports `preload` once."""
        self.reaps = method != "forkserver"
        self.forks = method == "fork"
        heart, self._heart_end = map(move_high, os.pipe())
        self._origin = Origin(os.getpid(), method, heart, os.sysconf("SC_OPEN_MAX"))
        known: Any = process
        # Each fork is another one; were this one taken apart then, pages would be copied for it.
        self._own = process.current_process()
        self._above = known._ParentProcess(self._own.name, os.getpid(), heart)  # noqa: SLF001
        self._forkserver = None if self.reaps else _forkserver([__name__, *preload])

    def start(self, order: Order, name: str) -> process.BaseProcess:
        """Start a process that carries out `order`; raises OSError where nothing came of it,
        as where the machine has none left, and `ForkserverLost` where something may have.
        """  # noqa: D205  # one sentence of two lines
        try:
            made = self._make(order, name)
            made.start()
        except (OSError, ForkserverLost):
            if self._forkserver is not None:
                with suppress(OSError):
                    self._forkserver.hide()
            raise
        return made

    def _make(self, order: Order, name: str) -> process.BaseProcess:
        match self._origin.start_method:
            case "fork":
                return ForkProcess(order, self._origin, name, above=self._above)
            case "spawn":
                return SpawnProcess(target=enter, args=(order, self._origin), name=name)
            case _:
                assert self._forkserver is not None  # noqa: S101  # the method is forkserver
                server = self._forkserver.running()
                made = self._forkserver.process(enter, (order, replace(self._origin, parent=server)), name)
                made.server = server
                return made

    def close(self) -> None:
        """Give the sentinel back, while nothing has been started."""
        os.close(self._origin.heart)
        os.close(self._heart_end)

    @staticmethod
    def forget(ended: process.BaseProcess, code: int) -> None:
        """Give back what an ended process held."""
        popen: Any = ended._popen  # type: ignore[attr-defined]  # noqa: SLF001  # the only way to tell it
        popen.returncode = code
        ended.close()


def _forkserver(preload: Sequence[str]) -> Forkserver:
    # Late, as above.
    from flowpar.execute.forkserved import Forkserver

    return Forkserver(preload)
