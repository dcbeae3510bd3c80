"""Which tasks may run now.

A frontier starts from the plan's `needs` and is told how each task ended. It starts no process,
reads no clock and raises no event.

    waiting  tasks of which it is open whether they run {task: how what they need ended so far}
    ready    tasks that may be taken, heaviest remaining path first, then in file order
    taken    tasks that were taken and have not ended

A task that another one feeds item by item need not wait for its end: a need of this kind is met as soon as the
other has begun to give.

No move recurses, and each costs O(log n) at most for each edge.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.schedule.rule import Counts, Tally, Verdict, blamed, decide

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flowpar.core.run_if import RunIf


@dataclass(frozen=True, slots=True)
class Skip:
    """A task that will not run, and the need of it that is to blame, "" where that is not one alone.

    Where it `counts_as_failed`, something above it failed.
    """

    task: str
    because: str
    counts_as_failed: bool = False


class Frontier:
    """The ready-set of one run; owned by the loop alone.

    `needs` is in file order; `weights` is the length of the longest path from a task to the end; `feeds`
    has for a task those of its needs that feed it item by item; `rules` has the `run_if` of those tasks that do
    not wait for all to succeed, and none of those that are fed.
    """

    def __init__(
        self,
        needs: Mapping[str, Collection[str]],
        weights: Mapping[str, float] | None = None,
        feeds: Mapping[str, Collection[str]] | None = None,
        rules: Mapping[str, RunIf] | None = None,
    ) -> None:
        """Sort the tasks into those that wait and those that are ready."""
        weights = weights or {}
        self._rules = dict(rules or {})
        self._fed_by: dict[str, set[str]] = {}
        for task, sources in (feeds or {}).items():
            for source in sources:
                self._fed_by.setdefault(source, set()).add(task)
        self._rank = {task: (-weights.get(task, 0.0), place) for place, task in enumerate(needs)}
        self._dependents: dict[str, list[str]] = {task: [] for task in needs}
        self._waiting: dict[str, Tally] = {}
        self._taken: set[str] = set()
        self._begun: set[str] = set()
        self._never: list[str] = []
        ready = []
        for task, needed in needs.items():
            distinct = set(needed)
            for need in distinct:
                self._dependents[need].append(task)
            if distinct:
                self._waiting[task] = Tally(len(distinct))
            elif decide(self._rule_of(task), Tally()) is Verdict.RUN:
                ready.append(task)
            else:
                self._never.append(task)
        self._ready = [(*self._rank[task], task) for task in ready]
        heapify(self._ready)

    def __bool__(self) -> bool:
        """Whether any task has not ended yet."""
        return bool(self._ready or self._taken or self._waiting or self._never)

    @property
    def has_ready(self) -> bool:
        """Whether a task may be taken."""
        return bool(self._ready)

    def weight_after(self, task: str) -> float:
        """Return the weight of the heaviest task that needs `task`, 0 where none does."""
        return max((-self._rank[dependent][0] for dependent in self._dependents[task]), default=0.0)

    def join(
        self,
        needs: Mapping[str, Collection[str]],
        feeds: Mapping[str, Collection[str]],
        rules: Mapping[str, RunIf],
        *,
        before: str,
        awaited: Collection[str],
    ) -> None:
        """Take tasks that join the run, and need nothing but each other; `before` waits for the `awaited` ones, too."""
        self._rules.update(rules)
        for task, sources in feeds.items():
            for source in sources:
                self._fed_by.setdefault(source, set()).add(task)
        weight = (self._rank[before][0] if before else 0.0) - 1.0
        for task in needs:
            self._rank[task] = (weight, len(self._rank))
            self._dependents[task] = []
        for task, needed in needs.items():
            for need in set(needed):
                self._dependents[need].append(task)
            if needed:
                self._waiting[task] = Tally(len(set(needed)))
            else:
                heappush(self._ready, (*self._rank[task], task))
        for task in awaited:
            self._dependents[task].append(before)
        if before in self._waiting:
            self._waiting[before].unmet += len(awaited)

    def rule_out(self) -> list[Skip]:
        """Return what is skipped before anything ended: what asks for needs and has none, and all below it."""
        never, self._never = self._never, []
        return [*(Skip(task, "") for task in never), *self._tell(never, Counts.SKIPPED)]

    def take(self) -> str:
        """Take the most urgent task that is ready; LookupError where none is."""
        if not self._ready:
            raise LookupError("no task is ready")
        task = heappop(self._ready)[-1]
        self._taken.add(task)
        return task

    def begin(self, task: str) -> None:
        """Note that a taken task has begun to give; what it feeds need not wait for it any longer."""
        if task in self._begun or task not in self._fed_by:
            return
        self._begun.add(task)
        for fed in self._fed_by[task]:
            tally = self._waiting.get(fed)
            if tally is not None:
                tally.begin()
                if decide("all_success", tally) is Verdict.RUN:
                    del self._waiting[fed]
                    heappush(self._ready, (*self._rank[fed], fed))

    def succeed(self, task: str) -> list[Skip]:
        """Note that a taken task ended well; return all that is skipped for it, nearest first."""
        return self._end(task, Counts.SUCCEEDED)

    def fail(self, task: str) -> list[Skip]:
        """Note that a taken task failed; return all that is skipped for it, nearest first."""
        return self._end(task, Counts.FAILED)

    def skip(self, task: str) -> list[Skip]:
        """Note that a taken task will not run after all; return all that is skipped for it, nearest first."""
        return self._end(task, Counts.SKIPPED)

    def _end(self, task: str, counts: Counts) -> list[Skip]:
        self._taken.remove(task)
        return self._tell([task], counts)

    def _tell(self, tasks: Collection[str], counts: Counts) -> list[Skip]:
        """Let what waits for tasks that ended be ready, or skip it, with all that waits for that."""
        skipped: list[Skip] = []
        ended = deque((task, counts) for task in tasks)
        while ended:
            need, counts = ended.popleft()
            for task in self._dependents[need]:
                tally = self._waiting.get(task)
                if tally is None:
                    continue  # it was skipped, or did not wait for this one
                tally.add(need, counts, has_begun=need in self._begun and task in self._fed_by[need])
                rule = self._rule_of(task)
                verdict = decide(rule, tally)
                if verdict is None:
                    continue
                del self._waiting[task]
                if verdict is Verdict.RUN:
                    heappush(self._ready, (*self._rank[task], task))
                    continue
                is_failed = verdict is Verdict.SKIP_AS_FAILED
                skipped.append(Skip(task, blamed(rule, tally), counts_as_failed=is_failed))
                ended.append((task, Counts.FAILED if is_failed else Counts.SKIPPED))
        return skipped

    def _rule_of(self, task: str) -> RunIf:
        return self._rules.get(task, "all_success")
