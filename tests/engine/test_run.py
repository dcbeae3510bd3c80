"""A whole run with real processes: what is in the folder, what is left, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

pytestmark = pytest.mark.timeout(180)

STEPS = """
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

@dataclass
class Box:
    size: int
    name: str = "box"

def numbers(n: int) -> list[int]:
    return list(range(n))

def square(x: int) -> int:
    return x * x

def total(xs: list[int | None]) -> int:
    return sum(x or 0 for x in xs)

def box(size: int) -> Box:
    return Box(size)

def boxes(n: int) -> list[Box]:
    return [Box(size) for size in range(n)]

def size_of(box: Box) -> int:
    return box.size

def picky(x: int) -> int:
    if x == 2:
        raise ValueError("not two")
    return x

def flaky(mark: Path) -> int:
    tries = len(mark.read_text()) if mark.exists() else 0
    mark.write_text("x" * (tries + 1))
    if tries < 2:
        raise ConnectionRefusedError("nobody there")
    return tries

def die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0

def wait(mark: Path, ignores: bool = False) -> int:
    if ignores:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark.write_text(str(os.getpid()))
    until = time.monotonic() + 40
    while time.monotonic() < until:
        time.sleep(0.05)
    return 0
"""


class Project:
    """A folder with steps, a workflow and the runs of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "steps.py").write_text(STEPS)

    def write(self, body: str) -> list[str]:
        (self.folder / "workflow.yaml").write_text(f"flowpar: 1\nname: real\n{body}")
        return ["run", "workflow.yaml", "--run-dir", "run", "--json"]

    def run(self, body: str, *options: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = warm.run([*self.write(body), *options], cwd=self.folder)
        return done

    def start(self, body: str, *options: str) -> subprocess.Popen[str]:
        started: subprocess.Popen[str] = warm.Started(
            [*self.write(body), *options], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return started

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "run" / "events.jsonl").read_text().splitlines()]

    def states(self) -> dict[str, str]:
        """Return the last word about each task as a whole."""
        said = {event["task"]: event["event"] for event in self.events() if event.get("task") and whole(event)}
        return {task: event.removeprefix("task.") for task, event in said.items()}

    def await_file(self, name: str) -> str:
        deadline = time.monotonic() + 60
        while not (text := read(self.folder / name)):
            assert time.monotonic() < deadline, f"{name} did not come"
            time.sleep(0.02)
        return text


def whole(event: dict[str, Any]) -> bool:
    return event.get("item") is None


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_fan_out_and_a_fan_in(project: Project) -> None:
    done = project.run("""
inputs: {n: 6}
tasks:
  numbers: {python: "steps:numbers", with: {n: "${{ inputs.n }}"}}
  square: {python: "steps:square", for_each: {x: "${{ tasks.numbers.output }}"}, with: {x: "${{ each.x }}"}}
  total: {python: "steps:total", with: {xs: "${{ tasks.square.output }}"}}
outputs: {total: "${{ tasks.total.output }}", squares: "${{ tasks.square.output }}"}
""")

    assert (done.returncode, json.loads(done.stdout)) == (0, {"total": 55, "squares": [0, 1, 4, 9, 16, 25]})
    assert json.loads((project.folder / "run" / "outputs.json").read_text()) == json.loads(done.stdout)
    assert (project.folder / "run" / "workflow.yaml").read_text() == (project.folder / "workflow.yaml").read_text()


def test_two_tasks_of_a_layer_have_processes_of_their_own(project: Project) -> None:
    project.run('tasks:\n  a: {python: "steps:numbers", with: {n: 1}}\n  b: {python: "steps:numbers", with: {n: 1}}\n')

    pids = [event["pid"] for event in project.events() if event["event"] == "task.started"]
    assert len(set(pids)) == 2


def test_a_value_of_a_users_class_decides_through_a_worker(project: Project) -> None:
    done = project.run("""
tasks:
  box: {python: "steps:box", with: {size: 3}}
  big: {if: tasks.box.output.size > 2, python: "steps:square", with: {x: "${{ tasks.box.output.size }}"}}
  small: {if: tasks.box.output.size < 2, python: "steps:square", with: {x: 1}}
  boxes: {python: "steps:boxes", with: {n: 4}}
  sizes:
    for_each: {box: "${{ tasks.boxes.output }}"}
    if: each.box.size != 1
    python: steps:size_of
    with: {box: "${{ each.box }}"}
outputs:
  big: ${{ default(tasks.big.output, 0) }}
  sizes: ${{ tasks.sizes.output }}
  box: ${{ tasks.box.output }}
""")

    assert json.loads(done.stdout) == {"big": 9, "sizes": [0, None, 2, 3], "box": {"size": 3, "name": "box"}}
    assert project.states()["small"] == "skipped"


def test_a_matrix_with_a_collected_failure_keeps_places(project: Project) -> None:
    done = project.run("""
tasks:
  picky:
    matrix: {x: [1, 2, 3]}
    on_item_error: collect
    python: steps:picky
    with: {x: "${{ matrix.x }}"}
  total: {python: "steps:total", with: {xs: "${{ tasks.picky.output }}"}}
outputs:
  found: ${{ tasks.picky.output }}
  total: ${{ tasks.total.output }}
  errors: ${{ [i.error.message for i in tasks.picky.items if i.status == "failed"] }}
""")

    assert done.returncode == 0
    assert json.loads(done.stdout) == {"found": [1, None, 3], "total": 4, "errors": ["not two"]}


def test_a_flaky_task_is_tried_again_for_a_subclass_of_what_it_names(project: Project) -> None:
    done = project.run("""
tasks:
  flaky:
    python: steps:flaky
    with: {mark: mark}
    retry: {attempts: 5, delay: 10ms, backoff: 2, on: [ConnectionError]}
outputs: {tries: "${{ tasks.flaky.output }}"}
""")

    assert json.loads(done.stdout) == {"tries": 2}
    assert [event["event"] for event in project.events() if event.get("task")] == [
        "task.started",
        "task.retrying",
        "task.started",
        "task.retrying",
        "task.started",
        "task.succeeded",
    ]


def test_a_task_that_is_killed_fails_by_name_and_the_rest_runs_on(project: Project) -> None:
    done = project.run("""
tasks:
  die: {python: "steps:die"}
  after: {python: "steps:square", needs: [die], with: {x: 1}}
  free: {python: "steps:square", with: {x: 1}}
""")

    assert done.returncode == 1
    assert project.states() == {"die": "failed", "after": "skipped", "free": "succeeded"}
    assert "killed by SIGKILL" in done.stderr
    assert done.stdout == ""


def test_a_timeout_ends_the_stubborn_within_its_grace(project: Project) -> None:
    done = project.run("""
tasks:
  wait: {python: "steps:wait", with: {mark: mark, ignores: true}, timeout: 3s, grace: 500ms}
""")

    (ended,) = [event for event in project.events() if event["event"] == "task.timed_out"]
    assert done.returncode == 1
    assert 3.5 <= ended["duration_s"] < 40  # which is when it would have ended by itself
    assert not Path("/proc", (project.folder / "mark").read_text()).exists()


def test_a_run_that_takes_too_long_ends_with_124(project: Project) -> None:
    done = project.run('tasks:\n  wait: {python: "steps:wait", with: {mark: mark}}\n', "--timeout", "1s")

    assert done.returncode == 124
    assert project.events()[-1]["status"] == "timed_out"


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_run_cleanly(project: Project, number: signal.Signals, exit_code: int) -> None:
    run = project.start("""
tasks:
  wait: {python: "steps:wait", with: {mark: mark}}
  after: {python: "steps:square", needs: [wait], with: {x: 1}}
""")
    pid = project.await_file("mark")

    os.kill(run.pid, number)
    _, messages = run.communicate(timeout=60)

    assert run.returncode == exit_code, messages
    assert project.states() == {"wait": "cancelled", "after": "cancelled"}
    assert project.events()[-1]["event"] == "run.finished"
    assert not Path("/proc", pid).exists()


def test_a_second_interrupt_kills_what_ignores_the_first(project: Project) -> None:
    run = project.start("""
tasks:
  wait: {python: "steps:wait", with: {mark: mark, ignores: true}, grace: 10m}
""")
    pid = project.await_file("mark")

    os.kill(run.pid, signal.SIGINT)
    assert run.stderr is not None
    while "stopping" not in (line := run.stderr.readline()):
        assert line
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=60)

    assert run.returncode == 130
    assert not Path("/proc", pid).exists()


def test_fail_fast_ends_what_runs(project: Project) -> None:
    done = project.run(
        """
tasks:
  die: {python: "steps:die"}
  wait: {python: "steps:wait", with: {mark: mark}}
""",
        "--fail-fast",
        "-w",
        "2",
    )

    assert done.returncode == 1
    assert project.states() == {"die": "failed", "wait": "cancelled"}


def test_outputs_that_do_not_exist_fail_the_run(project: Project) -> None:
    done = project.run("""
tasks:
  numbers: {python: "steps:numbers", with: {n: 2}}
outputs: {third: "${{ tasks.numbers.output[2] }}"}
""")

    assert (done.returncode, done.stdout) == (1, "")
    assert 'output "third"' in done.stderr
    assert project.states() == {"numbers": "succeeded"}


@pytest.mark.parametrize("executor", ["process", "pool", "thread", "inline"])
def test_the_same_workflow_runs_in_every_executor(project: Project, executor: str) -> None:
    done = project.run(
        """
tasks:
  square: {python: "steps:square", for_each: {x: [1, 2, 3, 4]}, with: {x: "${{ each.x }}"}}
  total: {python: "steps:total", with: {xs: "${{ tasks.square.output }}"}}
outputs: {total: "${{ tasks.total.output }}"}
""",
        "--executor",
        executor,
    )

    assert (done.returncode, json.loads(done.stdout or "null")) == (0, {"total": 30}), done.stderr
