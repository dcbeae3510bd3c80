"""What is due when: a heap of things with a time each; who turns it reads the clock."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = TypeVar("Payload")


@dataclass(slots=True, order=True)
class Timer(Generic[Payload]):
    """One thing that is due at `due` (monotonic seconds), first come first served among equals."""

    due: float
    number: int
    payload: Payload | None = field(compare=False)


class Timers(Generic[Payload]):
    """All timers of a run; cancelled ones are swept before they outnumber the rest.

    A million items with a timeout of hours would otherwise leave a million dead entries.
    """

    def __init__(self) -> None:
        """Start with nothing due."""
        self._heap: list[Timer[Payload]] = []
        self._numbers = count()
        self._dead = 0

    def add(self, due: float, payload: Payload) -> Timer[Payload]:
        """Let `payload` be due at `due`."""
        timer = Timer(due, next(self._numbers), payload)
        heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer[Payload] | None) -> None:
        """Forget a timer; one that rang, was cancelled or is None is ignored."""
        if timer is None or timer.payload is None:
            return
        timer.payload = None
        self._dead += 1
        if self._dead > _FEW and self._dead * 2 > len(self._heap):
            self._heap = [each for each in self._heap if each.payload is not None]
            heapify(self._heap)
            self._dead = 0

    def next_due(self) -> float | None:
        """Return when the next thing is due, or None."""
        while self._heap and self._heap[0].payload is None:
            heappop(self._heap)
            self._dead -= 1
        return self._heap[0].due if self._heap else None

    def ring(self, now: float) -> Iterator[Payload]:
        """Give all that is due by `now`, in order; what is added meanwhile is given, too."""
        while (due := self.next_due()) is not None and due <= now:
            timer = heappop(self._heap)
            payload, timer.payload = timer.payload, None
            if payload is not None:
                yield payload


_FEW = 64
