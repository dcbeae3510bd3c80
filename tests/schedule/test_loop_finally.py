"""Tasks of `finally` run when all others are over, however that came, and after a stop for a while only."""

from __future__ import annotations

import pickle
from functools import partial
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import RunStopping, TaskStarted
from flowpar.core.states import RunStatus, TaskState
from flowpar.expr.template import Constant
from flowpar.schedule.crew import Stop
from flowpar.schedule.run import RunOptions
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeStops, plan_of, planned, play, raised, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.execute.base import Job
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.crew import FakeCrew
    from flowpar.testing.simulation import Played

INTERRUPT = Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True)
HANG_UP = Stop("hung up", RunStatus.INTERRUPTED, ExitCode.HUNG_UP, is_request=True)
START = 1000.0


def last(name: str, *needs: str, **changes: object) -> PlannedTask:
    return planned(name, *needs, in_finally=True, **changes)


def played(
    tasks: Sequence[PlannedTask],
    *,
    failing: str = "",
    lengths: dict[str, float] | None = None,
    stops: Sequence[tuple[float, Stop]] = (),
    options: RunOptions | None = None,
) -> Played:
    """Play tasks of which `failing` fails; each takes a second, or as long as `lengths` says."""
    asked = FakeStops()

    def prepare(crew: FakeCrew) -> None:
        for at, stop in stops:
            crew.at(START + at, partial(asked.ask, stop))

    def script(job: Job) -> Scripted:
        return Scripted(raised() if job.task == failing else value(), (lengths or {}).get(job.task, 1.0))

    return play(tasks, script, stops=asked, prepare=prepare, options=options)


def started(run: Played) -> list[str]:
    return [event.subject.task for event in run.sink.of(TaskStarted)]


def test_they_run_after_all_others_also_where_one_failed() -> None:
    tasks = [planned("a"), planned("b", "a"), last("tidy"), last("mail", "tidy"), planned("c")]

    run = played(tasks, failing="a")

    assert started(run) == ["a", "c", "tidy", "mail"]
    assert run.end.states["mail"] is TaskState.SUCCEEDED
    assert run.end.failed == ("a",)
    assert run.end.exit_code is ExitCode.TASK_FAILED


def test_their_jobs_know_how_the_run_went() -> None:
    run = played([planned("a"), planned("b"), last("tidy")], failing="b")

    known = [pickle.loads(job.bindings).run for _, job in run.crew.submitted]
    assert known == [{}, {}, {"status": "failed", "failed": ["b"]}]


def test_one_that_fails_fails_the_run_and_skips_what_needs_it_and_nothing_else() -> None:
    tasks = [
        planned("a"),
        last("tidy"),
        last("after", "tidy"),
        last("beside"),
        last("always", "tidy", run_if="all_done"),
    ]

    run = played(tasks, failing="tidy", options=RunOptions("run", "/nowhere", is_fail_fast=True))

    assert run.end.exit_code is ExitCode.TASK_FAILED
    assert run.end.outputs == "{}"
    assert run.end.states["after"] is TaskState.SKIPPED
    assert run.end.states["beside"] is run.end.states["always"] is TaskState.SUCCEEDED


def test_fail_fast_stops_the_others_and_not_them() -> None:
    run = played(
        [planned("a"), planned("slow"), last("tidy")],
        failing="a",
        lengths={"slow": 50.0, "tidy": 99.0},
        options=RunOptions("run", "/nowhere", workers=2, is_fail_fast=True),
    )

    assert run.end.states["slow"] is TaskState.CANCELLED
    assert run.end.states["tidy"] is TaskState.SUCCEEDED


@pytest.mark.parametrize(("length", "state", "end"), [(29.0, "succeeded", 32.0), (99.0, "cancelled", 33.0)])
def test_after_a_request_they_have_thirty_seconds(length: float, state: str, end: float) -> None:
    run = played([planned("a"), last("tidy")], lengths={"a": 50.0, "tidy": length}, stops=[(3.0, INTERRUPT)])

    assert run.end.states == {"a": TaskState.CANCELLED, "tidy": TaskState(state)}
    assert run.end.exit_code is ExitCode.INTERRUPTED
    assert run.clock.monotonic() == START + end


def test_a_second_request_ends_them_at_once_and_starts_no_more() -> None:
    tasks = [planned("a"), last("tidy"), last("mail", "tidy")]

    run = played(tasks, lengths={"a": 50.0, "tidy": 20.0}, stops=[(3.0, INTERRUPT), (5.0, INTERRUPT)])

    assert run.end.states["tidy"] is run.end.states["mail"] is TaskState.CANCELLED
    assert run.clock.monotonic() == START + 5.0


def test_a_second_request_before_their_turn_skips_them() -> None:
    def stubborn(job: Job) -> Scripted:
        return Scripted(value(), 50.0, None)

    asked = FakeStops()

    def prepare(crew: FakeCrew) -> None:
        crew.at(START + 1, partial(asked.ask, INTERRUPT))
        crew.at(START + 2, partial(asked.ask, INTERRUPT))

    run = play([planned("a"), last("tidy")], stubborn, stops=asked, prepare=prepare)

    assert set(run.end.states.values()) == {TaskState.CANCELLED}
    assert started(run) == ["a"]
    assert run.clock.monotonic() == START + 2


def test_a_terminal_that_hangs_up_twice_counts_once() -> None:
    run = played([planned("a"), last("tidy")], lengths={"a": 50.0}, stops=[(3.0, HANG_UP), (3.5, HANG_UP)])

    assert run.end.states["tidy"] is TaskState.SUCCEEDED
    assert run.end.exit_code is ExitCode.HUNG_UP


def test_a_request_in_their_time_leaves_them_thirty_seconds_and_counts_for_the_run() -> None:
    run = played([planned("a"), last("tidy")], lengths={"tidy": 99.0}, stops=[(3.0, INTERRUPT)])

    assert run.end.states == {"a": TaskState.SUCCEEDED, "tidy": TaskState.CANCELLED}
    assert run.end.exit_code is ExitCode.INTERRUPTED
    assert run.clock.monotonic() == START + 33.0
    assert [event.reason for event in run.sink.of(RunStopping)] == [
        "interrupted; finally has 30s to end",
        "finally took longer than 30s",
    ]


def test_the_time_of_the_run_is_up_for_the_others_only() -> None:
    options = RunOptions("run", "/nowhere", timeout_s=5.0)

    run = played([planned("a"), last("tidy")], lengths={"a": 50.0, "tidy": 10.0}, options=options)

    assert run.end.states == {"a": TaskState.CANCELLED, "tidy": TaskState.SUCCEEDED}
    assert run.end.status is RunStatus.TIMED_OUT


def test_a_retry_that_waits_when_the_run_stops_is_not_made_in_their_time() -> None:
    retry = planned("a").retry.__class__(attempts=3, delay_s=5.0)

    run = played(
        [planned("a", retry=retry), last("tidy")], failing="a", lengths={"tidy": 20.0}, stops=[(2.0, INTERRUPT)]
    )

    assert started(run) == ["a", "tidy"]


def test_their_condition_is_asked_with_what_is_known_of_the_run() -> None:
    tasks = [planned("a"), last("mail", condition=Constant(value=True))]

    run = play(plan_of(tasks), decisions=FakeDecisions(verdicts={"mail": False}))

    assert run.end.states["mail"] is TaskState.SKIPPED
    assert run.end.exit_code is ExitCode.OK
