"""Whether jobs are sent ahead of the workers: it saves short ones a wait, and takes from long ones their order.

    attempts ended ─► how long they take, the latest counting most ─► is_short

A job that is sent ahead begins before anything more urgent that comes meanwhile. Of long tasks the most urgent one is
therefore chosen only when a slot is free, which costs them some thousandths.
"""

from __future__ import annotations

from typing import Final

LONG_S: Final = 0.2
_SHARE: Final = 1 / 8


class HeadStart:
    """How long attempts take, and so whether the next one goes ahead; owned by the loop."""

    def __init__(self, slots: int, expected_s: float | None) -> None:
        """Expect what earlier runs took, None where nothing is known: then none goes ahead until some were short."""
        self._slots = slots
        self._mean_s = 2 * LONG_S if expected_s is None else expected_s

    def note(self, seconds: float) -> None:
        """Note how long an attempt took."""
        self._mean_s += (seconds - self._mean_s) * _SHARE

    @property
    def is_short(self) -> bool:
        """Whether attempts are so short that the next ones are better there already."""
        return self._mean_s < LONG_S

    def admits(self, busy: int) -> bool:
        """Whether another job may be sent where so many hold a slot, or wait for one."""
        return busy < self._slots or self._mean_s < LONG_S
