"""Watches the memory of attempts that have a limit; costs nothing while there is none.

    launcher ── add, remove ──► MemoryWatch
    launcher ◄─ due, over ───── MemoryWatch

It stands in the launcher, beyond the reach of a task that stops, blocks signals or forks.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.execute.footprint import footprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVERY_S = 0.05
# Looks take at most this share of the launcher's time, however large the trees are.
_SHARE = 0.1


@dataclass(slots=True)
class _Limit:
    pid: int
    limit_bytes: int
    peak_bytes: int = 0
    is_over: bool = False


class MemoryWatch:
    """Owned by the launcher; keys are those of its children."""

    def __init__(
        self,
        *,
        measure: Callable[[int, int], int] = footprint,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch nobody."""
        self._measure = measure
        self._clock = clock
        self._limits: dict[int, _Limit] = {}
        self._due: float | None = None

    def add(self, key: int, pid: int, limit_bytes: int) -> None:
        """Watch the tree of a process from now on; 0 is no limit."""
        if limit_bytes:
            self._limits[key] = _Limit(pid, limit_bytes)
            if self._due is None:
                self._due = self._clock() + _EVERY_S

    def remove(self, key: int) -> int:
        """Watch a tree no more; return how much it had where that was too much, else 0."""
        limit = self._limits.pop(key, None)
        if not self._limits:
            self._due = None
        return limit.peak_bytes if limit is not None and limit.is_over else 0

    @property
    def due(self) -> float | None:
        """When to look again, monotonic; None where nobody is watched."""
        return self._due

    def over(self) -> Iterator[int]:
        """Look, where it is time to; give the pid of each tree that has too much, each time until it is removed."""
        began = self._clock()
        if self._due is None or began < self._due:
            return
        for limit in list(self._limits.values()):
            found = self._measure(limit.pid, limit.limit_bytes)
            limit.peak_bytes = max(limit.peak_bytes, found)
            if found > limit.limit_bytes or limit.is_over:
                limit.is_over = True
                yield limit.pid
        now = self._clock()
        self._due = now + max(_EVERY_S, (now - began) / _SHARE)
