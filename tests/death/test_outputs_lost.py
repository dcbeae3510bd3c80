"""The process that holds the outputs is killed in the middle of a run: another takes its place, and nobody notices."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import DEADLINE_S, Trial

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(180)

STEPS = """
import time
from pathlib import Path

from flowpar.plugin import TaskContext


def text(n: int) -> str:
    return str(n) * 20_000  # thirty of them are more than travels with a job: they are fetched from the table


def wait(context: TaskContext) -> str:
    Path("waits").touch()
    while not Path("go").exists():
        time.sleep(0.01)
        context.progress(1)
    return "gone on"


def count(texts: list[str], word: str) -> list:
    return [len(texts), sum(map(len, texts)), word]
"""
WORKFLOW = """flowpar: 1
name: lost
tasks:
  text:
    for_each: {n: "${{ range(10, 40) }}"}
    python: steps:text
    with: {n: "${{ each.n }}"}
    executor: EXECUTOR
  wait: {python: "steps:wait", needs: [text], executor: EXECUTOR}
  count:
    python: steps:count
    executor: EXECUTOR
    with: {texts: "${{ tasks.text.output }}", word: "${{ tasks.wait.output }}"}
outputs: {count: "${{ tasks.count.output }}"}
"""
OUTPUTS = {"count": [30, 30 * 40_000, "gone on"]}


def trial_of(make_trial: Callable[..., Trial], executor: str) -> Trial:
    return make_trial(steps=STEPS, workflow=WORKFLOW.replace("EXECUTOR", executor))


def started(trial: Trial) -> subprocess.Popen[str]:
    """Start the run and let it come to the task that waits."""
    process: subprocess.Popen[str] = trial.start("run", "workflow.yaml", "--json")
    await_met((trial.folder / "waits").exists)
    return process


def await_met(is_met: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not is_met():
        assert time.monotonic() < until, "not met in time"
        time.sleep(0.005)


def outputs_of(trial: Trial) -> list[int]:
    return [pid for pid, name in trial.alive().items() if name == "flowpar:outputs"]


def kill_outputs(trial: Trial) -> int:
    """Kill the process of the outputs; return the pid of the one that takes its place."""
    (before,) = outputs_of(trial)
    os.kill(before, signal.SIGKILL)
    await_met(lambda: [pid for pid in outputs_of(trial) if pid != before])
    return before


@pytest.mark.parametrize("executor", ["process", "pool", "thread", "inline"])
def test_the_run_goes_on_with_all_outputs(make_trial: Callable[..., Trial], executor: str) -> None:
    trial = trial_of(make_trial, executor)
    process = started(trial)

    killed = kill_outputs(trial)
    (trial.folder / "go").touch()

    ended = trial.end_of(process)
    assert ended.code == 0, ended
    assert json.loads(ended.stdout) == OUTPUTS
    assert f"flowpar: the process that holds the outputs (pid {killed}) was killed by SIGKILL" in ended.stderr
    assert trial.survivors() == {}


def test_it_may_be_lost_more_than_once(make_trial: Callable[..., Trial]) -> None:
    trial = trial_of(make_trial, "process")
    process = started(trial)

    killed = [kill_outputs(trial) for _ in range(3)]
    (trial.folder / "go").touch()

    ended = trial.end_of(process)
    assert json.loads(ended.stdout) == OUTPUTS
    assert all(f"(pid {pid}) was killed" in ended.stderr for pid in killed)


def test_what_is_lost_again_and_again_ends_the_run_which_can_go_on(make_trial: Callable[..., Trial]) -> None:
    trial = trial_of(make_trial, "process")
    process = started(trial)

    for _ in range(5):
        kill_outputs(trial)
    (last,) = outputs_of(trial)
    os.kill(last, signal.SIGKILL)

    ended = trial.end_of(process)
    assert ended.code == 3, ended
    assert f"(pid {last}) was killed by SIGKILL; without it no task can run" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert trial.survivors() == {}
    (trial.folder / "go").touch()
    assert json.loads(trial.command("resume", "--json").stdout) == OUTPUTS
