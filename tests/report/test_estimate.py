"""When a run may end, told with a clock in the hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.report.estimate import Expected, Pace
from flowpar.report.tally import Tally
from flowpar.testing.events import (
    AT,
    MEASURE,
    fan_out_succeeded,
    run_started,
    task_expanded,
    task_started,
    task_succeeded,
)

if TYPE_CHECKING:
    from flowpar.core.events import Event

TOOK = {"load": 4.0, "count": 2.0}
KNOWN = Expected(lambda task: TOOK.get(task, 1.0), TOOK.__contains__, {"count": 10}, path_s=6.0)


def left(*events: Event, after_s: float, expected: Expected | None = None) -> float | None:
    tally, pace = Tally(), Pace(expected)
    for event in events:
        tally.take(event)
        pace.take(event)
    return pace.left_s(tally, AT + after_s)


def test_without_earlier_runs_it_goes_on_as_it_went() -> None:
    assert left(run_started(list("abcd")), task_succeeded("a"), after_s=10) == pytest.approx(30)
    assert left(run_started(list("abcd")), after_s=10) is None


def test_at_first_it_takes_what_it_took() -> None:
    assert left(run_started(["load", "count"]), after_s=0, expected=KNOWN) == pytest.approx(12)  # 24 s on two workers


def test_a_run_that_goes_as_expected_ends_when_it_is_expected() -> None:
    items = [task_succeeded("count", item) for item in range(6)]

    told = left(run_started(["load", "count"]), task_expanded("count", 10), *items, after_s=6, expected=KNOWN)

    assert told == pytest.approx(6)


def test_a_run_that_is_slower_ends_later() -> None:
    items = [task_succeeded("count", item) for item in range(6)]

    told = left(run_started(["load", "count"]), task_expanded("count", 10), *items, after_s=12, expected=KNOWN)

    assert told == pytest.approx(9)


def test_what_runs_counts_but_not_as_done() -> None:
    begun: list[Event] = [run_started(["load"], workers=1), task_started("load")]

    assert left(*begun, after_s=2, expected=replace(KNOWN, path_s=0.0)) == pytest.approx(2)
    late = left(*begun, after_s=60, expected=KNOWN)
    assert late is not None
    assert 0 < late < 4


def test_items_that_no_earlier_run_has_are_taken_to_be_as_those_that_are_done() -> None:
    took = replace(MEASURE, duration_s=8.0)
    done = [replace(task_succeeded("new", item), measure=took) for item in range(5)]

    told = left(run_started(["new"], workers=1), task_expanded("new", 10), *done, after_s=40, expected=KNOWN)

    assert told == pytest.approx(40)


def test_nothing_is_left_when_all_is_over() -> None:
    events: list[Event] = [
        run_started(["count"]),
        task_expanded("count", 2),
        task_succeeded("count", 0),
        task_succeeded("count", 1),
    ]

    assert left(*events, fan_out_succeeded("count", 2), after_s=3, expected=KNOWN) == pytest.approx(0)
    assert left(*events, fan_out_succeeded("count", 2), after_s=3) is None


def test_what_a_resumed_run_keeps_is_not_left() -> None:
    begun = replace(run_started(list("abcd"), workers=1), kept=3, again={})
    each = Expected(lambda _: 1.0, lambda _: True)

    assert left(begun, after_s=0, expected=each) == pytest.approx(1)
