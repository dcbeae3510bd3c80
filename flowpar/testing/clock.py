"""A clock that stands still until it is told to move."""

from __future__ import annotations


class FakeClock:
    """Time in your hands; both clocks advance together."""

    def __init__(self, *, now: float = 1_700_000_000.0, monotonic: float = 1000.0) -> None:
        """Start at the given times."""
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds from some fixed point."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass; it never goes back."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds}")
        self._now += seconds
        self._monotonic += seconds

    def advance_to(self, monotonic: float) -> None:
        """Let time pass until the monotonic clock shows at least `monotonic`."""
        if monotonic > self._monotonic:
            self._now += monotonic - self._monotonic
            self._monotonic = monotonic

    def jump(self, seconds: float) -> None:
        """Set the wall clock by some seconds, as an operator or daylight saving does."""
        self._now += seconds
