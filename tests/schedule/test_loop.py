"""The loop runs a plan: order, failures, retries, timeouts, conditions and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import Event, RunFinished, RunStarted, TaskEnded, TaskRetrying, TaskSkipped, TaskStarted
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.expr.template import Constant
from flowpar.planning.model import Caching, Retry
from flowpar.schedule.crew import show_duration
from flowpar.schedule.head_start import LONG_S
from flowpar.schedule.run import RunOptions
from flowpar.testing.crew import FakeCrew, Scripted
from flowpar.testing.simulation import FakeDecisions, plan_of, planned, play, raised, value
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.execute.base import Job

FAILS = Scripted(raised())
WORKS = Scripted(value("x"))


def failing(*tasks: str) -> Callable[[Job], Scripted]:
    return lambda job: FAILS if job.task in tasks else WORKS


def test_a_chain_runs_in_order() -> None:
    played = play([planned("a"), planned("b", "a"), planned("c", "b")])

    assert [job.task for _, job in played.crew.submitted] == ["a", "b", "c"]
    assert played.end.status is RunStatus.SUCCEEDED
    assert played.end.exit_code is ExitCode.OK
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}
    assert played.clock.monotonic() == 1003


@pytest.mark.parametrize(
    ("changes", "is_prepared"),
    [({}, True), ({"executor": "pool"}, False), ({"cache": Caching()}, False)],
)
def test_processes_are_got_ready_for_where_the_first_jobs_will_be_theirs(
    changes: dict[str, object], *, is_prepared: bool
) -> None:
    played = play([planned("a", **changes), planned("b", "a")])

    shared = played.crew.submitted[0][1].shared
    assert played.crew.prepared == ([shared] if is_prepared else [])
    assert all(each is shared for each in played.crew.prepared)  # the launcher is told once


def test_the_story_of_a_run_begins_and_ends_with_it() -> None:
    played = play([planned("a"), planned("b", "a")])

    assert [type(event) for event in played.sink.events] == [
        RunStarted,
        TaskStarted,
        TaskEnded,
        TaskStarted,
        TaskEnded,
        RunFinished,
    ]
    assert played.sink.of(RunFinished)[0].counts == {"succeeded": 2}
    assert played.sink.committed == len(played.sink.events)


def test_nothing_begins_in_the_place_of_what_is_not_recorded() -> None:
    sink, told = RecordingSink(), list[int]()

    def watch(crew: FakeCrew) -> None:
        renew = crew.recorded

        def recorded() -> None:
            ended = [place for place, event in enumerate(sink.events) if isinstance(event, TaskEnded)]
            assert all(place < sink.flushed for place in ended)
            told.append(len(ended))
            renew()

        crew.recorded = recorded  # type: ignore[method-assign]  # what a crew is told, and when

    played = play([planned(f"t{n}") for n in range(6)], workers=2, prepare=watch, sink=sink)

    assert played.end.status is RunStatus.SUCCEEDED
    assert {2, 4, 6} <= set(told)


def test_independent_tasks_run_at_once_up_to_the_workers() -> None:
    played = play([planned(f"t{n}") for n in range(6)], workers=3)

    assert played.crew.most_running == 3
    assert played.clock.monotonic() == 1002


def test_the_longest_path_is_started_first() -> None:
    tasks = [planned("short"), planned("middle"), planned("long"), planned("after", "long"), planned("last", "after")]
    played = play(tasks, workers=1)

    assert [job.task for _, job in played.crew.submitted] == ["long", "after", "short", "middle", "last"]


def test_short_tasks_are_there_before_a_slot_is_free_and_long_ones_are_not() -> None:
    def wait_for_a_slot(duration_s: float) -> int:
        given: dict[int, float] = {}
        began: dict[int, float] = {}
        crews: list[FakeCrew] = []

        def script(job: Job) -> Scripted:
            began[job.number] = crews[0].clock.monotonic()
            return Scripted(value(), duration_s)

        def watch(crew: FakeCrew) -> None:
            crews.append(crew)
            submit = crew.submit

            def submitted(executor: str, job: Job) -> None:
                given[job.number] = crew.clock.monotonic()
                submit(executor, job)

            crew.submit = submitted  # type: ignore[method-assign]  # what a crew is given, and when

        play([planned(f"t{n}") for n in range(20)], script, workers=1, prepare=watch)
        return sum(began[number] > when for number, when in given.items())

    assert wait_for_a_slot(LONG_S / 10) > 5
    assert wait_for_a_slot(LONG_S * 2) == 0


def test_a_task_starts_when_its_own_needs_are_met_not_its_layer() -> None:
    durations = {"slow": 10.0, "quick": 1.0, "after": 1.0}
    played = play(
        [planned("slow"), planned("quick"), planned("after", "quick")],
        lambda job: Scripted(value(), durations[job.task]),
    )

    assert played.clock.monotonic() == 1010


def test_a_failure_skips_everything_downstream_with_the_reason() -> None:
    played = play([planned("a"), planned("b", "a"), planned("c", "b"), planned("free")], failing("a"))

    assert played.end.states == {
        "a": TaskState.FAILED,
        "b": TaskState.SKIPPED,
        "c": TaskState.SKIPPED,
        "free": TaskState.SUCCEEDED,
    }
    assert [(event.subject.task, event.reason) for event in played.sink.of(TaskSkipped)] == [
        ("b", 'task "a" failed'),
        ("c", 'task "b" was skipped'),
    ]
    assert played.end.exit_code is ExitCode.TASK_FAILED
    assert played.end.failed == ("a",)


def test_a_tolerated_failure_counts_as_success() -> None:
    played = play([planned("a", allow_failure=True), planned("b", "a")], failing("a"))

    assert played.end.states == {"a": TaskState.FAILED, "b": TaskState.SUCCEEDED}
    assert played.end.exit_code is ExitCode.OK
    assert played.sink.of(TaskEnded)[0].is_tolerated
    assert played.sink.of(RunFinished)[0].counts == {"succeeded": 1, "tolerated": 1}


def test_a_dependent_starts_only_after_a_commit_of_what_it_needs() -> None:
    sink, committed = RecordingSink(), dict[str, list[Event]]()

    def script(job: Job) -> Scripted:
        committed[job.task] = sink.events[: sink.committed]
        return WORKS

    play([planned("a"), planned("b", "a")], script, sink=sink)

    assert sink.of(TaskEnded)[0] in committed["b"]


def test_while_all_slots_are_taken_the_disk_has_until_the_next_turn_and_a_dependent_waits_for_it_all_the_same() -> None:
    sink, committed = RecordingSink(), dict[str, list[Event]]()

    def script(job: Job) -> Scripted:
        committed[job.task] = sink.events[: sink.committed]
        return WORKS

    others = [planned(f"other{number}") for number in range(6)]
    play([planned("a"), planned("b", "a"), *others], script, sink=sink, workers=1)

    (end,) = [event for event in sink.of(TaskEnded) if event.subject.task == "a"]
    assert sink.begun >= 5
    assert end in committed["b"]


def test_with_room_for_a_dependent_no_commit_is_left_for_later() -> None:
    sink = RecordingSink()

    play([planned("a"), planned("b", "a"), planned("c", "b")], sink=sink, workers=2)

    assert sink.begun == 0


def test_a_flaky_task_is_tried_exactly_as_often_as_needed() -> None:
    played = play(
        [planned("a", retry=Retry(attempts=5, delay_s=2, backoff=3))],
        lambda job: WORKS if job.attempt == 3 else FAILS,
    )

    assert [event.delay_s for event in played.sink.of(TaskRetrying)] == [2, 6]
    assert [event.subject.attempt for event in played.sink.of(TaskStarted)] == [1, 2, 3]
    assert played.end.states == {"a": TaskState.SUCCEEDED}
    assert played.clock.monotonic() == 1000 + 3 + 2 + 6


def test_exhausted_attempts_fail() -> None:
    played = play([planned("a", retry=Retry(attempts=3))], failing("a"))

    assert len(played.crew.submitted) == 3
    assert played.end.states == {"a": TaskState.FAILED}
    assert played.sink.of(TaskEnded)[0].subject.attempt == 3


def test_a_polite_task_ends_at_its_timeout() -> None:
    played = play([planned("a", timeout_s=5.0), planned("b", "a")], lambda _: Scripted(value(), 100))

    assert played.end.states == {"a": TaskState.TIMED_OUT, "b": TaskState.SKIPPED}
    assert played.crew.cancelled == [(1, False)]
    assert played.clock.monotonic() == 1005
    outcome = played.sink.of(TaskEnded)[0].outcome
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.message) == (FailureKind.TIMEOUT, "ran longer than its timeout of 5s")


def test_a_task_that_ignores_term_is_killed_after_its_grace() -> None:
    played = play(
        [planned("a", timeout_s=5.0, grace_s=2.0)],
        lambda _: Scripted(value(), 100, term_s=None),
    )

    assert played.crew.cancelled == [(1, False), (1, True)]
    assert played.clock.monotonic() == 1007


def test_without_grace_a_timeout_kills_at_once() -> None:
    played = play([planned("a", timeout_s=5.0, grace_s=0.0)], lambda _: Scripted(value(), 100, term_s=None))

    assert played.crew.cancelled == [(1, True)]


def test_a_timeout_is_retried() -> None:
    played = play(
        [planned("a", timeout_s=5.0, retry=Retry(attempts=2, on=("timeout",)))],
        lambda job: Scripted(value(), 100 if job.attempt == 1 else 1),
    )

    assert played.end.states == {"a": TaskState.SUCCEEDED}


def test_the_timeout_counts_from_the_start_of_each_attempt() -> None:
    played = play([planned("a", timeout_s=5.0), planned("b", timeout_s=5.0)], lambda _: Scripted(value(), 4), workers=1)

    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}


def test_what_an_executor_gives_up_by_itself_is_a_failure() -> None:
    given_up = Failure(FailureKind.CANCELLED, "", "the worker was retired")

    played = play([planned("a"), planned("b", "a")], lambda _: Scripted(given_up))

    assert played.end.states == {"a": TaskState.FAILED, "b": TaskState.SKIPPED}
    assert played.end.exit_code is ExitCode.TASK_FAILED


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.5, "500ms"), (10, "10s"), (1.5, "1.5s"), (600, "10m"), (5400, "1h30m"), (86_400, "24h")]
)
def test_limits_are_shown_as_workflows_write_them(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


def test_a_false_condition_skips_the_task_and_what_needs_it() -> None:
    played = play(
        [planned("a", condition=Constant(value=False)), planned("b", "a")],
        decisions=FakeDecisions(verdicts={"a": False}),
    )

    assert played.end.states == {"a": TaskState.SKIPPED, "b": TaskState.SKIPPED}
    assert [event.reason for event in played.sink.of(TaskSkipped)] == ["its condition is false", 'task "a" was skipped']
    assert played.end.exit_code is ExitCode.OK


@pytest.mark.parametrize(("verdict", "state"), [(True, TaskState.SUCCEEDED), (False, TaskState.SKIPPED)])
def test_a_worker_judges_what_the_engine_may_not(verdict: object, state: TaskState) -> None:
    played = play(
        [planned("a", condition=Constant(value=True), executor="thread")],
        lambda _: Scripted(value("a")),
        decisions=FakeDecisions(verdicts={"a": verdict is True}, at_worker=frozenset({"a"})),
    )

    assert played.end.states == {"a": state}
    assert played.crew.submitted[0][0] == "process"
    assert len(played.sink.of(TaskStarted)) == (state is TaskState.SUCCEEDED)


def test_a_condition_that_cannot_be_evaluated_fails_its_task() -> None:
    broken = Failure(FailureKind.EXPRESSION, "expression", "no such key")
    played = play(
        [planned("a", condition=Constant(value=True)), planned("b", "a")],
        decisions=FakeDecisions(verdicts={"a": broken}),
    )

    assert played.end.states == {"a": TaskState.FAILED, "b": TaskState.SKIPPED}
    assert played.sink.of(TaskEnded)[0].outcome == broken


def test_a_worker_that_dies_while_it_judges_fails_the_task() -> None:
    played = play(
        [planned("a", condition=Constant(value=True))],
        failing("a"),
        decisions=FakeDecisions(at_worker=frozenset({"a"})),
    )

    assert played.end.states == {"a": TaskState.FAILED}
    assert played.sink.of(TaskEnded)[0].subject.attempt == 0


def test_outputs_are_rendered_after_all_tasks() -> None:
    plan = plan_of([planned("a")], outputs={"n": Constant(value=1)})
    played = play(plan, lambda job: Scripted(value('{"n": 1}' if job.task == "outputs" else "")))

    assert played.end.outputs == '{"n": 1}'
    assert [job.task for _, job in played.crew.submitted] == ["a", "outputs"]
    assert played.end.states == {"a": TaskState.SUCCEEDED}


def test_outputs_that_cannot_be_rendered_fail_the_run() -> None:
    plan = plan_of([planned("a")], outputs={"n": Constant(value=1)})
    played = play(plan, failing("outputs"))

    assert played.end.outputs is None
    assert played.end.outputs_failure == raised()
    assert played.end.exit_code is ExitCode.TASK_FAILED


def test_a_failed_run_renders_no_outputs() -> None:
    plan = plan_of([planned("a")], outputs={"n": Constant(value=1)})
    played = play(plan, failing("a"))

    assert played.end.outputs is None
    assert len(played.crew.submitted) == 1


def test_the_wait_of_a_task_is_the_time_from_ready_to_started() -> None:
    played = play([planned("a"), planned("b")], workers=1)

    assert [event.wait_s for event in played.sink.of(TaskStarted)] == [0, 1]


def test_fail_fast_stops_the_run_at_the_first_failure() -> None:
    played = play(
        [planned("a"), planned("b"), planned("c"), planned("d")],
        lambda job: Scripted(raised(), 1) if job.task == "a" else Scripted(value(), 5),
        options=RunOptions("run", "/nowhere", is_fail_fast=True),
    )

    assert played.end.states == {
        "a": TaskState.FAILED,
        "b": TaskState.CANCELLED,
        "c": TaskState.CANCELLED,
        "d": TaskState.CANCELLED,
    }
    assert played.end.status is RunStatus.FAILED
    assert played.end.exit_code is ExitCode.TASK_FAILED
    assert played.clock.monotonic() == 1001


def test_outputs_that_do_not_travel_are_there_for_readers_and_taken_away_after_the_last() -> None:
    wide = [planned(f"wide{n}") for n in range(100)]
    tasks = [
        planned("a"),
        planned("unread"),
        planned("b", "a", reads=frozenset({"a"})),
        planned("c", "b", reads=frozenset({"a"})),
        *(planned(task.id, "c") for task in wide),
        planned("d", *(task.id for task in wide), reads=frozenset(task.id for task in wide)),
    ]
    crews: list[FakeCrew] = []
    kept: dict[str, set[str]] = {}

    def script(job: Job) -> Scripted:
        kept[job.task] = {task for task, _ in crews[0].outputs.refs}
        return Scripted(Success(ValueRef(300_000, "", is_plain=True, inline=bytes(300_000))))

    play(tasks, script, prepare=crews.append)

    assert kept["b"] == kept["c"] == {"a"}
    assert kept["d"] == {task.id for task in wide}


def test_outputs_that_travel_with_their_readers_are_not_handed_out() -> None:
    crews: list[FakeCrew] = []

    play([planned("a"), planned("b", "a", reads=frozenset({"a"}))], lambda _: WORKS, prepare=crews.append)

    assert crews[0].outputs.refs == {}


def test_a_task_runs_by_its_rule_and_a_skip_says_what_it_is_due_to() -> None:
    tasks = [
        planned("bad"),
        planned("good"),
        planned("done", "bad", "good", run_if="all_done"),
        planned("first", "bad", "good", run_if="one_success"),
        planned("alarm", "bad", "good", run_if="one_failed"),
        planned("none", "good", "below", run_if="none_failed"),
        planned("below", "bad"),
        planned("calm", "good", run_if="one_failed"),
        planned("mixed", "good", "bad", run_if="all_failed"),
    ]

    played = play(tasks, lambda job: Scripted(raised() if job.task == "bad" else value()))

    skips = {event.subject.task: event.reason for event in played.sink.events if isinstance(event, TaskSkipped)}
    assert skips == {
        "below": 'task "bad" failed',
        "none": 'task "below" was skipped',
        "calm": "no task that it needs failed",
        "mixed": 'task "good" succeeded, and its run_if is all_failed',
    }
    assert {name for name, state in played.end.states.items() if state is TaskState.SUCCEEDED} == {
        "good",
        "done",
        "first",
        "alarm",
    }


def test_a_task_that_does_not_wait_starts_while_other_needs_still_run() -> None:
    tasks = [planned("quick"), planned("slow"), planned("first", "quick", "slow", run_if="one_success")]

    played = play(tasks, lambda job: Scripted(value(), 9.0 if job.task == "slow" else 1.0))

    ends = {event.subject.task: event.at for event in played.sink.events if isinstance(event, TaskEnded)}
    assert ends["first"] < ends["slow"]
