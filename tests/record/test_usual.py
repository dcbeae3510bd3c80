"""What is usual, and what is slow beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.record.index import RunIndex
from flowpar.record.overview import Overview, Status
from flowpar.record.usual import MOST_RUNS, Usual, is_slow_run, usual_of, usual_runs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("took_s", "usual", "times", "is_slow"),
    [
        (10.0, Usual(4.0, 3), 1, True),
        (5.9, Usual(4.0, 3), 1, False),  # not half as long again
        (0.9, Usual(0.1, 3), 1, False),  # less than a second more
        (0.9, Usual(0.1, 3), 2, True),  # of two items together it is more
        (10.0, Usual(4.0, 2), 1, False),  # two runs say nothing
    ],
)
def test_slow_is_half_as_long_again_and_a_second_more(
    took_s: float, usual: Usual, times: int, *, is_slow: bool
) -> None:
    assert usual.is_slow(took_s, times=times) is is_slow


def test_the_newest_runs_count() -> None:
    assert usual_of([100.0] * 50 + [1.0] * MOST_RUNS) == Usual(1.0, MOST_RUNS)
    assert usual_of([]) is None


def run(number: int, took_s: float, status: Status = Status.SUCCEEDED, **more: int) -> Overview:
    return Overview(f"20251122-10150{number}-words-a00", status, "words", duration_s=took_s, **more)  # type: ignore[arg-type]


def test_a_run_is_beside_those_that_began_before_and_succeeded() -> None:
    runs = [
        run(5, 99.0),
        run(4, 3.0, Status.FAILED),
        run(3, 50.0, resumes=1),
        run(2, 12.0),
        run(1, 10.0),
        replace(run(0, 1.0), workflow="other"),
    ]

    usual = usual_runs(runs)

    assert {one.run_id[14]: usual.get(one.run_id) for one in runs} == {
        "0": None,
        "1": None,
        "2": Usual(10.0, 1),
        "3": Usual(11.0, 2),
        "4": Usual(11.0, 2),
        "5": Usual(11.0, 2),
    }


def test_a_run_that_was_resumed_is_not_called_slow() -> None:
    usual = Usual(1.0, 5)

    assert is_slow_run(run(1, 9.0), usual)
    assert not is_slow_run(run(1, 9.0, resumes=1), usual)
    assert not is_slow_run(run(1, 9.0), None)


def test_the_index_knows_what_tasks_usually_take(tmp_path: Path) -> None:
    index = RunIndex(tmp_path)

    assert index.usual("words", "20251122-101500-words-900") == {}
