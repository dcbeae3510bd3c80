"""A run that is asked to stop: nothing starts, what runs is ended, the rest is cancelled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import RunStopping, TaskEnded
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import RunStatus, TaskState
from flowpar.planning.model import FanOut, Retry
from flowpar.schedule.crew import Stop
from flowpar.schedule.run import RunOptions
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, FakeStops, planned, play, raised, value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Job
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.crew import FakeCrew
    from flowpar.testing.simulation import Played

INTERRUPT = Stop("interrupted (SIGINT)", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True)
HANG_UP = Stop("hung up (SIGHUP)", RunStatus.INTERRUPTED, ExitCode.HUNG_UP, is_request=True)


def interrupted(
    tasks: Sequence[PlannedTask],
    *times: float,
    script: Callable[[Job], Scripted] = lambda _: Scripted(value(), 100),
    decisions: FakeDecisions | None = None,
    options: RunOptions | None = None,
) -> Played:
    """Play a run that is interrupted at each of `times` after its start."""
    stops = FakeStops()

    def prepare(crew: FakeCrew) -> None:
        for time in times:
            crew.at(1000 + time, partial(stops.ask, INTERRUPT))

    return play(tasks, script, decisions=decisions, options=options, stops=stops, prepare=prepare)


def test_the_first_request_ends_polite_tasks_and_cancels_the_rest() -> None:
    played = interrupted([planned("a"), planned("b"), planned("c", "a")], 3)

    assert set(played.end.states.values()) == {TaskState.CANCELLED}
    assert played.end.status is RunStatus.INTERRUPTED
    assert played.end.exit_code is ExitCode.INTERRUPTED
    assert [event.reason for event in played.sink.of(RunStopping)] == ["interrupted (SIGINT)"]
    assert played.clock.monotonic() == 1003
    assert played.end.failed == ()


def test_a_task_that_ignores_it_gets_its_grace_and_no_more() -> None:
    played = interrupted([planned("a", grace_s=7.0)], 3, script=lambda _: Scripted(value(), 100, term_s=None))

    assert played.crew.cancelled == [(1, False), (1, True)]
    assert played.clock.monotonic() == 1010


def test_the_second_request_kills_at_once() -> None:
    played = interrupted([planned("a", grace_s=50.0)], 3, 5, script=lambda _: Scripted(value(), 100, term_s=None))

    assert played.crew.cancelled == [(1, False), (1, True)]
    assert played.clock.monotonic() == 1005


def test_a_task_that_returns_in_spite_of_it_has_succeeded() -> None:
    played = interrupted([planned("a")], 3, script=lambda _: Scripted(value(), 4, term_s=None))

    assert played.end.states == {"a": TaskState.SUCCEEDED}
    assert played.end.exit_code is ExitCode.INTERRUPTED


def test_what_was_over_before_counts_as_it_was() -> None:
    played = interrupted(
        [planned("a"), planned("b")], 3, script=lambda job: Scripted(raised(), 3 if job.task == "a" else 9)
    )

    assert played.end.states == {"a": TaskState.FAILED, "b": TaskState.CANCELLED}


def test_no_retry_follows_a_stop() -> None:
    played = interrupted([planned("a", retry=Retry(attempts=9, delay_s=10))], 5, script=lambda _: Scripted(raised(), 1))

    assert played.end.states == {"a": TaskState.CANCELLED}
    assert len(played.crew.submitted) == 1


def test_a_retry_that_comes_due_after_a_stop_does_not_start() -> None:
    played = interrupted(
        [planned("flaky", retry=Retry(attempts=9, delay_s=4)), planned("stubborn", grace_s=20.0)],
        3,
        script=lambda job: Scripted(raised(), 1) if job.task == "flaky" else Scripted(value(), 100, term_s=None),
    )

    assert [job.task for _, job in played.crew.submitted] == ["flaky", "stubborn"]
    assert played.end.states["flaky"] is TaskState.CANCELLED


def test_a_fan_out_is_cancelled_as_a_whole() -> None:
    played = interrupted(
        [planned("a", fan_out=FanOut({})), planned("b", "a")],
        3,
        decisions=FakeDecisions(items={"a": FakeItems(1000)}),
    )

    (whole,) = [event for event in played.sink.of(TaskEnded) if event.items is not None]
    assert whole.state is TaskState.CANCELLED
    assert played.end.states == {"a": TaskState.CANCELLED, "b": TaskState.CANCELLED}


def test_a_fan_out_of_which_no_item_ran_is_cancelled() -> None:
    played = interrupted(
        [planned("long"), planned("longer"), planned("longest"), planned("a", fan_out=FanOut({}))],
        3,
        decisions=FakeDecisions(items={"a": FakeItems(10)}),
    )

    assert played.end.states["a"] is TaskState.CANCELLED


def test_every_task_that_was_cancelled_says_so_once() -> None:
    played = interrupted([planned("a"), planned("b", "a"), planned("c", "b")], 3)

    ended = [(event.subject.task, event.state, event.subject.attempt) for event in played.sink.of(TaskEnded)]
    assert ended == [("a", "cancelled", 1), ("b", "cancelled", 0), ("c", "cancelled", 0)]
    outcome = played.sink.of(TaskEnded)[0].outcome
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CANCELLED


def test_a_run_that_takes_too_long_is_stopped() -> None:
    played = play(
        [planned("a"), planned("b", "a")],
        lambda _: Scripted(value(), 100),
        options=RunOptions("run", "/nowhere", timeout_s=30),
    )

    assert played.end.status is RunStatus.TIMED_OUT
    assert played.end.exit_code is ExitCode.TIMED_OUT
    assert played.clock.monotonic() == 1030


def test_a_run_that_is_quick_enough_is_not() -> None:
    played = play([planned("a")], options=RunOptions("run", "/nowhere", timeout_s=30))

    assert played.end.exit_code is ExitCode.OK


@pytest.mark.parametrize("stop", [INTERRUPT, HANG_UP])
def test_a_request_counts_more_than_a_limit(stop: Stop) -> None:
    stops = FakeStops()

    played = play(
        [planned("a")],
        lambda _: Scripted(value(), 100, term_s=None),
        options=RunOptions("run", "/nowhere", timeout_s=30),
        stops=stops,
        prepare=lambda crew: crew.at(1031, partial(stops.ask, stop)),
    )

    assert played.end.exit_code is stop.exit_code


def test_a_request_before_the_first_start_starts_nothing_more() -> None:
    stops = FakeStops([INTERRUPT])

    played = play([planned("a"), planned("b", "a")], lambda _: Scripted(value(), 100), stops=stops)

    assert played.end.states == {"a": TaskState.CANCELLED, "b": TaskState.CANCELLED}
    assert played.end.outputs is None


def test_a_stop_while_a_worker_decides_cancels_the_task() -> None:
    played = interrupted(
        [planned("a", fan_out=FanOut({}))],
        3,
        decisions=FakeDecisions(items={"a": FakeItems(1)}, at_worker=frozenset({"a"})),
    )

    assert played.end.states == {"a": TaskState.CANCELLED}
