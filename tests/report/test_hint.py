"""A hint is one line, measured, and only where another executor would have been clearly better."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import Measure
from flowpar.core.outcome import Spent
from flowpar.core.states import RunStatus
from flowpar.report.hint import Times, hint
from flowpar.report.summary import SummarySink
from flowpar.testing.events import (
    AT,
    MEASURE,
    fan_out_succeeded,
    run_finished,
    run_started,
    task_failed,
    task_succeeded,
)

amounts = st.floats(0, 1e6)
counts = st.integers(0, 10_000)
times = st.builds(Times, counts, amounts, amounts, counts, counts, amounts, amounts, amounts)
SHORT = Times(500, 2.0, 2.0, calls=500, items=0, of_calls_s=2.0, import_s=0.2, call_s=0.05)
STARTED = "hint: 500 tasks worked for 0.05 s, and starting a process for each took 1.75 s"
WAITING = Times(40, 20.0, 0.6, calls=40, items=40, of_calls_s=20.0, import_s=0.1, call_s=19.5)
IMPORTING = Times(20, 22.0, 21.0, calls=20, items=0, of_calls_s=22.0, import_s=20.0, call_s=1.5)


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (SHORT, f"{STARTED}; executor: pool keeps its processes"),
        (replace(SHORT, items=500), f"{STARTED}; batch: auto makes several items in one process"),
        (WAITING, "hint: 40 tasks had the processor for 3 % of their 20.0 s; a larger -w lets more than 2 wait "),
        (IMPORTING, "hint: 20 tasks spent 20.0 s of their 22.0 s on imports; executor: pool imports once for each "),
    ],
)
def test_what_would_have_been_better_is_told_with_what_was_measured(measured: Times, told: str) -> None:
    assert hint(measured, workers=2, wall_s=10.5).startswith(told)


@pytest.mark.parametrize(
    "measured",
    [
        Times(),
        replace(SHORT, calls=99),
        replace(SHORT, call_s=0.5),
        replace(SHORT, of_calls_s=0.6),
        replace(WAITING, cpu_s=2.1),
        replace(WAITING, attempts=3),
        replace(WAITING, duration_s=14.0),
        replace(WAITING, duration_s=24.0),
        replace(IMPORTING, calls=7),
        replace(IMPORTING, import_s=10.0, call_s=11.5),
        replace(IMPORTING, import_s=1.9, of_calls_s=2.0, call_s=0.1),
    ],
)
def test_what_is_not_clear_is_not_told(measured: Times) -> None:
    assert hint(measured, workers=2, wall_s=10.5) == ""


@given(times, st.integers(1, 64), amounts)
def test_whatever_was_measured_a_hint_is_one_short_line(measured: Times, workers: int, wall_s: float) -> None:
    told = hint(measured, workers=workers, wall_s=wall_s)

    assert told == "" or (told.startswith("hint: ") and told.isprintable() and len(told) < 200)


def measure(call_s: float = 0.0) -> Measure:
    return Measure(7, AT, AT + 0.01, 0.01, 0.0, 0.01, spent=Spent(0.0, call_s))


def test_only_good_ends_in_processes_of_their_own_count() -> None:
    taken = Times()
    good = replace(task_succeeded(), measure=measure(0.002))
    pooled = replace(good, subject=replace(good.subject, executor="pool"))

    for event in (good, pooled, fan_out_succeeded("each", 3), task_succeeded("sh")):
        taken.take(replace(event, measure=None) if event.items else event)

    assert (taken.attempts, taken.calls, round(taken.start_s, 6)) == (2, 1, 0.008)
    assert taken.duration_s == 0.01 + MEASURE.duration_s


@pytest.mark.parametrize(("status", "is_told"), [(RunStatus.SUCCEEDED, True), (RunStatus.FAILED, False)])
def test_a_run_that_failed_has_no_hint(status: RunStatus, *, is_told: bool) -> None:
    sink = SummarySink()
    sink.emit(run_started())
    for _ in range(200):
        sink.emit(replace(task_succeeded(), measure=measure()))
    sink.emit(task_failed())
    sink.emit(run_finished(status))

    assert sink.hint().startswith("hint: 200 tasks") == is_told
    assert sink.hint().endswith("\n") == is_told
