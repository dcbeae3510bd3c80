"""What the loop asks a cache: whether an attempt was made before, in this run or another one.

    Ready ─► bindings ─► key ─┬─► Hit      settled as cached; of a repeat, the next round is looked up
                              ├─► Keeping  the worker keeps what it comes to
                              ├─► None     nothing is known, or wanted
                              └─► Later    it waits for the disk ─► back to the backlog once that has answered

Only the first try at a task or an item is asked for: what failed in this run is made again. So are the rounds after
one that was made. While a look-up waits for the disk nothing holds a slot, and all else goes on.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeAlias

from flowpar.core.frozen import dataclass, replace
from flowpar.core.outcome import Success
from flowpar.core.states import TaskState
from flowpar.execute.recipe import Render
from flowpar.schedule.rounds import is_first_round, tried_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.attempt import Attempt, Ready
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.job import JobMaker
    from flowpar.schedule.unmade import Unmade

    Found: TypeAlias = "Hit | Keeping | None"


@dataclass(frozen=True, slots=True)
class Hit:
    """An attempt that was made before: its value as one of this run, and what its key is made of.

    `made_by` are the run and the task that made it, and `seconds` is how long that took. `is_last` is what its
    `until` came to, where it has one.
    """

    value: ValueRef
    key: str
    parts: Mapping[str, object]
    made_by: tuple[str, str]
    seconds: float
    is_last: bool = True


class Later:
    """A look-up that waits for the disk: a large file is read, or put back. It is known by its identity."""


class Cache(Protocol):
    """Where attempts are looked up."""

    def find(self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool) -> Found | Later:
        """Return what an attempt came to before, or how to keep it; `number` gives the files of its value a name.

        Where that takes a while it is `found` once it is known, and the crew's wait returns then.
        """
        ...

    def found(self) -> Sequence[tuple[Later, Found]]:
        """Return what was found since the last time."""
        ...

    def drop(self) -> None:
        """Forget the look-ups that wait: nobody will ask what they come to."""
        ...

    def heard(self, task: str, completion: Completion) -> Completion:
        """Return how an attempt at a task ended, less what a person knows already about the cache."""
        ...


# So many look-ups wait for the disk at once; what each of them knows already takes some KB.
_MOST_WAITING = 64
# And so many for these, each of some hundred bytes.
_MOST_TURNED_AWAY = 4_096
_Place = tuple[str, int | None]


class Lookup:
    """Settles attempts that were made before; a part of the loop."""

    def __init__(
        self,
        cache: Cache | None,
        desk: Desk,
        unmade: Unmade,
        jobs: JobMaker,
        *,
        rendered: Callable[[Success], None],
    ) -> None:
        """Ask `cache`, where there is one; tell `rendered` the workflow's outputs, where these were made before."""
        self._cache = cache
        self._desk = desk
        self._unmade = unmade
        self._jobs = jobs
        self._rendered = rendered
        self._waiting: dict[Later, tuple[Ready, float]] = {}
        self._turned_away: deque[Ready] = deque()
        self._found: dict[_Place, tuple[Found, float]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether any look-up waits for the disk, or for others that do, of a task that is not over by now."""
        asked = chain((ready for ready, _ in self._waiting.values()), self._turned_away)
        return any(not ready.record.state.is_final for ready in asked)

    @property
    def is_full(self) -> bool:
        """Whether so many wait for others that no more are to be asked for."""
        return len(self._turned_away) >= _MOST_TURNED_AWAY

    def look(self, ready: Ready) -> tuple[Ready, Keeping | None] | None:
        """Return the attempt that is to be made and how to keep it; None where it is settled or waits for the disk.

        Of a task that repeats, that is the first round which was not made before.
        """
        cache, task = self._cache, ready.record.task
        if cache is None or task.cache is None or not isinstance(ready.decision, Render | None):
            return ready, None
        if (task.id, ready.item) in self._found:
            found, total_s = self._found.pop((task.id, ready.item))
            return self._go_on(cache, ready, found, total_s)
        if len(self._waiting) >= _MOST_WAITING:
            self._set_aside(ready)
            self._turned_away.append(ready)
            return None
        return self._go_on(cache, ready, self._asked(cache, ready, may_hit=self._may_hit(ready)), 0.0)

    def take_found(self) -> None:
        """Let attempts have their turn of which it is known by now whether they were made before."""
        if self._cache is None:
            return
        if self._desk.stop is not None:
            self._drop(self._cache)
        if not self.is_waiting:
            return
        for later, found in self._cache.found():
            ready, total_s = self._waiting.pop(later)
            self._found[ready.record.task.id, ready.item] = (found, total_s)
            self._take_up(ready)
        room = _MOST_WAITING - len(self._waiting) if self._waiting else len(self._turned_away)
        for _ in range(min(room, len(self._turned_away))):
            self._take_up(self._turned_away.popleft())

    def heard(self, attempt: Attempt, completion: Completion) -> Completion:
        """Return how an attempt ended, as it is to be told, and note where it was not kept."""
        if self._cache is None or not completion.warnings:
            return completion
        told = self._cache.heard(attempt.ready.record.task.id, completion)
        if told is not completion and attempt.keeping is not None:
            attempt.keeping = replace(attempt.keeping, note="unkept")
        return told

    def _go_on(
        self, cache: Cache, ready: Ready, found: Found | Later, total_s: float
    ) -> tuple[Ready, Keeping | None] | None:
        """Go on from what was found, in `total_s` all in all, to what was not; or until it takes a while."""
        while True:
            if isinstance(found, Later):
                self._set_aside(ready)
                self._waiting[found] = (ready, total_s)
                return None
            if not isinstance(found, Hit):
                return ready, found
            if ready.decision is not None:
                self._rendered(Success(found.value))
                return None
            total_s += found.seconds
            after = self._unmade.settle(ready, found, total_s=total_s)
            if after is None:
                return None
            ready = after
            found = self._asked(cache, ready, may_hit=True)

    def _asked(self, cache: Cache, ready: Ready, *, may_hit: bool) -> Found | Later:
        bindings, number = self._jobs.bindings(ready), self._jobs.take_number
        return cache.find(ready.record.task, bindings, number=number, may_hit=may_hit)

    def _may_hit(self, ready: Ready) -> bool:
        if ready.decision is not None:
            return True
        is_unmade = ready.item is not None or ready.record.state is TaskState.PENDING
        return is_unmade and ready.number - tried_before(ready) == 1 and is_first_round(ready)

    def _set_aside(self, ready: Ready) -> None:
        """Take an attempt back that was about to be made; an item is not out meanwhile."""
        items = ready.record.items
        if ready.item is not None and items is not None:
            items.set_aside(ready.item, ready.number)
            ready.record.again_at[ready.item] = ready.since
            self._desk.queue_items(ready.record)  # of few at once the next may have its turn

    def _take_up(self, ready: Ready) -> None:
        """Let an attempt have its turn again; one that was cancelled meanwhile stays so."""
        record = ready.record
        if ready.item is None or record.items is None:
            self._desk.queue(ready)
            return
        record.items.release(ready.item)
        self._desk.queue_items(record)

    def _drop(self, cache: Cache) -> None:
        """Forget what waits: nothing more is made."""
        if self._waiting:
            cache.drop()
        self._waiting.clear()
        self._turned_away.clear()
        self._found.clear()
