"""A worker that stays ends after many attempts, or when it keeps too much memory."""

from __future__ import annotations

import mmap
from itertools import count

from flowpar.execute.wear import MOST_ATTEMPTS, MOST_BYTES, Wear, own_bytes


def test_a_process_is_worn_after_its_last_attempt_and_not_before() -> None:
    wear = Wear(measure=lambda: 0, clock=lambda: 0.0)

    worn = [wear.is_worn() for _ in range(MOST_ATTEMPTS)]

    assert not any(worn[:-1])
    assert worn[-1]


def test_a_process_is_worn_once_it_keeps_too_much() -> None:
    sizes, times = iter([MOST_BYTES, MOST_BYTES + 1]), count()
    wear = Wear(measure=lambda: next(sizes), clock=lambda: float(next(times)))

    assert [wear.is_worn(), wear.is_worn()] == [False, True]


def test_memory_is_looked_at_no_more_than_ten_times_a_second() -> None:
    looks, times = count(), (number / 100 for number in count())
    wear = Wear(measure=lambda: next(looks) and 0, clock=lambda: next(times))

    for _ in range(100):
        wear.is_worn()

    assert 8 <= next(looks) <= 10


def test_what_a_process_has_written_counts_as_its_own() -> None:
    before = own_bytes()
    # A mapping of its own: a large object may get memory that this process had written to before.
    with mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        for start in range(0, len(block), 4096):
            block[start] = 1

        assert own_bytes() - before > 24 << 20
