"""`flowpar status`: a run seen from another terminal, while it goes on and when it is over, however it ended."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from at_work import Desk


FAILS = """
name: words
tasks:
  load: {python: 'steps:double', with: {n: 1}}
  bad: {python: 'steps:fail', with: {message: "\\e[2Jbad \\e]0;title\\a row"}}
  each:
    for_each: ${{ range(3) }}
    python: steps:double
    with: {n: '${{ each.item }}'}
"""

WAITS = """
name: words
tasks:
  load: {python: 'steps:double', with: {n: 1}}
  nap: {python: 'steps:wait', needs: [load]}
"""

NAPS = '"task.started","task":"nap"'
DEADLINE_S = 60.0


def until(is_met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_met():
        assert time.monotonic() < deadline, "not met in time"
        time.sleep(0.02)


@pytest.fixture
def waiting(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """A run that goes on until it is told to end."""
    desk.write(WAITS)
    command = desk.command("run", "workflow.yaml", "-w", "2")
    with subprocess.Popen(command, cwd=desk.folder, env=desk.environment(), stderr=subprocess.DEVNULL) as process:
        until(lambda: any(NAPS in path.read_text() for path in desk.folder.glob(".flowpar/runs/*/events.jsonl")))
        yield process
        process.terminate()


def test_a_run_that_ended_says_how_and_how_to_go_on(desk: Desk) -> None:
    desk.write(FAILS)
    desk.run("run", "workflow.yaml", "-q")

    once, followed, record = desk.run("status"), desk.run("status", "-f"), desk.run("status", "last", "--json")

    head, failure, end, _, _, way_on = once.stdout.splitlines()
    assert head.startswith("words  ━")
    assert "5/5  1 failed" in head
    assert failure == "  ✗ bad: failed: ValueError: bad row"
    assert end.startswith("failed in ")
    assert way_on.startswith("continue with: flowpar resume ")
    assert "bad: failed: ValueError: bad row" in followed.stdout.splitlines()
    assert followed.stdout.splitlines()[-1] == way_on
    assert (once.returncode, followed.returncode, once.stderr) == (0, 0, "")
    found = json.loads(record.stdout)
    assert (found["status"], found["exit_code"], found["done"], found["running"]) == ("failed", 1, 5, [])


def test_a_run_that_goes_on_is_shown_and_so_is_that_it_was_killed(desk: Desk, waiting: subprocess.Popen[bytes]) -> None:
    running = desk.run("status")
    record = json.loads(desk.run("status", "--json").stdout)
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()
    until(lambda: json.loads(desk.run("status", "--json").stdout)["status"] != "running")
    killed = desk.run("status", "--follow")

    assert "1/2  1 running" in running.stdout
    assert running.stdout.splitlines()[-1].startswith("running (process ")
    assert [task["task"] for task in record["running"]] == ["nap"]
    assert killed.stdout.splitlines()[-2] == "interrupted (crashed)"
    assert killed.stdout.splitlines()[-1].startswith("continue with: flowpar resume ")


def test_a_run_is_followed_on_a_terminal_until_it_ends(desk: Desk, waiting: subprocess.Popen[bytes]) -> None:
    parent, child = pty.openpty()
    environment = desk.environment(TERM="xterm")
    with subprocess.Popen(desk.command("status", "-f"), cwd=desk.folder, env=environment, stdout=child) as follower:
        os.close(child)
        seen = b""
        while b"nap" not in seen:
            seen += os.read(parent, 4096)
        waiting.send_signal(signal.SIGINT)
        while b"continue with" not in seen:
            seen += os.read(parent, 4096)
        os.close(parent)

        assert follower.wait(DEADLINE_S) == 0
    assert b"interrupted in" in seen
    assert b"\x1b[?25l" not in seen


def test_a_run_that_was_resumed_and_cut_off_does_not_show_its_first_end(desk: Desk) -> None:
    desk.write(FAILS)
    desk.run("run", "workflow.yaml", "-q")
    desk.run("resume", "-q")
    journal = desk.newest_run() / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    resumed = next(at for at, line in enumerate(lines) if b'"run.resumed"' in line)
    journal.write_bytes(b"".join(lines[: resumed + 1]))

    head, *end = desk.run("status").stdout.splitlines()

    assert "2/3" in head
    assert "failed" not in head
    assert end[0] == "interrupted (crashed)"
    assert end[-1].startswith("continue with: ")


@pytest.mark.parametrize("damage", [b'{"torn', b"\x00\x1b[2J\n", b""])
def test_a_journal_that_was_cut_short_is_shown_as_far_as_it_is_good(desk: Desk, damage: bytes) -> None:
    desk.write(FAILS)
    desk.run("run", "workflow.yaml", "-q")
    journal = desk.newest_run() / "events.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:5]) + damage)

    done = desk.run("status")

    assert (done.returncode, done.stderr) == (0, "")
    assert "interrupted (crashed)" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_damaged_journal_is_told(desk: Desk) -> None:
    desk.write(FAILS)
    desk.run("run", "workflow.yaml", "-q")
    journal = desk.newest_run() / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:4], b"rubbish\n", *lines[4:]]))

    done = desk.run("status", "-f")

    assert done.returncode == 3
    assert "damaged: the journal is corrupt at record 5" in done.stdout


def test_what_is_no_run_is_told_as_everywhere(desk: Desk) -> None:
    (desk.folder / "foreign").mkdir()

    for name in ("last", "foreign", "\x1b[2J"):
        done = desk.run("status", name)

        assert done.returncode == 2
        assert "there is no run" in done.stderr
        assert "\x1b" not in done.stderr
