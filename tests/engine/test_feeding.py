"""Streams and chains with real processes: what starts when, and what is left to do after a death."""

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
import threading
import time
from collections.abc import Iterator
from pathlib import Path


def wait_until_there(mark: Path) -> None:
    until = time.monotonic() + 30
    while not mark.exists():
        if time.monotonic() > until:
            raise TimeoutError(f"nobody has made {mark}")
        time.sleep(0.01)


def numbers(n: int, pause_s: float, dies_at: int = -1, go: Path | None = None) -> Iterator[int]:
    for number in range(n):
        if number == dies_at:
            wait_until_there(Path("may_die"))
            raise ValueError("no more")
        yield number
        time.sleep(pause_s)
    if go is not None:
        wait_until_there(go)


def waits_for(mark: Path) -> Iterator[int]:
    yield 0
    yield 1
    wait_until_there(mark)
    yield 2


def begin(x: int, mark: Path) -> int:
    mark.touch()
    return x


def meets(x: int, waits: bool) -> int:
    if waits:
        wait_until_there(Path("b30"))
    return x * 10


def marks(x: int) -> int:
    Path(f"b{x}").touch()
    return x * 10


def arrays(n: int) -> Iterator[bytes]:
    for number in range(n):
        yield bytes([number]) * 200_000


def locks() -> Iterator[object]:
    yield 1
    yield threading.Lock()


def times_ten(x: int) -> int:
    return x * 10


def size(x: bytes) -> int:
    return len(x)


def total(xs: list[int]) -> int:
    return sum(xs)
"""
STREAM = """
flowpar: 1
tasks:
  give: {python: "steps:numbers", with: {n: %(n)d, pause_s: %(pause)s}}
  take: {python: "steps:times_ten", for_each: "${{ tasks.give.output }}", with: {x: "${{ each.item }}"}}
  all: {python: "steps:total", with: {xs: "${{ tasks.give.output }}"}}
outputs: {taken: "${{ tasks.take.output }}", all: "${{ tasks.all.output }}"}
"""


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "steps.py").write_text(STEPS)

    def command(self, text: str, *options: str) -> list[str]:
        (self.folder / "workflow.yaml").write_text(text)
        return ["run", "workflow.yaml", "--run-dir", "run", "--json", *options]

    def start(self, text: str, *options: str, stream: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        started: subprocess.Popen[str] = warm.Started(
            self.command(text, *options), cwd=self.folder, stdout=stream, stderr=stream
        )
        return started

    def run(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.call(self.command(text, *options))

    def call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = warm.run(command, cwd=self.folder)
        return done

    def events(self) -> list[dict[str, Any]]:
        path = self.folder / "run" / "events.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]  # of the last one a part may be there

    def ended(self, task: str, how: str = "succeeded") -> list[int | None]:
        return [e["item"] for e in self.events() if e.get("task") == task and e["event"] == f"task.{how}"]

    def await_ended(self, task: str, count: int) -> None:
        until = time.monotonic() + 30
        while len(self.ended(task)) < count:
            assert time.monotonic() < until, f"{task} did not come so far"
            time.sleep(0.02)


def is_second_of_a(event: dict[str, Any]) -> bool:
    return (event["task"], event["item"]) == ("a", 1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("executor", ["process", "pool", "thread"])
def test_the_third_item_is_yielded_when_the_first_has_begun(project: Project, executor: str) -> None:
    """The one that yields waits for that: were the first item to wait for the third, nothing would end well."""
    done = project.run(
        """
flowpar: 1
tasks:
  give: {python: "steps:waits_for", with: {mark: begun}}
  take:
    python: steps:begin
    for_each: {x: "${{ tasks.give.output }}"}
    with: {x: "${{ each.x }}", mark: begun}
outputs: {taken: "${{ tasks.take.output }}"}
""",
        *("-w", "2", "--executor", executor),
    )

    assert json.loads(done.stdout) == {"taken": [0, 1, 2]}, done.stderr


@pytest.mark.parametrize("options", [("-w", "2"), ("-w", "2", "--executor", "thread")], ids=["process", "thread"])
def test_all_items_start_before_the_last_word_of_the_one_that_yields(
    project: Project, options: tuple[str, ...]
) -> None:
    text = STREAM % {"n": 8, "pause": 0.01}
    text = text.replace("pause_s: 0.01", 'pause_s: 0.01, go: "${{ workflow.dir }}/b7"').replace(
        "steps:times_ten", "steps:marks"
    )

    done = project.run(text, *options)

    assert json.loads(done.stdout) == {"taken": [0, 10, 20, 30, 40, 50, 60, 70], "all": 28}, done.stderr
    began = {(e["task"], e["item"]): e["started_at"] for e in project.events() if e["event"] == "task.started"}
    first, last = (began["take", item] for item in (0, 7))
    (ended,) = [e["ended_at"] for e in project.events() if e["event"] == "task.succeeded" and e["task"] == "give"]
    assert first < last < ended


@pytest.mark.parametrize("executor", ["process", "pool", "thread", "inline"])
def test_one_worker_is_enough(project: Project, executor: str) -> None:
    done = project.run(STREAM % {"n": 3, "pause": 0.01}, "-w", "1", "--executor", executor)

    assert json.loads(done.stdout) == {"taken": [0, 10, 20], "all": 3}, done.stderr


def test_what_is_large_goes_by_files(project: Project) -> None:
    done = project.run("""
flowpar: 1
tasks:
  give: {python: "steps:arrays", with: {n: 5}}
  take: {python: "steps:size", for_each: {x: "${{ tasks.give.output }}"}, with: {x: "${{ each.x }}"}}
  whole: {python: "steps:total", with: {xs: "${{ [len(x) for x in tasks.give.output] }}"}}
outputs: {sizes: "${{ tasks.take.output }}", whole: "${{ tasks.whole.output }}"}
""")

    assert json.loads(done.stdout) == {"sizes": [200_000] * 5, "whole": 1_000_000}, done.stderr


def test_what_cannot_be_passed_on_fails_the_one_that_yields_it(project: Project) -> None:
    done = project.run("""
flowpar: 1
tasks:
  give: {python: "steps:locks"}
  take: {python: "steps:times_ten", for_each: "${{ tasks.give.output }}", with: {x: "${{ each.item }}"}}
""")

    assert done.returncode == 1
    assert "output[1] is a lock" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_function_that_fails_half_way_can_be_resumed(project: Project) -> None:
    text = STREAM % {"n": 5, "pause": 0.01}
    with project.start(text.replace("n: 5", "n: 5, dies_at: 3"), "-w", "2", stream=subprocess.PIPE) as running:
        project.await_ended("take", 1)
        (project.folder / "may_die").touch()
        _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "cancelled" in told

    steps = project.folder / "steps.py"
    steps.write_text(STEPS.replace('raise ValueError("no more")', "pass"))
    again = project.call(["resume", "run", "--json"])

    assert json.loads(again.stdout)["taken"] == [0, 10, 20, 30, 40], again.stderr
    assert sorted(item for item in project.ended("take") if item is not None) == [0, 1, 2, 3, 4]


def test_after_a_kill_only_the_items_that_are_missing_are_made(project: Project) -> None:
    text = STREAM % {"n": 6, "pause": 0.05}
    text = text.replace("pause_s: 0.05", 'pause_s: 0.05, go: "${{ workflow.dir }}/go"')
    with project.start(text, "-w", "3") as running:
        try:
            project.await_ended("take", 4)
        finally:
            running.send_signal(signal.SIGKILL)
    before = project.ended("take")
    (project.folder / "go").touch()

    again = project.call(["resume", "run", "--json"])

    assert json.loads(again.stdout) == {"taken": [0, 10, 20, 30, 40, 50], "all": 15}, again.stderr
    after = [item for item in project.ended("take") if item is not None]
    assert len(before) >= 4
    assert sorted(after) == [0, 1, 2, 3, 4, 5], "no item is made twice"


def test_a_chain_of_items_has_no_barrier(project: Project) -> None:
    done = project.run(
        """
flowpar: 1
tasks:
  a:
    python: steps:meets
    for_each: {x: [1, 2, 3, 4]}
    with: {x: "${{ each.x }}", waits: "${{ each.x == 2 }}"}
  b:
    python: steps:marks
    for_each: {x: "${{ tasks.a.output }}"}
    with: {x: "${{ each.x }}"}
outputs: {all: "${{ tasks.b.output }}"}
""",
        "-w",
        "8",
    )

    assert json.loads(done.stdout) == {"all": [100, 200, 300, 400]}, done.stderr
    began = {(e["task"], e["item"]): e["started_at"] for e in project.events() if e["event"] == "task.started"}
    (ended,) = (e["ended_at"] for e in project.events() if e["event"] == "task.succeeded" and is_second_of_a(e))
    assert began["b", 2] < ended


def test_nothing_is_left_of_a_stream_that_is_interrupted(project: Project) -> None:
    text = STREAM % {"n": 200, "pause": 0.05}
    with project.start(text, "-w", "2", stream=subprocess.PIPE) as running:
        try:
            project.await_ended("take", 2)
        finally:
            os.kill(running.pid, signal.SIGINT)

        _, told = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "Traceback" not in told


def test_items_are_known_again_by_their_keys(project: Project) -> None:
    (project.folder / "steps.py").write_text("""
from pathlib import Path

def work(name: str) -> str:
    with open("begun", "a") as begun:
        begun.write(name + " ")
    if name == "bad" and not Path("mended").exists():
        raise ValueError("bad")
    return name.upper()
""")
    text = """
flowpar: 1
inputs: {names: {type: list, default: [a, b, bad, c]}}
tasks:
  w:
    python: steps:work
    for_each: {name: "${{ inputs.names }}"}
    key: each.name
    with: {name: "${{ each.name }}"}
outputs: {all: "${{ tasks.w.output }}"}
"""
    assert project.run(text).returncode == 1
    (project.folder / "mended").touch()
    (project.folder / "begun").unlink()

    resume = ["resume", "run", "--json", "-i"]
    again = project.call([*resume, 'names=["x","c","bad","a"]'])
    once_more = project.call([*resume, 'names=["a","x","y","bad"]'])

    assert json.loads(again.stdout) == {"all": ["X", "C", "BAD", "A"]}, again.stderr
    assert json.loads(once_more.stdout) == {"all": ["A", "X", "Y", "BAD"]}, once_more.stderr
    assert sorted((project.folder / "begun").read_text().split()) == ["bad", "x", "y"]
