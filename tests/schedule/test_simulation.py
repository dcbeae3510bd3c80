"""Seeded plans with seeded faults in virtual time: what must hold after each step of every run holds."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import (
    RunFinished,
    RunStarted,
    RunStopping,
    Subject,
    TaskEnded,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import RunStatus, TaskState
from flowpar.execute.base import Started
from flowpar.execute.recipe import Bindings
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut, PlannedTask, Retry
from flowpar.schedule.crew import Stop
from flowpar.schedule.loop import Loop
from flowpar.schedule.run import RunEnd, RunOptions
from flowpar.testing.clock import FakeClock
from flowpar.testing.crew import FakeCrew, Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, FakeStops, plan_of, planned, raised, value
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.core.events import Event
    from flowpar.execute.base import Job, Notice
    from flowpar.planning.model import Plan

SEEDS = 2_000
SOAKED_SEEDS = 10_000
STOPS = (
    Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True),
    Stop("terminated", RunStatus.INTERRUPTED, ExitCode.TERMINATED, is_request=True),
)
FAULTS = (
    raised(),
    raised("ConnectionError"),
    Failure(FailureKind.DIED, "SIGKILL", "killed by SIGKILL"),
    Failure(FailureKind.EXIT, "exit", "exited with 75", exit_code=75),
    Failure(FailureKind.OUTPUT, "lock", "cannot be passed on"),
)


class NoisyCrew(FakeCrew):
    """Tells some things twice or late, and forgets to tell of some starts."""

    def __init__(self, draw: random.Random, script: Callable[[Job], Scripted], clock: FakeClock, workers: int) -> None:
        super().__init__(script, clock, workers=workers)
        self._draw = draw
        self._late: list[Notice] = []

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        notices = [each for each in super().wait(timeout_s) if not (isinstance(each, Started) and self._is_odd())]
        told = [*notices, *self._late]
        self._late = [each for each in notices if self._is_odd()]
        return told

    def _is_odd(self) -> bool:
        return self._draw.random() < 0.05


class Witness(RecordingSink):
    """Checks each event against all that was told before."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.tasks = {task.id: task for task in plan.tasks}
        self.live: set[tuple[str, int | None]] = set()
        self.done: dict[tuple[str, int | None], TaskState] = {}
        self.attempts: Counter[tuple[str, int | None]] = Counter()
        self.submitted_at_stop: int | None = None
        self.count_submitted: Callable[[], int] = int

    def emit(self, event: Event) -> None:
        assert not isinstance(self.events[-1] if self.events else None, RunFinished)
        match event:
            case TaskStarted():
                self._begin(event)
            case TaskRetrying():
                self.live.remove((event.subject.task, event.subject.item))
            case TaskEnded() | TaskSkipped():
                self._end(event)
            case RunStopping():
                self.submitted_at_stop = self.count_submitted()
            case _:
                pass
        super().emit(event)

    def _begin(self, event: TaskStarted) -> None:
        subject = event.subject
        key = (subject.task, subject.item)
        task = self.tasks[subject.task]
        assert key not in self.live, "two live attempts"
        assert key not in self.done, "started again after its end"
        assert (subject.task, None) not in self.done, "an item started after its fan-out ended"
        self.attempts[key] += 1
        assert subject.attempt == self.attempts[key] <= task.retry.attempts
        self.live.add(key)
        if task.fan_out is not None and task.fan_out.max_parallel is not None:
            assert sum(1 for live, _ in self.live if live == subject.task) <= task.fan_out.max_parallel
        for need in task.needs:
            assert self.lets_run(need), f"{subject.task} started before {need} was done"

    def _end(self, event: TaskEnded | TaskSkipped) -> None:
        key = (event.subject.task, event.subject.item)
        assert key not in self.done, "ended twice"
        self.live.discard(key)
        self.done[key] = event.state if isinstance(event, TaskEnded) else TaskState.SKIPPED
        if key[1] is None:
            assert not any(task == key[0] for task, _ in self.live), "a fan-out ended before its items"

    def lets_run(self, task: str) -> bool:
        state = self.done.get((task, None))
        is_failed = state in {TaskState.FAILED, TaskState.TIMED_OUT}
        return state is TaskState.SUCCEEDED or (is_failed and self.tasks[task].allow_failure)


class Simulation:
    """One seed: a plan, its script, its faults, and the checks of its end."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
        self.items: dict[str, FakeItems | Failure] = {}
        self.verdicts: dict[str, bool | Failure] = {}
        self.plan = plan_of([self._task(number) for number in range(self.draw.randint(1, 12))])
        self.witness = Witness(self.plan)
        self.clock = FakeClock()
        self.stops = FakeStops()
        self.workers = self.draw.randint(1, 4)
        self.faultiness = self.draw.choice([0.0, 0.1, 0.4])
        self.crew = NoisyCrew(self.draw, self._script, self.clock, self.workers)
        self.witness.count_submitted = lambda: len(self.crew.submitted)
        self.is_stopped = self.draw.random() < 0.25
        if self.is_stopped:
            self._schedule_stops()

    def run(self) -> None:
        options = RunOptions(
            "run",
            "/nowhere",
            is_fail_fast=self.draw.random() < 0.15,
            timeout_s=self.draw.choice([None, None, None, 15.0]),
        )
        names = frozenset(name for name in [*self.items, *self.verdicts] if self.draw.random() < 0.3)
        loop = Loop(
            self.plan,
            self.crew,
            self.witness,
            self.clock,
            decisions=FakeDecisions(self.verdicts, self.items, names),
            options=options,
            random=self.draw.random,
            stops=self.stops,
        )
        self._check_end(loop.run())

    def _task(self, number: int) -> PlannedTask:
        draw, name = self.draw, f"t{number}"
        needs = [f"t{need}" for need in range(number) if draw.random() < 0.3]
        reads = frozenset(need for need in needs if draw.random() < 0.7)
        fan_out = None
        if draw.random() < 0.3:
            fan_out = FanOut(
                {},
                max_parallel=draw.choice([None, 1, 2]),
                on_item_error=draw.choice(["finish", "fail_fast", "collect"]),
            )
            count = draw.choice([0, 1, 3, 8])
            verdicts = [draw.random() < 0.8 for _ in range(count)] if draw.random() < 0.2 else None
            self.items[name] = FakeItems(count, verdicts) if draw.random() < 0.95 else raised()
        has_condition = draw.random() < 0.2
        if has_condition:
            self.verdicts[name] = draw.random() < 0.7
        return planned(
            name,
            *needs,
            reads=reads,
            decides_on=frozenset(need for need in needs if draw.random() < 0.2),
            fan_out=fan_out,
            condition=Constant(value=True) if has_condition else None,
            retry=Retry(draw.randint(1, 3), draw.choice([0.0, 2.0]), 2.0, jitter=draw.random() < 0.5),
            timeout_s=draw.choice([None, 3.0]),
            grace_s=draw.choice([0.0, 2.0]),
            allow_failure=draw.random() < 0.1,
            executor=draw.choice(["process", "thread"]),
        )

    def _script(self, job: Job) -> Scripted:
        bindings = pickle.loads(job.bindings)
        assert isinstance(bindings, Bindings)
        for name, view in bindings.tasks.items():
            self._check_outputs_are_there(name, view.status, is_managed=view.is_managed)
        outcome = self.draw.choice(FAULTS) if self.draw.random() < self.faultiness else value(job.task)
        return Scripted(outcome, self.draw.choice([0.0, 1.0, 2.5, 6.0]), self.draw.choice([0.0, 0.5, None]))

    def _check_outputs_are_there(self, name: str, status: str, *, is_managed: bool) -> None:
        committed = self.witness.events[: self.witness.committed]
        assert any(isinstance(event, TaskEnded) and event.subject.task == name for event in committed)
        if is_managed and status == "succeeded":
            done = [key for key, state in self.witness.done.items() if key[0] == name and key[1] is not None]
            wanted = [key for key in done if self.witness.done[key] is TaskState.SUCCEEDED]
            assert all(key in self.crew.outputs.refs for key in wanted)

    def _schedule_stops(self) -> None:
        for stop in STOPS[: self.draw.randint(1, 2)]:
            self.crew.at(1000 + self.draw.uniform(0, 12), partial(self.stops.ask, stop))

    def _check_end(self, end: RunEnd) -> None:
        events, tasks = self.witness.events, self.witness.tasks
        assert isinstance(events[0], RunStarted)
        assert isinstance(events[-1], RunFinished)
        assert self.witness.committed == len(events)
        assert not self.witness.live
        assert not self.crew.running
        assert self.witness.submitted_at_stop in {None, len(self.crew.submitted)}, "started after a stop"
        assert all(state.is_final for state in end.states.values())
        assert {task: self.witness.done[task, None] for task in tasks} == dict(end.states)
        assert self.crew.most_running <= 2 * self.workers
        failed = {
            task
            for task, state in end.states.items()
            if state in {TaskState.FAILED, TaskState.TIMED_OUT} and not tasks[task].allow_failure
        }
        assert set(end.failed) == failed
        if end.status is RunStatus.SUCCEEDED:
            assert end.exit_code is ExitCode.OK
            assert not failed
            assert TaskState.CANCELLED not in end.states.values()
            assert self.crew.outputs.refs == {}
        else:
            assert end.exit_code is not ExitCode.OK


def test_thousands_of_seeded_runs_keep_what_is_promised() -> None:
    for seed in range(SEEDS):
        try:
            Simulation(seed).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_ten_thousand_seeded_runs_keep_what_is_promised() -> None:
    for seed in range(SEEDS, SEEDS + SOAKED_SEEDS):
        try:
            Simulation(seed).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = Simulation(4), Simulation(4)

    first.run()
    second.run()

    assert first.witness.events == second.witness.events


def test_the_witness_notices_a_start_before_a_need() -> None:
    witness = Witness(plan_of([planned("a"), planned("b", "a")]))

    with pytest.raises(AssertionError, match="b started before a was done"):
        witness.emit(TaskStarted(Subject("b", None, 1, 1, "process"), at=0.0, pid=1, wait_s=0.0))
