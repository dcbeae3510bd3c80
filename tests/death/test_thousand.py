"""kill -9 of the engine in the middle of a thousand tasks: nothing is lost, nothing done runs twice, nobody is left."""

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
from trial import DEADLINE_S, Trial, left_in_shared_memory, shared_memory

from flowpar.execute import tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    MakeTrial = Callable[..., Trial]

pytestmark = pytest.mark.timeout(300)

TASKS, WORKERS = 1000, 2
# Of each slot the body that ran and the one that had ended and was about to be recorded; and the one held ready.
MOST_AGAIN = 2 * WORKERS + 1
STEPS = """
import os


def square(n: int) -> int:
    number = os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(number, f"{n}\\n".encode())
    os.close(number)
    return n * n


def total(squares: list[int]) -> int:
    return sum(squares)
"""
WORKFLOW = f"""flowpar: 1
name: thousand
tasks:
  square:
    executor: EXECUTOR
    for_each: {{n: "${{{{ range({TASKS}) }}}}"}}
    python: steps:square
    with: {{n: "${{{{ each.n }}}}"}}
  total: {{python: "steps:total", with: {{squares: "${{{{ tasks.square.output }}}}"}}}}
outputs: {{total: "${{{{ tasks.total.output }}}}"}}
"""
UNTOUCHED = {"total": sum(n * n for n in range(TASKS))}


def trial_of(make_trial: Callable[..., Trial], executor: str) -> Trial:
    return make_trial(steps=STEPS, workflow=WORKFLOW.replace("EXECUTOR", executor), is_warm=False)


def engine_of(process: subprocess.Popen[str], trial: Trial) -> int:
    """Return the engine: it holds the lock of the run, and says so in it."""
    (lock,) = trial.folder.glob(".flowpar/runs/*/lock")
    engine = int(lock.read_text())
    assert engine in tree.children_of(process.pid)
    return engine


def come_to(process: subprocess.Popen[str], trial: Trial, count: int) -> None:
    until = time.monotonic() + DEADLINE_S
    while trial.ran().total() < count:
        assert process.poll() is None, "it ended before its time"
        assert time.monotonic() < until, "it did not come so far in time"
        time.sleep(0.005)


def done_in(trial: Trial) -> list[str]:
    records = trial.records()
    return [str(each["item"]) for each in records if each["event"] == "task.succeeded" and each["task"] == "square"]


@pytest.mark.parametrize(
    "executor", ["process", "pool", *(pytest.param(name, marks=pytest.mark.soak) for name in ("thread", "inline"))]
)
def test_a_thousand_tasks_survive_the_death_of_the_engine_in_their_middle(make_trial: MakeTrial, executor: str) -> None:
    before = shared_memory()
    trial = trial_of(make_trial, executor)
    process = trial.start("run", "workflow.yaml", "-w", str(WORKERS), "-q")
    come_to(process, trial, TASKS // 2)

    os.kill(engine_of(process, trial), signal.SIGKILL)

    ended = trial.end_of(process)
    assert trial.survivors(within_s=3.0) == {}
    assert ended.code == -signal.SIGKILL
    done, ran = done_in(trial), trial.ran()
    assert len(done) > TASKS // 4
    assert all(ran[item] == 1 for item in done)
    resumed = trial.command("resume", "-w", str(WORKERS), "--json", "-q")
    assert resumed.code == 0, resumed
    assert json.loads(resumed.stdout) == UNTOUCHED
    again = trial.ran()
    assert {item: again[item] for item in done} == dict.fromkeys(done, 1)
    assert set(again) == {str(n) for n in range(TASKS)}
    assert again.total() - TASKS <= MOST_AGAIN
    assert len(done_in(trial)) == len(set(done_in(trial)))
    assert trial.survivors() == {}
    assert left_in_shared_memory(before) == set()
