"""Submits what may start, the most urgent first, as long as there is room and what it asks for is free.

    backlog ─► room? ─► pools? ─► job ─► crew
                          └─ no ─► passed over, and what it asks for is kept free for it

Where no task of the plan has `resources`, the room of the executors is all that is asked for.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from flowpar.core.states import TaskState
from flowpar.schedule.attempt import Ready

if TYPE_CHECKING:
    from flowpar.data.cache_entry import Keeping
    from flowpar.schedule.caching import Lookup
    from flowpar.schedule.crew import Crew
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.job import JobMaker
    from flowpar.schedule.resources import Lane, Pools

# Whoever is passed over waits for something; behind so many of them hardly anybody finds what he needs.
_MOST_PASSED_OVER = 64
# So many are looked up and not made before the loop looks around again: some ten milliseconds.
_MOST_HITS = 256


class Filling:
    """Fills the crew; a part of the loop."""

    def __init__(self, desk: Desk, crew: Crew, jobs: JobMaker, lookup: Lookup) -> None:
        """Take from `desk`, make jobs by `jobs` of what `lookup` does not find, and give them to `crew`."""
        self._desk = desk
        self._crew = crew
        self._jobs = jobs
        self.lookup = lookup
        self._hits = 0

    @property
    def has_hits(self) -> bool:
        """Whether anything was looked up, and not to be made, that nobody has gone on from yet."""
        return self._hits > 0

    def take_hits(self) -> bool:
        """Return the same, and forget it."""
        had, self._hits = self.has_hits, 0
        return had

    def fill(self, *, weight: float = 0.0) -> None:
        """Submit what may start and is at least so heavy."""
        if self._desk.pools is not None:
            self._fill_in_turn(self._desk.pools, weight)
            return
        for lane in self._desk.backlog.lanes():
            while self._desk.backlog.has(lane, weight=weight) and self._has_room(lane) and self._may_look:
                self._start_next(lane)

    @property
    def _may_look(self) -> bool:
        return self._hits < _MOST_HITS and not self.lookup.is_full

    def is_held_up(self) -> bool:
        """Whether more waits than may run, and whatever else might start would wait as well."""
        if self._desk.pools is not None or not self._desk.backlog:
            return False
        return not any(map(self._has_room, self._desk.backlog.lanes()))

    def _has_room(self, lane: Lane) -> bool:
        if not self._crew.has_room(lane.executor):
            return False
        # A process of a batch goes on with the next item only where that is there.
        is_free = not lane.request or lane.executor == "batch"
        return is_free or self._desk.head_start.admits(self._desk.in_flight.busy)

    def _fill_in_turn(self, pools: Pools, weight: float) -> None:
        backlog, turn = self._desk.backlog, pools.turn(goes_ahead=self._desk.head_start.is_short)
        heads = [(backlog.rank(lane), lane) for lane in backlog.lanes()]
        heapify(heads)
        passed_over = 0
        while heads and passed_over < _MOST_PASSED_OVER and self._may_look:
            _, lane = heappop(heads)
            if not backlog.has(lane, weight=weight):
                continue
            if turn.admits(lane.request) and self._crew.has_room(lane.executor):
                self._start_next(lane)
                if backlog.has(lane):
                    heappush(heads, (backlog.rank(lane), lane))
            else:
                turn.reserve(lane.request)
                passed_over += 1

    def _start_next(self, lane: Lane) -> None:
        ready = self._next_ready(lane)
        if ready is None:
            return
        found = self.lookup.look(ready)
        if found is None:
            self._hits += 1
        else:
            self._submit(lane, *found)

    def _next_ready(self, lane: Lane) -> Ready | None:
        entry = self._desk.backlog.pop(lane)
        if isinstance(entry, Ready):
            return None if entry.record.state.is_final else entry  # it may be ended with what it is a part of
        entry.is_queued = False
        if entry.items is None or not entry.items.has_next:
            return None  # its items were closed since
        item, number = entry.items.take()
        self._desk.queue_items(entry)
        return entry.ready(item, number, entry.again_at.pop(item, entry.ready_at))

    def _submit(self, lane: Lane, ready: Ready, keeping: Keeping | None) -> None:
        record, pools = ready.record, self._desk.pools
        if ready.decision is None and record.state is not TaskState.RUNNING:
            if record.state is TaskState.PENDING:  # it is fed, or was looked up, and nothing had come before
                record.move(TaskState.READY)
            record.move(TaskState.RUNNING)
        grant = None if pools is None else pools.take(lane.request)
        attempt, job = self._jobs.make(ready, grant, keeping)
        self._desk.in_flight.add(attempt)
        self._crew.submit(lane.executor, job)
