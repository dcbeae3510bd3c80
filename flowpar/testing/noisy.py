"""A crew in virtual time that is no better than real ones: it tells some things twice or late, or not at all."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from flowpar.execute.base import Reported, Started
from flowpar.execute.recipe import Expand, Judge
from flowpar.planning.template import within
from flowpar.testing.crew import FakeCrew
from flowpar.testing.simulation import drawn_as
from flowpar.testing.witness import Broken

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Job, Notice
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.clock import FakeClock
    from flowpar.testing.crew import Scripted

MOST_LIGHT = 2
_ODD = 0.05


class NoisyCrew(FakeCrew):
    """Tells some things twice or late, and forgets to tell of some starts and yielded values."""

    def __init__(
        self, draw: random.Random, script: Callable[[Job], Scripted], clock: FakeClock, *, workers: int
    ) -> None:
        """Draw what is odd from `draw`."""
        super().__init__(script, clock, workers=workers, light=MOST_LIGHT)
        self._draw = draw
        self._late: list[Notice] = []

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Move the clock to what happens next, and return most of it, and some of what was told before."""
        return self._most_of(super().wait(timeout_s))

    def take(self) -> Sequence[Notice]:
        """Return most of what has happened by now, and some of what was told before."""
        return self._most_of(super().take())

    def _most_of(self, happened: Sequence[Notice]) -> Sequence[Notice]:
        notices = [each for each in happened if not (isinstance(each, Started | Reported) and self._is_odd())]
        told = [*notices, *self._late]
        self._late = [each for each in notices if self._is_odd()]
        return told

    def check(self, tasks: Sequence[PlannedTask], *, most: int) -> None:
        """Check at the end that nothing runs, that at most so many jobs ran at once, and where each of them did."""
        if self.running:
            raise Broken(f"still running at the end: {self.running}")
        if self.most_running > most:  # of processes and pool, of threads, of batches
            raise Broken(f"{self.most_running} jobs ran at once")
        drawn = {task.id: task for task in within(tasks)}
        for executor, job in self.submitted:
            task = drawn[drawn_as(job.task)]
            if executor == "batch" and (task.batch is None or job.batch != task.batch or task.executor != "process"):
                raise Broken(f"{job.task} is made {job.batch} at a time, and not {task.batch}")
            is_alone = executor == task.executor == "process" and task.batch is not None
            if is_alone and not isinstance(pickle.loads(job.recipe), Judge | Expand):
                raise Broken(f"{job.task}[{job.item}] has a process of its own")

    def _is_odd(self) -> bool:
        return self._draw.random() < _ODD
