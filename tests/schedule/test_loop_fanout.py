"""Fan-outs in the loop: windows, item errors, skipped items, and items by the hundred thousand."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import TaskEnded, TaskExpanded, TaskRetrying, TaskSkipped, TaskStarted
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.execute.base import Completion
from flowpar.planning.model import FanOut, PlannedTask, Retry
from flowpar.schedule.loop import Loop
from flowpar.schedule.run import RunOptions
from flowpar.testing.clock import FakeClock
from flowpar.testing.crew import FakeCrew, FakeOutputs, Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, plan_of, planned, play, raised, value
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from flowpar.execute.base import Job, Notice
    from flowpar.testing.simulation import Played


def mapped(
    *,
    max_parallel: int | None = None,
    on_item_error: Literal["finish", "fail_fast", "collect"] = "finish",
    **changes: object,
) -> PlannedTask:
    fan_out = FanOut({}, max_parallel=max_parallel, on_item_error=on_item_error)
    return planned("each", fan_out=fan_out, **changes)


def play_items(
    task: PlannedTask,
    count: int,
    script: Callable[[Job], Scripted] = lambda _: Scripted(value()),
    *,
    verdicts: Sequence[bool] | None = None,
    workers: int = 2,
) -> Played:
    decisions = FakeDecisions(items={"each": FakeItems(count, verdicts)})
    return play([task, planned("after", "each")], script, decisions=decisions, workers=workers)


def failing(*items: int) -> Callable[[Job], Scripted]:
    return lambda job: Scripted(raised() if job.item in items else value())


def whole(played: Played) -> TaskEnded:
    (event,) = [each for each in played.sink.of(TaskEnded) if each.items is not None]
    return event


def test_each_item_runs_once_and_then_the_fan_out_has_succeeded() -> None:
    played = play_items(mapped(), 5)

    assert [job.item for _, job in played.crew.submitted] == [0, 1, 2, 3, 4, None]
    assert [event.items for event in played.sink.of(TaskExpanded)] == [5]
    assert (whole(played).state, whole(played).outcome, whole(played).items) == (TaskState.SUCCEEDED, None, 5)
    assert played.end.states["after"] is TaskState.SUCCEEDED


def test_max_parallel_bounds_the_items_in_flight() -> None:
    played = play_items(mapped(max_parallel=2), 6, workers=5)

    assert played.crew.most_running == 2


def test_zero_items_succeed() -> None:
    played = play_items(mapped(), 0)

    assert played.end.states == {"each": TaskState.SUCCEEDED, "after": TaskState.SUCCEEDED}
    assert [job.task for _, job in played.crew.submitted] == ["after"]


def test_finish_runs_all_items_and_then_fails_with_the_first() -> None:
    played = play_items(mapped(), 4, failing(1, 2))

    outcome = whole(played).outcome
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.message) == (FailureKind.ITEMS, "2 of 4 items failed, item 1: ValueError: no")
    assert len(played.crew.submitted) == 4
    assert played.end.states == {"each": TaskState.FAILED, "after": TaskState.SKIPPED}


def test_fail_fast_starts_no_more_items_and_cancels_those_that_run() -> None:
    played = play_items(
        mapped(on_item_error="fail_fast"),
        10,
        lambda job: Scripted(raised(), 1) if job.item == 0 else Scripted(value(), 50),
    )

    states = {event.subject.item: event.state for event in played.sink.of(TaskEnded)}
    assert states == {0: "failed", 1: "cancelled", None: "failed"}
    assert played.clock.monotonic() == 1001


@pytest.mark.parametrize(("is_tolerated", "failed"), [(False, ("each",)), (True, ("bad",))])
def test_a_stop_does_not_hide_that_an_item_failed_unless_that_is_tolerated(
    *, is_tolerated: bool, failed: tuple[str, ...]
) -> None:
    # What is tolerated counts as done when the run goes on, and then the other items would never be made.
    def script(job: Job) -> Scripted:
        fails_at = {"bad": 2, "each": 1} if not job.item else {}
        return Scripted(raised(), fails_at[job.task]) if job.task in fails_at else Scripted(value(), 50)

    played = play(
        [mapped(allow_failure=is_tolerated), planned("bad")],
        script,
        decisions=FakeDecisions(items={"each": FakeItems(4)}),
        options=RunOptions("run", "/nowhere", workers=3, is_fail_fast=True),
    )

    assert played.end.failed == failed
    assert played.end.states["each"] is (TaskState.CANCELLED if is_tolerated else TaskState.FAILED)


class LateCrew(FakeCrew):
    """Tells of ends in pairs, the later one first."""

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        told = list(super().wait(timeout_s))
        while self.running and sum(isinstance(notice, Completion) for notice in told) < 2:
            told += super().wait(timeout_s)
        return sorted(told, key=lambda notice: -notice.ended if isinstance(notice, Completion) else -9e9)


def test_after_fail_fast_not_even_what_failed_before_is_tried_again() -> None:
    clock = FakeClock()
    crew = LateCrew(lambda job: Scripted(raised("KeyError"), 1.0) if job.item == 0 else Scripted(raised(), 0.5), clock)
    task = mapped(on_item_error="fail_fast", retry=Retry(attempts=2, on=("ValueError",)))
    loop = Loop(
        plan_of([task]),
        crew,
        RecordingSink(),
        clock,
        decisions=FakeDecisions(items={"each": FakeItems(2)}),
        options=RunOptions("run", "/nowhere", workers=2),
        random=float,
    )

    end = loop.run()

    assert end.states == {"each": TaskState.FAILED}
    assert [(job.item, job.attempt) for _, job in crew.submitted] == [(0, 1), (1, 1)]


def test_collect_succeeds_with_failed_items() -> None:
    played = play_items(mapped(on_item_error="collect"), 4, failing(0, 1, 2, 3))

    assert played.end.states["each"] is TaskState.SUCCEEDED
    assert played.end.exit_code is ExitCode.OK
    assert all(
        event.is_tolerated
        for event in played.sink.of(TaskEnded)
        if event.subject.item is not None and event.state is TaskState.FAILED
    )


def test_allow_failure_of_a_fan_out_lets_others_run() -> None:
    played = play_items(mapped(allow_failure=True), 2, failing(0))

    assert played.end.states == {"each": TaskState.FAILED, "after": TaskState.SUCCEEDED}
    assert played.end.exit_code is ExitCode.OK


def test_items_whose_condition_is_false_are_skipped() -> None:
    played = play_items(mapped(), 4, verdicts=[True, False, False, True])

    assert [event.subject.item for event in played.sink.of(TaskSkipped)] == [1, 2]
    assert [job.item for _, job in played.crew.submitted] == [0, 3, None]
    assert played.end.states["each"] is TaskState.SUCCEEDED


def test_a_fan_out_of_which_all_items_are_skipped_succeeds() -> None:
    played = play_items(mapped(), 2, verdicts=[False, False])

    assert played.end.states["each"] is TaskState.SUCCEEDED


def test_an_item_is_retried_by_itself() -> None:
    played = play_items(
        mapped(retry=Retry(attempts=3, delay_s=5)),
        3,
        lambda job: Scripted(raised()) if job.item == 1 and job.attempt < 3 else Scripted(value()),
    )

    assert [event.subject.item for event in played.sink.of(TaskRetrying)] == [1, 1]
    started = [(event.subject.item, event.subject.attempt) for event in played.sink.of(TaskStarted)]
    assert started[:-1] == [(0, 1), (1, 1), (2, 1), (1, 2), (1, 3)]
    assert [event.wait_s for event in played.sink.of(TaskStarted)][3:5] == [0, 0]
    assert played.end.states["each"] is TaskState.SUCCEEDED


def test_an_item_that_waits_for_its_retry_leaves_its_place_to_others() -> None:
    played = play_items(
        mapped(retry=Retry(attempts=2, delay_s=100), max_parallel=1),
        3,
        lambda job: Scripted(raised()) if job.item == 0 and job.attempt == 1 else Scripted(value()),
    )

    order = [(event.subject.item, event.subject.attempt) for event in played.sink.of(TaskStarted)][:4]
    assert order == [(0, 1), (1, 1), (2, 1), (0, 2)]


def test_a_timed_out_item_fails_the_fan_out() -> None:
    played = play_items(mapped(timeout_s=2.0), 2, lambda job: Scripted(value(), 50 if job.item == 0 else 1))

    assert {event.subject.item: event.state for event in played.sink.of(TaskEnded)} == {
        0: TaskState.TIMED_OUT,
        1: TaskState.SUCCEEDED,
        None: TaskState.FAILED,
    }


def test_an_item_that_ended_is_durable_before_the_next_turn() -> None:
    played = play_items(mapped(), 9, workers=1)

    assert played.sink.commits >= 9


def test_items_of_two_fan_outs_share_the_workers() -> None:
    decisions = FakeDecisions(items={"a": FakeItems(3), "b": FakeItems(3)})
    tasks = [planned("a", fan_out=FanOut({})), planned("b", fan_out=FanOut({}))]

    played = play(tasks, decisions=decisions, workers=6)

    assert played.crew.most_running == 6
    assert played.clock.monotonic() == 1001


def test_a_worker_expands_what_the_engine_may_not() -> None:
    decisions = FakeDecisions(items={"each": FakeItems(2)}, at_worker=frozenset({"each"}))

    played = play([mapped()], lambda _: Scripted(value("each")), decisions=decisions)

    assert [job.item for _, job in played.crew.submitted] == [None, 0, 1]


def test_a_fan_out_that_cannot_be_expanded_fails() -> None:
    broken = Failure(FailureKind.EXPRESSION, "expression", "unequal lengths")

    played = play([mapped()], decisions=FakeDecisions(items={"each": broken}))

    assert played.end.states == {"each": TaskState.FAILED}


def test_many_items_take_bounded_memory() -> None:
    crew = QuickCrew()
    tracemalloc.start()
    try:
        loop = Loop(
            plan_of([mapped(timeout_s=600.0)]),
            crew,
            Forgetful(),
            FakeClock(),
            decisions=FakeDecisions(items={"each": FakeItems(20_000)}),
            options=RunOptions("run", "/nowhere"),
            random=float,
        )
        end = loop.run()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert end.states == {"each": TaskState.SUCCEEDED}
    assert crew.count == 20_000
    assert peak_bytes < 2_000_000


class Forgetful:
    """A sink that keeps nothing, so that only the loop's own memory is measured."""

    def emit(self, event: object) -> None:
        pass

    def flush(self) -> None:
        pass

    def begin_commit(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def close(self) -> None:
        pass


class SlowDisk(RecordingSink):
    """A sink whose disk takes a second, and which counts how often that was waited for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self._until: float | None = None
        self.syncs = 0

    def begin_commit(self) -> None:
        self.syncs += 1
        self._until = self._clock.monotonic() + 1.0

    def commit(self) -> None:
        if self._until is not None:
            self._clock.advance_to(self._until)
            self._until = None


def test_what_ends_while_the_disk_is_waited_for_is_kept_by_its_next_sync_all_at_once() -> None:
    clock = FakeClock()
    crew = FakeCrew(lambda job: Scripted(value(), 0.25 + (job.item or 0) % 4 * 0.01), clock, workers=4)
    sink = SlowDisk(clock)
    loop = Loop(
        plan_of([mapped()]),
        crew,
        sink,
        clock,
        decisions=FakeDecisions(items={"each": FakeItems(40)}),
        options=RunOptions("run", "/nowhere", workers=4),
        random=float,
    )

    end = loop.run()

    assert end.states == {"each": TaskState.SUCCEEDED}
    assert sink.syncs <= 20


class QuickCrew:
    """Ends every job at once and remembers none."""

    def __init__(self) -> None:
        self.outputs = FakeOutputs()
        self.outputs_address = None
        self.outputs_key = b""
        self.count = 0
        self.most = 0
        self._jobs: list[int] = []

    def prepare(self, shared: bytes) -> None:  # noqa: ARG002 - the protocol's
        return

    def has_room(self, executor: str) -> bool:  # noqa: ARG002 - the protocol's
        return len(self._jobs) < 3

    def submit(self, executor: str, job: Job) -> None:  # noqa: ARG002 - the protocol's
        self._jobs.append(job.number)
        self.most = max(self.most, len(self._jobs))
        self.count += 1

    def recorded(self) -> None:
        return

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:  # noqa: ARG002 - the protocol's
        done, self._jobs = self._jobs, []
        return [Completion(number, value(), 1, 0.0, 0.0) for number in done]

    def take(self) -> Sequence[Notice]:
        return ()

    def cancel(self, job: int, *, force: bool = False) -> None:  # noqa: ARG002 - the protocol's
        raise AssertionError("nothing is to be cancelled")
