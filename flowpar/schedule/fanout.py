"""The items of one fanned-out task: a counter and a bounded window, never nodes of the graph.

    fresh    how many items were never given out
    delayed  how many items are set aside: until the time of their next attempt, or what the cache has of them is known
    again    items whose next attempt may start, lowest first
    running  how many items are out now
    states   one byte for each item, so a million items are a megabyte

An open set is not whole from the start: it grows, its items are given out once they are offered, and it is
sealed when it is known how many there are.

    offered  items of an open set that may be given out, lowest first

Time and events are the loop's: nothing here reads a clock or tells anyone.
"""

from __future__ import annotations

import sys
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from flowpar.core.errors import InternalError
from flowpar.core.states import MOVES, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATES = tuple(TaskState)
_CODES = {state: code for code, state in enumerate(_STATES)}
_MOVES = tuple(frozenset(map(_CODES.__getitem__, MOVES[state])) for state in _STATES)
_PENDING = _CODES[TaskState.PENDING]
_CANCELLED_AT_CLOSE = bytes.maketrans(
    bytes([_PENDING, _CODES[TaskState.READY]]), bytes([_CODES[TaskState.CANCELLED]] * 2)
)


class ItemSet:
    """Where the items of one task stand; owned by the loop alone."""

    def __init__(self, count: int, *, max_parallel: int | None = None, is_open: bool = False) -> None:
        """Start with `count` pending items, of which at most `max_parallel` are out at once."""
        self.count = count
        self.running = 0
        self.is_sealed = not is_open
        self._limit = max_parallel or (sys.maxsize if is_open else count)
        self._offered: list[int] | None = [] if is_open else None
        self._states = bytearray([_PENDING]) * count
        self._next = 0
        self._fresh = count
        self._delayed = 0
        self._again: list[int] = []
        self._attempts: dict[int, int] = {}
        self.is_closed = False

    @property
    def has_next(self) -> bool:
        """Whether an item may be taken now."""
        fresh = self._fresh if self._offered is None else self._offered
        return self.running < self._limit and bool(self._again or fresh)

    @property
    def is_over(self) -> bool:
        """Whether no item is out or will be."""
        return self.is_sealed and not (self.running or self._fresh or self._delayed or self._again)

    def take(self) -> tuple[int, int]:
        """Take the next item and return it with the number of its attempt; LookupError where there is none."""
        if not self.has_next:
            raise LookupError("no item may be taken")
        if self._again:
            item = heappop(self._again)
        else:
            item = self._next_fresh()
            self._move(item, TaskState.READY)
        self._move(item, TaskState.RUNNING)
        self.running += 1
        return item, self._attempts.get(item, 1)

    def grow(self, count: int) -> None:
        """Let an open set have at least `count` items."""
        if count > self.count:
            self._states += bytes([_PENDING]) * (count - self.count)
            self._fresh += count - self.count
            self.count = count

    def offer(self, item: int) -> None:
        """Let a pending item of an open set be given out."""
        if self._offered is None:
            raise InternalError("only an open set is offered its items")
        if not self.is_closed:
            heappush(self._offered, item)

    def seal(self) -> None:
        """Note that the set has all its items."""
        self.is_sealed = True

    def _next_fresh(self) -> int:
        if self._offered is not None:
            self._fresh -= 1
            return heappop(self._offered)
        item = self._states.index(_PENDING, self._next)
        self._next = item + 1
        self._fresh -= 1
        return item

    def skip(self, item: int) -> None:
        """Leave out an item that was never given out."""
        self._move(item, TaskState.SKIPPED)
        self._fresh -= 1

    def stand(self, item: int, state: TaskState) -> None:
        """Take a pending item as it ended before the run went on."""
        self._states[item] = _CODES[state]
        self._fresh -= 1

    def settle(self, item: int, state: TaskState) -> None:
        """Note how an item that is out ended for good."""
        self._move(item, state)
        self.running -= 1
        self._attempts.pop(item, None)

    def hit(self, item: int) -> None:
        """Note that an item that was just taken need not be made: it was, before."""
        self._states[item] = _CODES[TaskState.CACHED]
        self.running -= 1
        self._attempts.pop(item, None)

    def set_aside(self, item: int, attempt: int) -> None:
        """Take back an item that is out; once it is released it is given out again as that attempt."""
        self._move(item, TaskState.READY)
        self.running -= 1
        self._delayed += 1
        self._attempts[item] = attempt

    def release(self, item: int) -> None:
        """Let an item be taken that was set aside; one that was cancelled meanwhile stays so."""
        if self.state(item) is TaskState.READY:
            self._delayed -= 1
            heappush(self._again, item)

    def close(self) -> None:
        """Give nothing out any more; what is not out is cancelled."""
        self._states = bytearray(self._states.translate(_CANCELLED_AT_CLOSE))
        self.is_closed = self.is_sealed = True
        self._fresh = self._delayed = 0
        self._again.clear()
        if self._offered is not None:
            self._offered.clear()

    def state(self, item: int) -> TaskState:
        """Return where one item stands."""
        return _STATES[self._states[item]]

    def states(self) -> tuple[str, ...]:
        """Return the name of each item's state, in item order."""
        return tuple(_STATES[code].value for code in self._states)

    def tally(self, *states: TaskState) -> int:
        """Count the items in any of `states`."""
        return sum(self._states.count(_CODES[state]) for state in states)

    def all_in(self, state: TaskState) -> Iterator[int]:
        """Give the items in `state`, lowest first."""
        code = _CODES[state]
        return (item for item, now in enumerate(self._states) if now == code)

    def _move(self, item: int, state: TaskState) -> None:
        code = _CODES[state]
        if code not in _MOVES[self._states[item]]:
            raise InternalError(f"item {item} cannot go from {self.state(item)} to {state}")
        self._states[item] = code
