"""Processes by way of multiprocessing's forkserver, which may be killed at any moment, as any process may.

    launcher ── order ──► forkserver ── fork ──► process
    launcher ◄─ its pid, its exit code ───┘

dead before it has taken an order   OSError: nothing came of it, another forkserver may take it
dead while it makes a process       `ForkserverLost`: the process may be there and have begun
dead later                          the kernel kills what it has made, and that counts as killed

It listens at a socket in a folder of its own, out of other users' reach, that is unlinked as soon as it
stands: whatever is killed later leaves no folder behind.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import suppress
from multiprocessing import connection, context, forkserver, popen_forkserver, process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.execute.habitat import move_high
from flowpar.execute.starter import ForkserverLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_END_PATIENCE_S = 2.0
_LOOK_EVERY_S = 0.001
_LONGEST_FOLDER = 70  # the path of a socket, which is 32 bytes longer, is 103 bytes at most, with Linux 107
_SHORT_FOLDER = "/tmp"  # noqa: S108  # a private folder is made in it
_WITHOUT_READING = getattr(os, "O_PATH", None)


class Forkserver:
    """Keeps multiprocessing's forkserver, of which a process has one, where its socket's name is gone."""

    def __init__(self, preload: Sequence[str]) -> None:
        """Have it import modules once, when it is started."""
        forkserver.set_forkserver_preload(list(preload))
        if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER and Path(_SHORT_FOLDER).is_dir():
            tempfile.tempdir = _SHORT_FOLDER  # of the launcher alone: what it starts reads TMPDIR itself
        self._server: Any = forkserver._forkserver  # noqa: SLF001  # no public way
        self._socket = -1

    def running(self) -> int:
        """Start it where it does not run; return its pid."""
        forkserver.ensure_running()
        self.hide()
        pid: int = self._server._forkserver_pid  # noqa: SLF001
        return pid

    @staticmethod
    def process(target: Callable[..., object], arguments: tuple[object, ...], name: str) -> ForkserverProcess:
        """Return a process that is not started yet."""
        return ForkserverProcess(target=target, args=arguments, name=name)

    def hide(self) -> None:
        """Unlink the socket of one that was started, to which a descriptor leads all the same.

        multiprocessing starts one by itself, too, where the one before it died between `running` and an order.
        """
        # What a task makes in its own temporary folder does not belong in the launcher's, which it would remove, too.
        folder = process.current_process()._config.pop("tempdir", None)  # type: ignore[attr-defined]  # noqa: SLF001
        if _WITHOUT_READING is None or folder is None:
            return
        address = self._server._forkserver_address  # noqa: SLF001
        if address is not None and Path(address).parent == Path(folder):
            number = move_high(os.open(address, _WITHOUT_READING | os.O_CLOEXEC))
            if self._socket >= 0:
                os.close(self._socket)
            self._socket = number
            self._server._forkserver_address = f"/proc/self/fd/{number}"  # noqa: SLF001
        for name in Path(folder).iterdir():
            name.unlink()  # there is another one where a forkserver could not be started
        Path(folder).rmdir()


class _Popen(popen_forkserver.Popen):
    """Knows which forkserver made it, and how that one's death is told from an exit code."""

    def _launch(self, process_obj: Any) -> None:
        self.server = process_obj.server
        try:
            super()._launch(process_obj)  # type: ignore[misc]  # not in its stub
        except EOFError as error:
            _await_end(self.server)
            raise ForkserverLost("the forkserver died while it started the process") from error
        if forkserver._forkserver._forkserver_pid != self.server:  # type: ignore[attr-defined]  # noqa: SLF001
            # Its order names another parent, so it ends without a word.
            raise ConnectionResetError("the forkserver died before it started the process")

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """Return the exit code; a process dies with its forkserver."""
        if self.returncode is None and connection.wait([self.sentinel], 0 if flag == os.WNOHANG else None):
            try:
                self.returncode = forkserver.read_signed(self.sentinel)
            except (OSError, EOFError):
                _await_end(self.server)
                self.returncode = -signal.SIGKILL
        return self.returncode


class ForkserverProcess(context.ForkServerProcess):
    """A process that the forkserver with the pid `server` makes."""

    server = 0

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  # multiprocessing's name
        return _Popen(process_obj)


def _await_end(pid: int) -> None:
    """Wait until a child whose descriptors are closed is dead: only then its children are, or are the guard's.

    It stays to be reaped by multiprocessing, which looks whether it lives.
    """
    until = time.monotonic() + _END_PATIENCE_S
    with suppress(ChildProcessError):
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
