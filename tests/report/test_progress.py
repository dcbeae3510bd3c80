from __future__ import annotations

from dataclasses import replace

import pytest

from flowpar.core.events import Event, RunStopping, TaskLogged, TaskPrinted, TaskProgressed, TaskRetrying, TaskSkipped
from flowpar.report.progress import PlainSink, Verbosity
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


def told(*events: Event, verbosity: Verbosity = Verbosity.NORMAL) -> list[str]:
    written: list[str] = []
    sink = PlainSink(written.append, verbosity=verbosity)
    for event in events:
        sink.emit(event)
        sink.commit()
    sink.close()
    return "".join(written).splitlines()


RUN: list[Event] = [
    run_started(["list", "count", "late"]),
    task_started("list"),
    task_succeeded("list"),
    task_expanded("count", 2),
    task_started("count", 0),
    task_started("count", 1),
    task_succeeded("count", 0),
    task_failed("count", 1),
    TaskPrinted(subject("count", 1), AT, "one\n\x1b[31mtwo\n"),
    TaskLogged(subject("count", 1), AT, "info", "a line"),
    TaskProgressed(subject("count", 1), AT, 3, 10, "rows"),
    TaskSkipped(subject("late", attempt=0), AT, 'task "count" failed'),
]


def test_a_run_is_told_in_few_lines() -> None:
    assert told(*RUN) == [
        "words: run 20251122-101500-words-900, 3 tasks, 2 workers",
        "list: succeeded in 1.50 s",
        "count: 2 items",
        "count[1]: failed: ValueError: bad row",
        'late: skipped: task "count" failed',
    ]


def test_quiet_tells_failures_only() -> None:
    assert told(*RUN, verbosity=Verbosity.QUIET) == ["count[1]: failed: ValueError: bad row"]


def test_verbose_tells_starts_items_and_what_tasks_say() -> None:
    assert told(*RUN, verbosity=Verbosity.VERBOSE) == [
        "words: run 20251122-101500-words-900, 3 tasks, 2 workers",
        "list: started, pid 4242",
        "list: succeeded in 1.50 s",
        "count: 2 items",
        "count[0]: started, pid 4242",
        "count[1]: started, pid 4242",
        "count[0]: succeeded in 1.50 s",
        "count[1]: failed: ValueError: bad row",
        "count[1] | one",
        "count[1] | two",
        "count[1] info: a line",
        "count[1]: 3 of 10, rows",
        'late: skipped: task "count" failed',
    ]


def test_a_retry_and_a_stop_are_told() -> None:
    lines = told(TaskRetrying(subject(), AT, 2.0, RAISED, MEASURE), RunStopping(AT, "interrupted"))

    assert lines == ["load: attempt 1 failed, next in 2.00 s: ValueError: bad row", "stopping: interrupted"]


def test_an_end_after_the_first_attempt_says_which_it_was() -> None:
    again = replace(subject("list"), attempt=3)

    assert told(replace(task_succeeded("list"), subject=again)) == ["list: succeeded on attempt 3 in 1.50 s"]
    assert told(replace(task_failed("list"), subject=again)) == ["list: failed on attempt 3: ValueError: bad row"]


def test_a_tolerated_failure_says_so() -> None:
    assert told(task_failed(is_tolerated=True)) == ["load: failed (tolerated): ValueError: bad row"]


def test_many_items_are_summed_up_every_few_seconds() -> None:
    items = 1000
    events = [task_succeeded("count", item, at=AT + item / 100) for item in range(items)]

    lines = told(run_started(["count"]), task_expanded("count", items), *events, fan_out_succeeded("count", items))

    assert lines[2:] == ["501 of 1000 done, 0 running", "count: succeeded with 1000 items in 1.50 s"]


def test_a_name_cannot_steer_the_terminal() -> None:
    failure_lines = told(TaskSkipped(subject("late", attempt=0), AT, "\x1b[2J\nfake: succeeded"))

    assert failure_lines == ["late: skipped: fake: succeeded"]


def test_a_forged_journal_cannot_steer_the_terminal_by_its_names() -> None:
    evil = "\x1b[2Ja\x9b31m"
    events: list[Event] = [
        replace(run_started([evil]), run_id=evil),
        task_started(evil),
        task_failed(evil),
        task_succeeded(evil),
    ]

    lines = told(*events, verbosity=Verbosity.VERBOSE)

    assert "".join(lines).isprintable()
    assert lines[2] == "a: failed: ValueError: bad row"


@pytest.mark.parametrize("verbosity", list(Verbosity))
def test_nothing_is_written_for_nothing(verbosity: Verbosity) -> None:
    assert told(verbosity=verbosity) == []
