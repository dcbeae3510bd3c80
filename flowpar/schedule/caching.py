"""What the loop asks a cache: whether an attempt was made before, in this run or another one.

    Ready ─► bindings ─► key ─┬─► Hit      settled as cached, no attempt is made
                              ├─► Keeping  the worker keeps what it comes to
                              └─► None     nothing is known, or wanted

Only the first try at a task or an item is asked for: what failed in this run is made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flowpar.core.frozen import dataclass
from flowpar.core.states import TaskState
from flowpar.schedule.rounds import tried_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.job import JobMaker
    from flowpar.schedule.settle import Settlement


@dataclass(frozen=True, slots=True)
class Hit:
    """An attempt that was made before: its value as one of this run, and what its key is made of.

    `made_by` are the run and the task that made it, and `seconds` is how long that took.
    """

    value: ValueRef
    key: str
    parts: Mapping[str, object]
    made_by: tuple[str, str]
    seconds: float


class Cache(Protocol):
    """Where attempts are looked up."""

    def find(
        self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool
    ) -> Hit | Keeping | None:
        """Return what an attempt came to before, or how to keep it; `number` gives the files of its value a name."""
        ...

    def heard(self, completion: Completion) -> Completion:
        """Return how an attempt ended, less what a person knows already about the cache."""
        ...


class Lookup:
    """Settles attempts that were made before; a part of the loop."""

    def __init__(self, cache: Cache | None, settlement: Settlement, jobs: JobMaker) -> None:
        """Ask `cache`, where there is one."""
        self._cache = cache
        self._settlement = settlement
        self._jobs = jobs

    def look(self, ready: Ready) -> Hit | Keeping | None:
        """Return how to keep an attempt; one that was made before is settled by it."""
        record, item = ready.record, ready.item
        if self._cache is None or record.task.cache is None or ready.decision is not None:
            return None
        may_hit = ready.number - tried_before(ready) == 1 and (item is not None or record.state is TaskState.PENDING)
        bindings, number = self._jobs.bindings(ready), self._jobs.take_number
        found = self._cache.find(record.task, bindings, number=number, may_hit=may_hit)
        if isinstance(found, Hit):
            self._settlement.settle_cached(ready, found)
        return found

    def heard(self, completion: Completion) -> Completion:
        """Return how an attempt ended, as it is to be told."""
        return self._cache.heard(completion) if self._cache is not None and completion.warnings else completion
