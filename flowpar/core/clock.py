"""Time as a parameter, so that tests and the simulator can hold it in their hands."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one for people, one for durations."""

    def now(self) -> float:
        """Return seconds since the epoch (UTC); it may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds from some fixed point; it never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Return seconds since the epoch (UTC)."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds of CLOCK_MONOTONIC, the same in every process of the machine."""
        return time.monotonic()
