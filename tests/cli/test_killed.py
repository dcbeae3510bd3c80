"""What the user reads when the engine was killed: its guard says so, and how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Desk


WAITING = """tasks:
  mark: {python: "steps:mark", with: {name: begun}}
  long: {needs: [mark], python: "steps:wait"}
"""


def start_and_kill_the_engine(desk: Desk, *options: str, stderr: int = subprocess.PIPE) -> tuple[int, str]:
    desk.write(WAITING)
    run = desk.start("run", "workflow.yaml", *options, stderr=stderr)
    with run:
        tick = threading.Event()
        while not (desk.folder / "begun").exists():
            assert run.poll() is None
            tick.wait(0.02)
        os.kill(int((desk.newest_run() / "lock").read_text()), signal.SIGKILL)
        _, err = run.communicate(timeout=60)
    return run.returncode, err


@pytest.mark.parametrize("more", [(), ("-q",), ("--log-format", "json")], ids=["plain", "quiet", "json"])
def test_the_guard_says_that_the_engine_was_killed_and_how_to_go_on(desk: Desk, more: tuple[str, ...]) -> None:
    code, err = start_and_kill_the_engine(desk, *more)

    assert code == -signal.SIGKILL
    assert err.splitlines()[-1] == (
        f"flowpar: the engine was killed by SIGKILL; continue with: flowpar resume {desk.newest_run().name}"
    )


def test_an_engine_that_was_killed_before_the_run_began_has_no_way_on(desk: Desk) -> None:
    desk.write(WAITING)

    done = desk.run("run", "workflow.yaml", FLOWPAR_CRASH_AT="1")

    assert done.returncode == -signal.SIGKILL
    assert done.stderr.splitlines()[1:] == ["flowpar: the engine was killed by SIGKILL; no task was started"]


def test_a_reader_of_stderr_that_does_not_read_holds_up_nothing(desk: Desk) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"." * 4096):
            pass
    os.set_blocking(writer, True)

    code, _ = start_and_kill_the_engine(desk, "-q", stderr=writer)
    os.close(reader)
    os.close(writer)

    assert code == -signal.SIGKILL
