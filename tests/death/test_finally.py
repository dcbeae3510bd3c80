"""`finally` runs after a Ctrl-C on a terminal, not after a second one, and again after a kill -9 and a resume."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0
CTRL_C = b"\x03"
WORKFLOW = """
flowpar: 1
tasks:
  quick: {shell: echo quick >> ran}
  slow: {needs: [quick], shell: "touch slow; sleep 100 & wait"}
finally:
  tidy: {shell: "echo $STATUS >> tidied; touch tidying; test -e brief || sleep 100", env: {STATUS: "${{ run.status }}"}}
"""
FLOWPAR = [sys.executable, "-m", "flowpar"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return tmp_path


def until(is_met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_met():
        assert time.monotonic() < deadline, "not met in time"
        time.sleep(0.01)


class Typed:
    """`flowpar run` in the foreground of a terminal, and the user at its keys."""

    def __init__(self, folder: Path) -> None:
        self.pid, self._side = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execve(sys.executable, [*FLOWPAR, "run", "w.yaml"], {**os.environ, "TERM": "xterm"})  # noqa: S606
            finally:
                os._exit(127)

    def type(self, keys: bytes) -> None:
        os.write(self._side, keys)

    def end(self) -> int:
        code: list[int] = []

        def is_over() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        os.set_blocking(self._side, False)
        deadline = time.monotonic() + DEADLINE_S
        while not is_over():
            assert time.monotonic() < deadline, "it did not end in time"
            try:
                os.read(self._side, 65536)
            except OSError:
                time.sleep(0.01)
        os.close(self._side)
        return code[0]


def test_ctrl_c_on_a_terminal_ends_the_tasks_and_then_finally_runs(folder: Path) -> None:
    (folder / "brief").touch()
    terminal = Typed(folder)
    until((folder / "slow").exists)

    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert (folder / "tidied").read_text() == "interrupted\n"


def test_a_second_ctrl_c_ends_finally_long_before_its_time(folder: Path) -> None:
    terminal = Typed(folder)
    until((folder / "slow").exists)
    terminal.type(CTRL_C)
    until((folder / "tidying").exists)
    everyone = [terminal.pid, *tree.descendants(terminal.pid)]

    terminal.type(CTRL_C)

    assert terminal.end() == 130
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everyone))


def test_finally_runs_again_after_a_kill_and_a_resume_that_finishes_the_rest(folder: Path) -> None:
    with subprocess.Popen([*FLOWPAR, "run", "w.yaml"], cwd=folder, stderr=subprocess.DEVNULL) as run:
        until((folder / "slow").exists)
        run.send_signal(signal.SIGTERM)
        until((folder / "tidying").exists)
        run.kill()
        run.wait()
    (folder / "w.yaml").write_text(WORKFLOW.replace("touch slow; sleep 100 & wait", "echo slow >> ran"))
    (folder / "brief").touch()

    done = subprocess.run([*FLOWPAR, "resume"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert (folder / "tidied").read_text() == "interrupted\nsucceeded\n"
    assert (folder / "ran").read_text() == "quick\nslow\n"


def test_a_crash_in_finally_runs_on_with_finally_alone(folder: Path) -> None:
    (folder / "w.yaml").write_text(WORKFLOW.replace("touch slow; sleep 100 & wait", "echo slow >> ran"))
    with subprocess.Popen([*FLOWPAR, "run", "w.yaml"], cwd=folder, stderr=subprocess.DEVNULL) as run:
        until((folder / "tidying").exists)
        run.kill()
        run.wait()
    (folder / "brief").touch()

    done = subprocess.run([*FLOWPAR, "resume"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert (folder / "tidied").read_text() == "succeeded\nsucceeded\n"
    assert (folder / "ran").read_text() == "quick\nslow\n"
