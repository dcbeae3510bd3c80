"""Sub-workflows as wholes in virtual time: whatever their tasks do, limits hold, and what tidies up has its turn."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import TaskEnded, TaskStarted
from flowpar.core.states import FAILURES, RunStatus, TaskState
from flowpar.planning.model import Bounds, Retry
from flowpar.schedule.crew import Stop
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeStops, planned, play, raised, value

if TYPE_CHECKING:
    from flowpar.execute.base import Job
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.crew import FakeCrew
    from flowpar.testing.simulation import Played

INTERRUPT = Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True)
START = 1000.0
SEEDS = 300
ITEMS = 4


def part(name: str, bounds: Bounds) -> list[PlannedTask]:
    """Return the tasks of one item, as they are planned for a file with a `finally`."""
    inside = {"part_of": name}
    return [
        planned(f"{name}/(inputs)", kind="inputs", is_spared=bounds.on_item_error == "collect", **inside),
        planned(f"{name}/a", f"{name}/(inputs)", **inside),
        planned(f"{name}/b", f"{name}/(inputs)", **inside),
        planned(f"{name}/c", f"{name}/a", run_if="all_done", **inside),
        planned(
            f"{name}/(outputs)", *(f"{name}/{each}" for each in "abc"), kind="workflow", run_if="all_done", **inside
        ),
        planned(f"{name}/(finally)", f"{name}/(outputs)", kind="finally", run_if="all_done", tidies=name, **inside),
        planned(f"{name}/tidy", f"{name}/(finally)", tidies=name, **inside),
        planned(name, f"{name}/(outputs)", f"{name}/tidy", kind="workflow", run_if="all_done", bounds=bounds),
    ]


ONE = part("many[0]", Bounds())


class Drawn:
    """What a seed stands for: bounds, how long tasks take, which fail, and whether somebody stops the run."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
        error: Literal["finish", "fail_fast"] = draw.choice(["finish", "fail_fast"])
        self.bounds = Bounds(draw.choice([None, 3.0, 5.0]), "many", draw.choice([None, 1, 2]), error)
        self.faultiness = draw.choice([0.0, 0.1, 0.3])
        self.stop_at = draw.choice([None, None, draw.uniform(0, 20)])
        names = [f"many[{index}]" for index in range(ITEMS)]
        self.tasks = [task for name in names for task in part(name, self.bounds)]
        whole = Bounds(on_item_error=self.bounds.on_item_error)
        self.tasks.append(planned("many", *names, kind="workflow", run_if="all_done", bounds=whole))
        self.tasks.append(planned("end", in_finally=True))

    def script(self, job: Job) -> Scripted:
        is_at_fault = self.draw.random() < self.faultiness and not job.task.endswith(
            ("]", "outputs)", "tidy", "many", "end")
        )
        outcome = raised() if is_at_fault else value()
        return Scripted(outcome, self.draw.choice([0.0, 0.5, 2.0, 4.0]), self.draw.choice([0.0, 0.5]))

    def play(self) -> Played:
        asked = FakeStops()

        def prepare(crew: FakeCrew) -> None:
            if self.stop_at is not None:
                crew.at(START + self.stop_at, partial(asked.ask, INTERRUPT))

        return play(self.tasks, self.script, stops=asked, prepare=prepare)


def item_of(task: str) -> str:
    return task.partition("/")[0]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_bounds_hold_and_what_had_begun_is_tidied_up(seed: int) -> None:
    drawn = Drawn(seed)

    run = drawn.play()

    states = run.end.states
    assert all(state.is_final for state in states.values())
    begun: dict[str, float] = {}
    going: set[str] = set()
    for event in run.sink.events:
        if isinstance(event, TaskEnded) and event.subject.task.endswith("]"):
            going.discard(event.subject.task)
        if isinstance(event, TaskStarted) and event.subject.task.startswith("many["):
            item = item_of(event.subject.task)
            begun.setdefault(item, event.at)
            if event.subject.task.endswith("/tidy"):
                assert states[event.subject.task] is TaskState.SUCCEEDED
                continue
            going.add(item)
            assert drawn.bounds.max_parallel is None or len(going) <= drawn.bounds.max_parallel
            if drawn.bounds.timeout_s is not None and "/" in event.subject.task and "(" not in event.subject.task:
                assert event.at <= begun[item] + drawn.bounds.timeout_s
    for index in range(ITEMS):
        item = f"many[{index}]"
        # Where its inputs could not be made, there is nothing to tidy up after.
        if item in begun and states[f"{item}/(inputs)"].is_success:
            assert states[f"{item}/tidy"] is TaskState.SUCCEEDED
        if states[item] in FAILURES and drawn.bounds.on_item_error == "fail_fast":
            assert states["many"] is not TaskState.SUCCEEDED
    assert states["end"] is TaskState.SUCCEEDED


def test_what_tidies_up_and_waits_for_its_next_attempt_when_the_run_stops_makes_that_at_once_and_no_other() -> None:
    tasks = [replace(task, retry=Retry(2, 5.0)) if task.tidies and task.kind != "finally" else task for task in ONE]
    asked = FakeStops()

    def script(job: Job) -> Scripted:
        if job.task == "many[0]/tidy":
            return Scripted(raised(), 1.0) if job.attempt == 1 else Scripted(value(), 6.0)
        return Scripted(value(), 1.0)

    run = play(tasks, script, stops=asked, prepare=lambda crew: crew.at(START + 6, partial(asked.ask, INTERRUPT)))

    began = [event for event in run.sink.of(TaskStarted) if event.subject.task == "many[0]/tidy"]
    assert [event.subject.attempt for event in began] == [1, 2]
    assert began[1].at - began[0].at == 2.0
    assert run.end.states["many[0]/tidy"] is TaskState.SUCCEEDED
