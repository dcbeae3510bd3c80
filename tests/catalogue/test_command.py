"""Rows O: whatever befalls the command and its processes, a run goes on, or ends cleanly and can be gone on with."""

from __future__ import annotations

import json
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from flowpar.core.events import RunFinished, TaskEnded
from flowpar.core.states import RunStatus
from flowpar.execute import tree
from flowpar.testing.crew import FakeCrew, Scripted
from flowpar.testing.simulation import planned, play, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.catalogue.conftest import Yard

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0
WORKFLOW = """
    tasks:
      quick: {python: "steps:nap", with: {name: quick, s: 0.1}, timeout: 3s}
      slow: {python: "steps:nap", with: {name: slow, s: 3.5}}
      after: {python: "steps:nap", with: {name: after, s: 0}, needs: [quick, slow]}
    outputs: {names: "${{ [tasks.quick.output, tasks.slow.output, tasks.after.output] }}"}
"""
STEPS = """
    import os, time

    def nap(name: str, s: float) -> str:
        open(f"{name}.began", "x").close()
        time.sleep(s)
        open(f"{name}.ended", "x").close()
        return name

    def last(until: str) -> None:
        open("slow.began", "x").close()
        while not os.path.exists(until):
            time.sleep(0.005)
        open("slow.ended", "x").close()
"""


def until(is_met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_met():
        assert time.monotonic() < deadline, "not met in time"
        time.sleep(0.005)


def role_of(guard: int, role: str) -> int:
    """Return the pid of one of the processes that the command split into."""
    if role == "guard":
        return guard
    launchers = {pid for pid in tree.children_of(guard) if tree.name_of(pid) == "flowpar:launch"}
    (engine,) = set(tree.children_of(guard)) - launchers
    return engine if role == "engine" else launchers.pop()


@pytest.mark.parametrize("role", ["guard", "engine", "launcher"])
def test_o07_a_process_that_stood_still_for_a_while_loses_nothing(yard: Yard, role: str) -> None:
    yard.write(WORKFLOW, STEPS)
    running = yard.start("run", "workflow.yaml", "-w", "2", "--json")
    until((yard.folder / "slow.began").exists)
    until((yard.folder / "quick.ended" if role == "launcher" else yard.folder / "quick.began").exists)
    if role == "launcher":
        until(lambda: "quick" in yard.succeeded())
    process = role_of(running.pid, role)

    os.kill(process, signal.SIGSTOP)
    until((yard.folder / "slow.ended").exists)
    os.kill(process, signal.SIGCONT)

    ended = yard.end_of(running)
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {"names": ["quick", "slow", "after"]}
    assert yard.survivors() == {}


def test_o07_what_ended_in_its_time_while_the_launcher_stood_still_has_not_timed_out(yard: Yard) -> None:
    yard.write('tasks: {slow: {python: "steps:last", with: {until: go}, timeout: 4s}}', STEPS)
    running = yard.start("run", "workflow.yaml")
    until((yard.folder / "slow.began").exists)
    began = time.monotonic()
    launcher = role_of(running.pid, "launcher")

    os.kill(launcher, signal.SIGSTOP)
    (yard.folder / "go").touch()
    until((yard.folder / "slow.ended").exists)
    until(lambda: time.monotonic() > began + 4.5)  # the engine has reached for it in vain
    os.kill(launcher, signal.SIGCONT)

    ended = yard.end_of(running)
    assert ended.code == 0, ended.stderr
    assert yard.ends()["slow"]["duration_s"] < 4
    assert yard.survivors() == {}


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_o21_a_clock_that_jumps_changes_no_duration_and_no_order(seconds: int) -> None:
    def prepare(crew: FakeCrew) -> None:
        crew.at(1001.5, partial(crew.clock.jump, seconds))

    played = play(
        [planned("a"), planned("b", "a"), planned("c", "b")], lambda _: Scripted(value(), 2.0), prepare=prepare
    )

    ends = played.sink.of(TaskEnded)
    assert [end.subject.task for end in ends] == ["a", "b", "c"]
    assert [end.measure.duration_s for end in ends if end.measure] == [2.0, 2.0, 2.0]
    assert played.sink.of(RunFinished)[0].duration_s == 6.0
    assert played.end.status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    "wrapper",
    [
        ["env", "-i"],
        ["nohup"],
        ["setsid", "--wait"],
        pytest.param(
            ["unshare", "--pid", "--fork", "--mount-proc"],
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root may be process 1 of a space of its own"),
        ),
    ],
    ids=lambda words: words[0],
)
def test_o23_who_starts_it_makes_no_difference(yard: Yard, wrapper: list[str]) -> None:
    yard.write('tasks:\n  a: {shell: "(setsid sleep 600 &) ; echo done"}\noutputs: {a: "${{ tasks.a.output.stdout }}"}')

    ended = yard.end_of(yard.start("run", "workflow.yaml", "--json", wrapper=wrapper))

    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {"a": "done\n"}
    assert yard.survivors() == {}


def test_o24_a_program_without_a_file_can_run_a_workflow(yard: Yard) -> None:
    yard.write('tasks:\n  a: {shell: "echo done"}\noutputs: {a: "${{ tasks.a.output.stdout }}"}')

    ended = yard.script("import flowpar; print(flowpar.run('workflow.yaml').outputs['a'])")

    assert ended.code == 0, ended.stderr
    assert ended.stdout == "done\n\n"
