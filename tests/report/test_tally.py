from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import RunStopping, TaskProgressed, TaskRetrying, TaskSkipped
from flowpar.report.tally import Tally
from flowpar.testing.events import (
    AT,
    MEASURE,
    RAISED,
    fan_out_succeeded,
    run_started,
    subject,
    task_expanded,
    task_failed,
    task_started,
    task_succeeded,
)


def test_a_fan_out_counts_as_its_items() -> None:
    tally = Tally()

    for event in (run_started(["list", "count"]), task_succeeded("list"), task_expanded("count", 3)):
        tally.take(event)

    assert (tally.total, tally.done_count) == (4, 1)


@given(st.integers(0, 5), st.integers(0, 5))
def test_all_is_done_when_the_fan_out_is_whether_or_not_each_item_was_spoken_of(items: int, told: int) -> None:
    tally = Tally()
    tally.take(run_started(["count"]))
    tally.take(task_expanded("count", items))
    for item in range(min(items, told)):
        tally.take(task_started("count", item))
        tally.take(task_succeeded("count", item))

    tally.take(fan_out_succeeded("count", items))

    assert tally.done_count == tally.total == items
    assert tally.running == {}


def test_running_attempts_are_known_with_what_they_said_last() -> None:
    tally = Tally()
    progress = TaskProgressed(subject("b"), AT, 3, 10, "rows")
    for event in (run_started(["a", "b"]), task_started("a"), task_started("b"), progress, task_succeeded("a")):
        tally.take(event)

    (running,) = tally.running.values()

    assert running.subject.task == "b"
    assert running.progress == progress


def test_a_retry_ends_nothing() -> None:
    tally = Tally()
    for event in (run_started(), task_started(), TaskRetrying(subject(), AT, 1.0, RAISED, MEASURE)):
        tally.take(event)

    assert (tally.done_count, tally.running) == (0, {})


def test_failures_skips_and_the_stop_are_known() -> None:
    tally = Tally()
    for event in (
        run_started(["a", "b"]),
        task_failed("a"),
        TaskSkipped(subject("b", attempt=0), AT, 'task "a" failed'),
        RunStopping(AT, "interrupted"),
    ):
        tally.take(event)

    assert tally.failed_count == 1
    assert tally.done == {"failed": 1, "skipped": 1}
    assert tally.stopping == "interrupted"


def test_a_tolerated_failure_is_no_failure() -> None:
    tally = Tally()
    for event in (run_started(["a", "b"]), task_failed("a", is_tolerated=True), task_failed("b", 3)):
        tally.take(event)

    assert tally.failed_count == 1
    assert tally.done == {"tolerated": 1, "failed": 1}


def test_late_progress_of_an_ended_attempt_is_nothing() -> None:
    tally = Tally()
    for event in (run_started(), task_started(), task_succeeded(), TaskProgressed(subject(), AT, 1, 2, "")):
        tally.take(event)

    assert tally.running == {}
