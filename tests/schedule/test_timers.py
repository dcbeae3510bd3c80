"""Timers ring in order, once, and dead ones do not pile up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowpar.schedule.timers import Timers


def test_what_is_due_rings_in_order() -> None:
    timers: Timers[str] = Timers()
    for due, name in [(3.0, "c"), (1.0, "a"), (2.0, "b"), (1.0, "after a")]:
        timers.add(due, name)

    assert list(timers.ring(2.0)) == ["a", "after a", "b"]
    assert timers.next_due() == 3.0


def test_a_cancelled_timer_does_not_ring() -> None:
    timers: Timers[str] = Timers()
    first = timers.add(1.0, "first")
    timers.add(2.0, "second")

    timers.cancel(first)
    timers.cancel(first)
    timers.cancel(None)

    assert timers.next_due() == 2.0
    assert list(timers.ring(9.0)) == ["second"]


def test_what_is_added_while_ringing_rings_too_when_due() -> None:
    timers: Timers[int] = Timers()
    timers.add(1.0, 1)
    rung = []

    for number in timers.ring(5.0):
        rung.append(number)
        timers.add(number + 2.0, number + 2)

    assert rung == [1, 3, 5]


def test_dead_timers_do_not_pile_up() -> None:
    timers: Timers[int] = Timers()
    for number in range(10_000):
        timers.cancel(timers.add(1e9, number))

    assert len(timers._heap) < 200  # noqa: SLF001 - its size is the claim
    assert timers.next_due() is None


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans())))
def test_all_but_the_cancelled_ring_once(entries: list[tuple[float, bool]]) -> None:
    timers: Timers[int] = Timers()
    made = [timers.add(due, number) for number, (due, _) in enumerate(entries)]
    for timer, (_, is_cancelled) in zip(made, entries, strict=True):
        if is_cancelled:
            timers.cancel(timer)

    rung = list(timers.ring(100))

    assert sorted(rung) == [number for number, (_, is_cancelled) in enumerate(entries) if not is_cancelled]
    assert [entries[number][0] for number in rung] == sorted(entries[number][0] for number in rung)
