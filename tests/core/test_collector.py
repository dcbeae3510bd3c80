"""Pauses of the collector: what is made in them is not looked through, and its garbage does not stay for ever."""

from __future__ import annotations

import gc
import weakref

import pytest

from flowpar.core.collector import collector_paused


class Node:
    """Two of them that know each other are garbage which only the collector finds."""

    def __init__(self) -> None:
        self.other: Node | None = None


def leave_garbage(pairs: int) -> weakref.ref[Node]:
    with collector_paused():
        for _ in range(pairs):
            one, other = Node(), Node()
            one.other, other.other = other, one
    return weakref.ref(one)


def collections() -> int:
    return sum(int(generation["collections"]) for generation in gc.get_stats())


@pytest.mark.parametrize(("pairs", "pauses"), [(100, 1000), (6_000, 40)], ids=["little", "much"])
def test_the_garbage_of_pauses_does_not_stay_for_ever(pairs: int, pauses: int) -> None:
    left = [leave_garbage(pairs) for _ in range(pauses)]

    assert left[0]() is None
    assert sum(each() is not None for each in left) < pauses


def test_what_was_made_in_a_pause_is_not_looked_through_after_it() -> None:
    before = collections()
    with collector_paused():
        made = [[number] for number in range(100_000)]
    next_ones = [[number] for number in range(100)]

    assert collections() - before <= 1  # and that only where this was the pause in so many that looks
    assert len(made) + len(next_ones) == 100_100


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_pause_in_a_pause_ends_none() -> None:
    with collector_paused():
        with collector_paused():
            pass

        assert not gc.isenabled()
    assert gc.isenabled()
