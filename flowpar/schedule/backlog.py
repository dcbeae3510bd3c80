"""What may start as soon as there is room, in lanes of those that ask for the same, the most urgent first."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.schedule.resources import Lane

    Rank = tuple[int, float, int]

Entry = TypeVar("Entry")


class Backlog(Generic[Entry]):
    """Entries by lane and rank (minus priority, minus weight, place); the lowest goes first, then who came first."""

    def __init__(self) -> None:
        """Start empty."""
        self._lanes: dict[Lane, list[tuple[Rank, int, Entry]]] = {}
        self._numbers = count()

    def __bool__(self) -> bool:
        """Whether anything may start."""
        return any(self._lanes.values())

    def add(self, lane: Lane, rank: Rank, entry: Entry) -> None:
        """Let `entry` start when its turn comes."""
        heappush(self._lanes.setdefault(lane, []), (rank, next(self._numbers), entry))

    def lanes(self) -> Iterator[Lane]:
        """Give the lanes that hold something."""
        return iter([lane for lane, entries in self._lanes.items() if entries])

    def has(self, lane: Lane, *, weight: float = 0.0) -> bool:
        """Whether a lane holds something, and it is at least so heavy."""
        entries = self._lanes.get(lane)
        return -entries[0][0][1] >= weight if entries else False

    def rank(self, lane: Lane) -> Rank:
        """Return how urgent the most urgent entry of a lane is that holds something."""
        return self._lanes[lane][0][0]

    def pop(self, lane: Lane) -> Entry:
        """Take the most urgent entry of a lane that holds something."""
        return heappop(self._lanes[lane])[-1]

    def clear(self) -> None:
        """Let nothing start."""
        self._lanes.clear()
