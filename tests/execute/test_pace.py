"""Jobs travel together while they are known to be short."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.base import Job
from flowpar.execute.pace import Pace


def job(number: int, *, item: bool = True, attempt: int = 1, task: str = "t") -> Job:
    return Job(number, task, number if item else None, attempt, b"", b"", b"", "", 5.0)


def jobs(count: int, *, item: bool = True) -> deque[Job]:
    return deque(job(number, item=item) for number in range(count))


def test_what_nobody_knows_goes_alone() -> None:
    assert len(Pace().bundle(jobs(100), 2)) == 1


def test_short_jobs_travel_together_and_long_ones_alone() -> None:
    pace = Pace()
    pace.note(job(0, task="short"), 0.0001)
    pace.note(job(0, task="long"), 1.0)

    assert len(pace.bundle(deque(job(n, task="short") for n in range(500)), 2)) == 64
    assert len(pace.bundle(deque(job(n, task="long") for n in range(500)), 2)) == 1


def test_a_job_that_became_slow_is_believed_within_a_few() -> None:
    pace = Pace()
    pace.note(job(0), 0.0001)

    pace.note(job(1), 1.0)

    assert len(pace.bundle(jobs(100), 2)) == 1
    assert pace.most == 1


def test_different_tasks_are_known_by_what_the_last_ones_took() -> None:
    pace = Pace()
    for number in range(5):
        pace.note(job(number, item=False), 0.001)

    assert 5 < len(pace.bundle(jobs(100, item=False), 2)) < 15


def test_an_attempt_after_a_first_one_goes_alone() -> None:
    pace = Pace()
    pace.note(job(0), 0.0001)
    waiting = deque([job(1), job(2, attempt=2), job(3)])

    sizes = [len(pace.bundle(waiting, 1)) for _ in range(3)]

    assert sizes == [1, 1, 1]


@given(st.integers(1, 200), st.integers(1, 8), st.lists(st.floats(0, 2), max_size=10))
def test_all_are_given_in_order_and_each_seat_gets_a_share(count: int, slots: int, seen: list[float]) -> None:
    pace, waiting, given_out = Pace(), jobs(count), list[int]()
    for seconds in seen:
        pace.note(job(0), seconds)

    while waiting:
        left = len(waiting)
        bundle = pace.bundle(waiting, slots)
        given_out += [each.number for each in bundle]
        assert 1 <= len(bundle) <= min(64, -(-left // slots))

    assert given_out == list(range(count))
