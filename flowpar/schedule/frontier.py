"""Which tasks may run now.

A frontier starts from the plan's `needs` and is told how each task ended. It starts no process,
reads no clock and raises no event.

    waiting  tasks with unmet needs {task: how many are unmet}
    ready    tasks that may be taken, heaviest remaining path first, then in file order
    taken    tasks that were taken and have not ended

A task that another one feeds item by item need not wait for its end: a need of this kind is met as soon as the
other has begun to give.

No move recurses, and each costs O(log n) at most for each edge.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Skip:
    """A task that will not run, and the need of it that is to blame."""

    task: str
    because: str


class Frontier:
    """The ready-set of one run; owned by the loop alone.

    `needs` is in file order; `weights` is the length of the longest path from a task to the end; `feeds`
    has for a task those of its needs that feed it item by item.
    """

    def __init__(
        self,
        needs: Mapping[str, Collection[str]],
        weights: Mapping[str, float] | None = None,
        feeds: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Sort the tasks into those that wait and those that are ready."""
        weights = weights or {}
        self._fed_by: dict[str, set[str]] = {}
        for task, sources in (feeds or {}).items():
            for source in sources:
                self._fed_by.setdefault(source, set()).add(task)
        self._rank = {task: (-weights.get(task, 0.0), place) for place, task in enumerate(needs)}
        self._dependents: dict[str, list[str]] = {task: [] for task in needs}
        self._waiting: dict[str, int] = {}
        self._taken: set[str] = set()
        self._begun: set[str] = set()
        for task, needed in needs.items():
            distinct = set(needed)
            for need in distinct:
                self._dependents[need].append(task)
            if distinct:
                self._waiting[task] = len(distinct)
        self._ready = [(*self._rank[task], task) for task in needs if task not in self._waiting]
        heapify(self._ready)

    def __bool__(self) -> bool:
        """Whether any task has not ended yet."""
        return bool(self._ready or self._taken or self._waiting)

    @property
    def has_ready(self) -> bool:
        """Whether a task may be taken."""
        return bool(self._ready)

    def weight_after(self, task: str) -> float:
        """Return the weight of the heaviest task that needs `task`, 0 where none does."""
        return max((-self._rank[dependent][0] for dependent in self._dependents[task]), default=0.0)

    def take(self) -> str:
        """Take the most urgent task that is ready; LookupError where none is."""
        if not self._ready:
            raise LookupError("no task is ready")
        task = heappop(self._ready)[-1]
        self._taken.add(task)
        return task

    def begin(self, task: str) -> None:
        """Note that a taken task has begun to give; what it feeds need not wait for it any longer."""
        if task not in self._begun and task in self._fed_by:
            self._begun.add(task)
            self._meet(dependent for dependent in self._dependents[task] if dependent in self._fed_by[task])

    def succeed(self, task: str) -> None:
        """Note that a taken task ended well; what only waited for it becomes ready."""
        self._taken.remove(task)
        met = self._fed_by[task] if task in self._begun else ()
        self._meet(dependent for dependent in self._dependents[task] if dependent not in met)

    def _meet(self, dependents: Iterable[str]) -> None:
        for dependent in dependents:
            unmet = self._waiting.get(dependent)
            if unmet is None:
                continue  # skipped already: another need of it failed
            if unmet > 1:
                self._waiting[dependent] = unmet - 1
                continue
            del self._waiting[dependent]
            heappush(self._ready, (*self._rank[dependent], dependent))

    def fail(self, task: str) -> list[Skip]:
        """Note that a taken task failed; return all that is skipped for it, nearest first."""
        self._taken.remove(task)
        skipped: list[Skip] = []
        ended = deque([task])
        while ended:
            because = ended.popleft()
            for dependent in self._dependents[because]:
                if self._waiting.pop(dependent, None) is not None:
                    skipped.append(Skip(dependent, because))
                    ended.append(dependent)
        return skipped

    def skip(self, task: str) -> list[Skip]:
        """Note that a taken task will not run after all; return all that is skipped for it, nearest first."""
        return self.fail(task)
