from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.past import Past, PastAttempt
from flowpar.report.timeline import arrange

sys.path.insert(0, str(Path(__file__).parent))
from pages import AT, ran


def past_of(*attempts: PastAttempt, needs: dict[str, tuple[str, ...]] | None = None) -> Past:
    end = max((one.ended_at or AT for one in attempts), default=AT)
    return Past(attempts, ((AT, end),), needs or {})


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 40)), max_size=40))
def test_what_is_in_one_row_never_overlaps_and_there_are_as_few_rows_as_work_at_once(
    times: list[tuple[int, int]],
) -> None:
    attempts = [replace(ran("t", start, took, n), pid=n) for n, (start, took) in enumerate(times)]

    found = arrange(past_of(*attempts))

    for row in range(len(found.labels)):
        spans = sorted(times[n] for n, place in enumerate(found.rows) if place == row)
        assert all(start + took <= later for (start, took), (later, _) in pairwise(spans))
    at_once = max((sum(s <= start < s + t for s, t in times) for start, _ in times), default=0)
    assert len(found.labels) == at_once


def test_a_worker_that_stays_keeps_its_row() -> None:
    attempts = [
        replace(ran("t", start, 1, n), pid=pid, executor="pool")
        for n, (start, pid) in enumerate([(0, 7), (0.5, 8), (2, 8), (3.2, 7), (3.3, 8)])
    ]

    assert arrange(past_of(*attempts)).rows == (0, 1, 1, 0, 1)


def test_executors_have_rows_of_their_own() -> None:
    found = arrange(past_of(ran("a", 0, 1), replace(ran("b", 2, 1), executor="pool")))

    assert found.labels == ("process 1", "pool 1")


def test_the_critical_path_goes_back_by_what_each_attempt_waited_for() -> None:
    attempts = [ran("load", 0, 1), ran("short", 1, 0.5), ran("long", 1, 3, 0), ran("long", 1, 2, 1), ran("end", 4, 1)]
    needs: dict[str, tuple[str, ...]] = {"load": (), "short": ("load",), "long": ("load",), "end": ("short", "long")}

    assert arrange(past_of(*attempts, needs=needs)).critical == (0, 2, 4)


def test_an_attempt_that_was_made_again_is_on_the_path_by_itself() -> None:
    attempts = [ran("load", 0, 1), replace(ran("load", 1.5, 1), attempt=2)]

    assert arrange(past_of(*attempts, needs={"load": ()})).critical == (0, 1)


def test_without_needs_there_is_no_critical_path() -> None:
    assert arrange(past_of(ran("load", 0, 1))).critical == ()


def test_the_time_between_an_end_and_a_resume_is_taken_out() -> None:
    attempts = (ran("load", 0, 1), ran("end", 1001, 1))

    found = arrange(Past(attempts, ((AT, AT + 2), (AT + 1000, AT + 1003)), {}))

    assert list(found.starts) == [0, 3]
    assert list(found.resumed) == [2]
    assert found.length_s == 5


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 1e9)), max_size=6), st.lists(st.floats(-1e9, 1e9)))
def test_clocks_that_jump_are_no_failure(parts: list[tuple[float, float]], starts: list[float]) -> None:
    attempts = tuple(ran("t", start, 1, n) for n, start in enumerate(starts))

    found = arrange(Past(attempts, tuple((AT + at, AT + at + length) for at, length in parts), {"t": ("t",)}))

    assert all(start is not None and start >= 0 for start in found.starts)
