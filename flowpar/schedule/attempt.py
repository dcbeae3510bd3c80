"""One go at a task, an item or a decision, from the moment it may start until its completion.

    Ready     may start; waits in the backlog
    Attempt   was submitted; `ending` says why the loop is ending it, if it is
    InFlight  all attempts that were submitted and are not complete {job number: attempt}

Ending is polite first; what is left when the grace of the task is over is ended by force.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.events import Subject
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowpar.core.clock import Clock
    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.recipe import Expand, Judge, Render
    from flowpar.schedule.crew import Crew
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.resources import Grant, Pools
    from flowpar.schedule.timers import Timer, Timers


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt that may start since `since` (monotonic); a `decision` is one that the engine leaves to a worker.

    `round` is 0 unless the task repeats; `previous` is what the round before gave.
    """

    record: Record
    item: int | None
    number: int
    since: float
    decision: Judge | Expand | Render | None = None
    round: int = 0
    previous: ValueRef | None = None

    @property
    def takes_slot(self) -> bool:
        """Whether it holds a worker, or a part of one: a thread does not unless its task says so."""
        return self.decision is not None or bool(self.record.lane.request)


class Ending(Enum):
    """Why the loop ends an attempt."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt that was submitted, and its `grant`; `log_file` is relative to the run folder, `started` monotonic.

    `keeping` is how the cache keeps it, where it does.
    """

    job: int
    ready: Ready
    log_file: str
    fingerprint: str = ""
    grant: Grant | None = None
    keeping: Keeping | None = None
    started: float | None = None
    started_at: float = 0.0
    pid: int = 0
    timer: Timer[Callable[[], None]] | None = None
    ending: Ending | None = None
    reason: str = ""
    ended_by_us: float = 0.0
    was_forced: bool = False
    told_as: Subject | None = None

    @property
    def subject(self) -> Subject:
        """What events of it are about."""
        if self.told_as is None:
            ready, task = self.ready, self.ready.record.task
            key = ready.record.key_of(ready.item)
            self.told_as = Subject(task.id, ready.item, ready.number, task.layer, task.executor, ready.round, key)
        return self.told_as


class InFlight:
    """The attempts that were submitted and are not complete, and how they are ended; `busy` of them take slots."""

    def __init__(
        self, crew: Crew, clock: Clock, timers: Timers[Callable[[], None]], pools: Pools | None = None
    ) -> None:
        """Start with none; what one holds goes back to `pools` when it is complete."""
        self._crew = crew
        self._clock = clock
        self._timers = timers
        self._pools = pools
        self._attempts: dict[int, Attempt] = {}
        self.busy = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._attempts)

    def __iter__(self) -> Iterator[Attempt]:
        """Give them in the order in which they were submitted."""
        return iter(list(self._attempts.values()))

    def add(self, attempt: Attempt) -> None:
        """Note that an attempt was submitted."""
        self._attempts[attempt.job] = attempt
        self.busy += attempt.ready.takes_slot

    def find(self, job: int) -> Attempt | None:
        """Return the attempt of a job, or None where it is complete."""
        return self._attempts.get(job)

    def start(self, attempt: Attempt, pid: int, monotonic: float) -> None:
        """Note that an attempt runs; its timeout counts from now on."""
        attempt.pid, attempt.started = pid, monotonic
        attempt.started_at = self._clock.now() - (self._clock.monotonic() - monotonic)
        timeout_s = attempt.ready.record.task.timeout_s
        if timeout_s is not None and attempt.ending is None:
            attempt.timer = self._timers.add(monotonic + timeout_s, partial(self._time_out, attempt))

    def remove(self, attempt: Attempt) -> None:
        """Note that an attempt is complete."""
        self._timers.cancel(attempt.timer)
        if self._pools is not None and attempt.grant is not None:
            self._pools.give_back(attempt.grant)
        self.busy -= attempt.ready.takes_slot
        del self._attempts[attempt.job]

    def end(self, attempt: Attempt, ending: Ending, reason: str) -> None:
        """End an attempt politely, and by force when its grace is over."""
        if attempt.ending is not None:
            return
        attempt.ending, attempt.reason = ending, reason
        attempt.ended_by_us = self._clock.monotonic()
        self._timers.cancel(attempt.timer)
        grace_s = attempt.ready.record.task.grace_s
        if grace_s <= 0:
            self.force(attempt)
            return
        attempt.timer = self._timers.add(attempt.ended_by_us + grace_s, partial(self.force, attempt))
        self._crew.cancel(attempt.job)

    def force(self, attempt: Attempt) -> None:
        """End an attempt at once."""
        if not attempt.was_forced and attempt.job in self._attempts:
            attempt.was_forced = True
            self._timers.cancel(attempt.timer)
            self._crew.cancel(attempt.job, force=True)

    def _time_out(self, attempt: Attempt) -> None:
        self.end(attempt, Ending.TIMEOUT, "")
