"""A scene on a terminal of its own: Ctrl-C, Ctrl-Z and a closed window, as a shell's user causes them."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0
CTRL_C, CTRL_Z = b"\x03", b"\x1a"


class Terminal:
    """The user's side of a terminal in which `scene.py` runs in the foreground."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        here = Path(__file__).parent
        environment = {**os.environ, "PYTHONPATH": f"{here.parent / 'execute'}{os.pathsep}{here.parents[1]}"}
        command = [sys.executable, str(here / "scene.py"), "run", str(folder), "fork"]
        self.pid, self._side = pty.fork()
        if self.pid == 0:
            try:
                os.execve(sys.executable, command, environment)  # noqa: S606  # that is the point
            finally:
                os._exit(127)
        self.until((folder / "scene.json").exists)
        self.everyone = [self.pid, *tree.descendants(self.pid)]

    def type(self, keys: bytes) -> None:
        os.write(self._side, keys)

    def close(self) -> None:
        if self._side >= 0:
            os.close(self._side)
            self._side = -1

    def until(self, is_met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < deadline, "not met in time"
            time.sleep(0.005)

    def end(self) -> int:
        """Return the exit code."""
        codes: list[int] = []

        def is_over() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                codes.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        self.until(is_over)
        return codes[0]

    def left(self) -> list[int]:
        until = time.monotonic() + 3
        while (left := [pid for pid in self.everyone if tree.is_alive(pid)]) and time.monotonic() < until:
            time.sleep(0.005)
        return left

    def states(self) -> set[str]:
        """Return in which states the processes are, but for those that wait in vfork for one that stands still."""
        text = (Path(f"/proc/{pid}/stat").read_text() for pid in self.everyone if tree.is_alive(pid))
        return {line.rpartition(")")[2].split()[0] for line in text} - {"D"}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()
    for pid in made.everyone:
        tree.send(pid, signal.SIGKILL)


def test_ctrl_c_reaches_the_engine_once(terminal: Terminal) -> None:
    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert (terminal.folder / "heard").read_text() == "[2]"
    assert terminal.left() == []


def test_ctrl_z_stops_everyone_and_fg_lets_all_go_on(terminal: Terminal) -> None:
    terminal.type(CTRL_Z)
    terminal.until(lambda: terminal.states() == {"T"})
    pid, status = os.waitpid(terminal.pid, os.WUNTRACED)
    assert pid == terminal.pid
    assert os.WIFSTOPPED(status)

    os.killpg(terminal.pid, signal.SIGCONT)

    terminal.until(lambda: "T" not in terminal.states())
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    assert terminal.left() == []


def test_a_closed_window_ends_the_run(terminal: Terminal) -> None:
    terminal.close()

    assert terminal.end() == 129
    assert (terminal.folder / "heard").read_text() == "[1]"
    assert terminal.left() == []
