"""A cache that has what a seed says: the same attempts in each part of a run, whatever crashes in between.

find ─┬─ drawn ─► Hit, with what the attempt would come to
      └─ not   ─► Keeping
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.data.cache_entry import Keeping
from flowpar.planning.model import Caching
from flowpar.schedule.caching import Hit
from flowpar.testing.simulation import value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.standing import Key

_SHARE = 0.5


@dataclass(slots=True)
class DrawnCache:
    """What was made before, of a `share` of all attempts; `rounds` are how many tasks take that repeat.

    What is `doomed` nobody ever made. `found` has the last round of each that was found since the run began, or went
    on.
    """

    seed: int
    rounds: Mapping[str, int]
    doomed: Collection[str] = ()
    found: dict[Key, int] = field(default_factory=dict)
    share: float = _SHARE

    @classmethod
    def drawn(cls, seed: int, rounds: Mapping[str, int], doomed: Collection[str]) -> DrawnCache | None:
        """Return the cache of a seed, where it has one."""
        return cls(seed, rounds, doomed) if _share(f"has {seed} a cache?") < _SHARE else None

    def cached(self, tasks: Iterable[PlannedTask], yielded: Collection[str]) -> list[PlannedTask]:
        """Return tasks of which some have a cache: none whose value is a list, which has another name each time."""
        return [
            replace(task, cache=Caching())
            if task.template is None and task.id not in yielded and _share(f"{task.id} of {self.seed}") < _SHARE
            else task
            for task in tasks
        ]

    def find(
        self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool
    ) -> Hit | Keeping | None:
        """Return what was drawn of an attempt."""
        number()
        item = bindings.index if bindings.key is None else bindings.key
        share = _share(f"{self.seed}: {task.id} {item} {bindings.round}")
        if not may_hit or task.id in self.doomed or share >= self.share:
            return Keeping("key", {}, "/nowhere")
        self.found[task.id, item] = bindings.round
        is_last = bindings.round >= self.rounds.get(task.id, 0)
        return Hit(value(task.id).value, "key", {}, ("before", task.id), 1.0, is_last)

    def heard(self, completion: Completion) -> Completion:
        """Return how an attempt ended."""
        return completion


def _share(drawn_for: str) -> float:
    return random.Random(f"cache: {drawn_for}").random()  # noqa: S311 - the same each time, and no secret
