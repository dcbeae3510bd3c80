"""What the loop asks a cache: whether an attempt was made before, in this run or another one.

    Ready ─► bindings ─► key ─┬─► Hit      settled as cached; of a repeat, the next round is looked up
                              ├─► Keeping  the worker keeps what it comes to
                              └─► None     nothing is known, or wanted

Only the first try at a task or an item is asked for: what failed in this run is made again. So are the rounds after
one that was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flowpar.core.frozen import dataclass
from flowpar.core.states import TaskState
from flowpar.execute.recipe import Render
from flowpar.schedule.rounds import is_first_round, tried_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.job import JobMaker
    from flowpar.schedule.unmade import Unmade


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

    def __init__(self, cache: Cache | None, unmade: Unmade, jobs: JobMaker) -> None:
        """Ask `cache`, where there is one."""
        self._cache = cache
        self._unmade = unmade
        self._jobs = jobs
        self.rendered: ValueRef | None = None

    def look(self, ready: Ready) -> tuple[Ready, Keeping | None] | None:
        """Return the attempt that is to be made and how to keep it; None where it is settled, as it was made before.

        Of a task that repeats, that is the first round which was not made before. `rendered` are the workflow's
        outputs, where these were.
        """
        cache, task = self._cache, ready.record.task
        if cache is None or task.cache is None or not isinstance(ready.decision, Render | None):
            return ready, None
        may_hit, following = self._may_hit(ready), ready
        total_s = 0.0
        while True:
            bindings, number = self._jobs.bindings(following), self._jobs.take_number
            found = cache.find(task, bindings, number=number, may_hit=may_hit)
            if not isinstance(found, Hit):
                return following, found
            if ready.decision is not None:
                self.rendered = found.value
                return None
            total_s += found.seconds
            after = self._unmade.settle(following, found, total_s=total_s)
            if after is None:
                return None
            following = after

    def _may_hit(self, ready: Ready) -> bool:
        if ready.decision is not None:
            return True
        is_unmade = ready.item is not None or ready.record.state is TaskState.PENDING
        return is_unmade and ready.number - tried_before(ready) == 1 and is_first_round(ready)

    def heard(self, completion: Completion) -> Completion:
        """Return how an attempt ended, as it is to be told."""
        return self._cache.heard(completion) if self._cache is not None and completion.warnings else completion
