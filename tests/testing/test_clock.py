"""A clock that stands still until it is told to move."""

from __future__ import annotations

import pytest

from flowpar.testing.clock import FakeClock


def test_it_stands_still() -> None:
    clock = FakeClock(now=10, monotonic=1)

    assert (clock.now(), clock.monotonic()) == (clock.now(), clock.monotonic()) == (10, 1)


def test_both_clocks_advance_together() -> None:
    clock = FakeClock(now=10, monotonic=1)

    clock.advance(2)
    clock.advance_to(4)
    clock.advance_to(2)

    assert (clock.now(), clock.monotonic()) == (13, 4)


def test_the_wall_clock_jumps_alone() -> None:
    clock = FakeClock(now=10, monotonic=1)

    clock.jump(-3600)

    assert (clock.now(), clock.monotonic()) == (-3590, 1)


def test_it_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)
