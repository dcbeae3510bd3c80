"""A person at a terminal: a real pseudo-terminal, at which a shell or a command runs, is typed at and read."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

_PATIENCE_S = 60.0


class Terminal:
    """Runs one command, whose terminal it is, and ends it with all that it started."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        # What begins the session takes the terminal for its own, so that Ctrl-C is a signal.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKES_TERMINAL, *command],
            cwd=folder,
            env={**environment, "TERM": "xterm", "COLUMNS": "200"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def expect(self, text: str) -> str:
        """Wait until a text appears; return what came before it."""
        deadline = time.monotonic() + _PATIENCE_S
        while text not in self.seen:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come: {self.seen!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def end(self) -> tuple[int, str]:
        """Wait for the end of the command; return its exit code and the rest of what it said."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(_PATIENCE_S), self.seen

    def _read(self, patience_s: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, patience_s))
        try:
            data = os.read(self._ours, 65536) if ready else b""
        except OSError:  # nobody is left at the other end
            return False
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


_TAKES_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
