"""A fork of the launcher is a process of multiprocessing to all that runs in it, though it is made by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Services write to the standard output; the starter's own process waits for them as the launcher does.
SCRIPT = """
import json, multiprocessing, os, sys
from multiprocessing import util
from flowpar.execute.order import Descriptors, ServiceOrder
from flowpar.execute.starter import Starter

class Hooked:
    told = "nothing"

hooked = Hooked()
{before}
starter = Starter("fork", preload=())
made = starter.start(ServiceOrder({name}, "task:main", (), Descriptors()), "job-7")
_, status = os.waitpid(made.pid, 0)
Starter.forget(made, os.waitstatus_to_exitcode(status))
print("starter", os.getpid(), os.waitstatus_to_exitcode(status), flush=True)
"""
TASK = """
import json, multiprocessing, os, sys, threading

def double(n):
    return multiprocessing.current_process().name, os.getppid(), n * 2

def main():
    hooked = sys.modules["__main__"].hooked
    here, above = multiprocessing.current_process(), multiprocessing.parent_process()
    before = [child.name for child in multiprocessing.active_children()]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        made = pool.apply(double, (21,))
    told = {
        "name": here.name, "pid": here.pid == os.getpid(), "daemon": here.daemon, "children": before,
        "above": above.pid == os.getppid(), "is_above_alive": above.is_alive(), "below": made[0],
        "is_below_ours": made[1] == os.getpid(), "made": made[2], "hook": hooked.told,
        "thread": threading.main_thread().native_id == os.getpid(),
    }
    print(json.dumps(told), flush=True)
"""
HOOKS = """
util.register_after_fork(hooked, lambda each: setattr(each, "told", "forked"))
util.Finalize(None, print, args=("finalized",), exitpriority=1)
"""


def run(tmp_path: Path, *, before: str = "", name: str = "'flowpar:test'") -> tuple[list[str], str]:
    (tmp_path / "task.py").write_text(TASK)
    script = SCRIPT.format(before=before, name=name)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines(), done.stderr


def told(lines: list[str]) -> dict[str, Any]:
    (line,) = [line for line in lines if line.startswith("{")]
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize(("before", "hook"), [("", "nothing"), (HOOKS, "forked")])
def test_a_fork_is_a_process_of_its_own_to_multiprocessing(tmp_path: Path, before: str, hook: str) -> None:
    lines, errors = run(tmp_path, before=before)

    assert errors == ""
    assert told(lines) == {
        "name": "job-7",
        "pid": True,
        "daemon": False,
        "children": [],
        "above": True,
        "is_above_alive": True,
        "below": "ForkPoolWorker-1:1",
        "is_below_ours": True,
        "made": 42,
        "hook": hook,
        "thread": True,
    }
    assert lines[1].split()[0::2] == ["starter", "0"]


def test_what_was_to_be_done_at_the_end_of_the_launcher_is_not_done_by_its_forks(tmp_path: Path) -> None:
    lines, _ = run(tmp_path, before=HOOKS)

    assert lines.count("finalized") == 1
    assert lines[-1] == "finalized"


def test_a_fork_that_cannot_even_begin_says_why_and_ends(tmp_path: Path) -> None:
    lines, errors = run(tmp_path, name="None")

    assert [line.split()[0::2] for line in lines] == [["starter", "1"]]
    assert errors.startswith("Traceback (most recent call last):")
    assert "AttributeError: 'NoneType' object has no attribute 'removeprefix'" in errors
