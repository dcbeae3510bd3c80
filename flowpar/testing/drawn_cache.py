"""A cache that has what a seed says: the same attempts in each part of a run, whatever crashes in between.

find ─┬─ drawn ─► Hit, with what the attempt would come to
      ├─ not   ─► Keeping
      └─ slow  ─► Later, and one of these when the crew's clock has gone on
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.data.cache_entry import Keeping
from flowpar.planning.model import Caching
from flowpar.schedule.caching import Hit, Later
from flowpar.testing.simulation import value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.caching import Found
    from flowpar.testing.crew import FakeCrew
    from flowpar.testing.standing import Key

_SHARE = 0.5
_SLOW = 0.3
_SLOWEST_S = 5.0


@dataclass(slots=True)
class DrawnCache:
    """What was made before, of a `share` of all attempts; `rounds` are how many tasks take that repeat.

    What is `doomed` nobody ever made. `found_rounds` has the last round of each that was found since the run began,
    or went on.
    """

    seed: int
    rounds: Mapping[str, int]
    doomed: Collection[str] = ()
    found_rounds: dict[Key, int] = field(default_factory=dict)
    share: float = _SHARE
    _crew: FakeCrew | None = None
    _waiting: dict[Later, tuple[Key, int, Found]] = field(default_factory=dict)
    _over: list[Later] = field(default_factory=list)

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

    def serve(self, crew: FakeCrew) -> None:
        """Let a crew tell when slow look-ups are over; without one none is slow."""
        self._crew = crew
        self.drop()

    def find(self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool) -> Found | Later:
        """Return what was drawn of an attempt."""
        number()
        item = bindings.index if bindings.key is None else bindings.key
        drawn_for = f"{self.seed}: {task.id} {item} {bindings.round}"
        found = self._drawn(task, bindings, drawn_for, may_hit=may_hit)
        pace = _share(f"pace of {drawn_for}")
        if self._crew is None or pace >= _SLOW:
            self._note((task.id, item), bindings.round, found)
            return found
        later = Later()
        self._waiting[later] = ((task.id, item), bindings.round, found)
        self._crew.at(self._crew.clock.monotonic() + pace / _SLOW * _SLOWEST_S, partial(self._over.append, later))
        return later

    def found(self) -> Sequence[tuple[Later, Found]]:
        """Return what slow look-ups came to."""
        over = [(later, self._waiting.pop(later)) for later in self._over if later in self._waiting]
        self._over.clear()
        for _, told in over:
            self._note(*told)
        return [(later, found) for later, (_, _, found) in over]

    def drop(self) -> None:
        """Forget those that are slow."""
        self._waiting.clear()
        self._over.clear()

    def _drawn(self, task: PlannedTask, bindings: Bindings, drawn_for: str, *, may_hit: bool) -> Found:
        if not may_hit or task.id in self.doomed or _share(drawn_for) >= self.share:
            return Keeping("key", {}, "/nowhere")
        is_last = bindings.round >= self.rounds.get(task.id, 0)
        return Hit(value(task.id).value, "key", {}, ("before", task.id), 1.0, is_last)

    def _note(self, key: Key, round_: int, found: Found) -> None:
        if isinstance(found, Hit):
            self.found_rounds[key] = round_

    def heard(self, task: str, completion: Completion) -> Completion:
        """Return how an attempt ended."""
        del task
        return completion


def _share(drawn_for: str) -> float:
    return random.Random(f"cache: {drawn_for}").random()  # noqa: S311 - the same each time, and no secret
