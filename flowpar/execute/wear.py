"""When a worker that stays has done enough: after so many attempts, or once it keeps so much memory."""

from __future__ import annotations

import os
import resource
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ATTEMPTS = 5_000
MOST_BYTES = 512 << 20
# A look at one's own memory costs a tenth of a small attempt.
_LOOK_EVERY_S = 0.1
_PAGE_BYTES = resource.getpagesize()


def own_bytes() -> int:
    """Return how much memory this process has written itself, without files that it has mapped; 0 if unknown."""
    try:
        number = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        _, resident, shared, *_ = map(int, os.read(number, 256).split())
    finally:
        os.close(number)
    return (resident - shared) * _PAGE_BYTES


class Wear:
    """Counts the attempts of one process, and looks at its memory from time to time."""

    def __init__(self, *, measure: Callable[[], int] = own_bytes, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a new process."""
        self._measure = measure
        self._clock = clock
        self._count = 0
        self._looked = clock()

    def is_worn(self) -> bool:
        """Count one more attempt; return whether it was the last one."""
        self._count += 1
        now = self._clock()
        if self._count >= MOST_ATTEMPTS or now - self._looked < _LOOK_EVERY_S:
            return self._count >= MOST_ATTEMPTS
        self._looked = now
        return self._measure() > MOST_BYTES
