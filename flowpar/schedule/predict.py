"""How long a run will take: the real scheduler goes through the plan in virtual time, by what tasks took before.

    plan + Costs + workers ──► Loop with VirtualCrew and VirtualClock ──► Prediction

What is taken for granted: each task succeeds at once, conditions hold, rounds and items are as many as before.
Left out is what it costs to start a process, some milliseconds each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.events import TaskEnded, TaskStarted
from flowpar.core.frozen import dataclass, field, replace
from flowpar.planning.model import Repeat
from flowpar.schedule.loop import Loop
from flowpar.schedule.presumed import Presumptions
from flowpar.schedule.run import RunOptions
from flowpar.schedule.virtual import VirtualClock, VirtualCrew

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.events import Event
    from flowpar.planning.cost import Costs
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.schedule.resources import Pools

_ONCE = Repeat(1, takes_last=True)


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a run will go on so many workers; `starts` and `ends` are seconds from its beginning, by task.

    `work_s` is what all attempts take together.
    """

    workers: int
    makespan_s: float
    work_s: float
    starts: Mapping[str, float] = field(default_factory=dict)
    ends: Mapping[str, float] = field(default_factory=dict)


def predict(plan: Plan, costs: Costs, workers: int, *, pools: Pools | None = None, light: int = 0) -> Prediction:
    """Go through a plan; `pools` are what its tasks share, all of it free."""
    tasks = tuple(map(_undisturbed, plan.tasks))
    bare = replace(plan, tasks=tasks, outputs={}, outputs_read=frozenset(), secrets=())
    clock, times = VirtualClock(), _Times()
    crew = VirtualCrew(lambda job: costs.attempt_s(job.task), clock, workers=workers, light=light)
    end = Loop(
        bare,
        crew,
        times,
        clock,
        decisions=Presumptions(tasks, costs),
        options=RunOptions("predicted", "/", workers=workers, pools=pools),
        random=lambda: 0.0,
    ).run()
    return Prediction(workers, end.duration_s, times.work_s, times.starts, times.ends)


def _undisturbed(task: PlannedTask) -> PlannedTask:
    """Return a task that nothing ends before its time, and that comes to its end in one round."""
    template, rounds, bounds = task.template, task.rounds, task.bounds
    return replace(
        task,
        timeout_s=None,
        repeat=None if task.repeat is None else _ONCE,
        template=None if template is None else template.mapped(_undisturbed),
        rounds=None if rounds is None else replace(rounds, tasks=tuple(map(_undisturbed, rounds.tasks))),
        bounds=None if bounds is None else replace(bounds, timeout_s=None),
    )


class _Times:
    """A sink that notes when tasks started and ended."""

    def __init__(self) -> None:
        self.starts: dict[str, float] = {}
        self.ends: dict[str, float] = {}
        self.work_s = 0.0

    def emit(self, event: Event) -> None:
        if isinstance(event, TaskStarted):
            self.starts.setdefault(event.subject.task, event.at)
        elif isinstance(event, TaskEnded):
            self.ends[event.subject.task] = event.at
            if event.measure is not None and event.measure.pid is not None:
                self.work_s += event.measure.duration_s

    def flush(self) -> None:
        return

    begin_commit = flush

    def commit(self) -> None:
        return

    def close(self) -> None:
        return
