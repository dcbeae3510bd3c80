"""Which attempts may begin: no more at once than there are slots, those that ended and are not recorded included.

Executors whose attempts have a processor each share one of these: what runs in a pool leaves less room for others.

ask ──► waiting ──► granted ──► give_back ──► unrecorded ──► renew
        └ in the order in which the launcher starts them, so that neither waits for the other
"""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Applicant(Protocol):
    """An attempt that needs leave to begin."""

    cpu_milli: int
    has_leave: bool

    def let_begin(self) -> None:
        """Begin, or know that it may; `has_leave` is true from now on."""
        ...


class Leaves:
    """Gives attempts leave to begin by the rule by which the launcher has slots for them."""

    def __init__(self, slots: int) -> None:
        """Give leave for `slots` whole shares of the processor at once."""
        self._room_milli = slots * 1000
        self._taken_milli = 0
        self._unrecorded_milli = 0
        self._waiting: deque[Applicant] = deque()

    def ask(self, attempt: Applicant) -> None:
        """Let an attempt begin, now or when there is room for it; what takes no share needs none."""
        if not attempt.cpu_milli:
            attempt.let_begin()
            return
        self._waiting.append(attempt)
        self._grant()

    def give_back(self, attempt: Applicant) -> None:
        """Take back what an attempt had that is over; it is room for another one once that is recorded."""
        if attempt.has_leave:
            self._unrecorded_milli += attempt.cpu_milli
        else:
            self._waiting.remove(attempt)

    def renew(self) -> None:
        """Give on what was given back before."""
        if self._unrecorded_milli or self._waiting:
            self._taken_milli -= self._unrecorded_milli
            self._unrecorded_milli = 0
            self._grant()

    def _grant(self) -> None:
        while self._waiting:
            share_milli = self._waiting[0].cpu_milli
            # One that is larger than all slots has them to itself.
            if self._taken_milli and self._taken_milli + share_milli > self._room_milli:
                return
            self._taken_milli += share_milli
            self._waiting.popleft().let_begin()
