"""What earlier runs say of a plan: how long its tasks take, and how long a run will take on so many workers.

run index ──► Costs ──► the plan with paths in seconds ──► the scheduler in virtual time ──► Forecast
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.cli.view import longest_path, path_text
from flowpar.core.frozen import dataclass
from flowpar.engine.pools import most_light, pools_of
from flowpar.planning.template import within
from flowpar.report.wording import counted, duration
from flowpar.schedule.predict import Prediction, predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.planning.cost import Costs
    from flowpar.planning.model import Plan, PlannedTask

# More would take longer to go through than anybody waits for an answer.
_MOST_ATTEMPTS = 20_000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Forecast:
    """What earlier runs say; `plan` has its paths in seconds, `unknown` are tasks that none of them has.

    There is no `prediction` where there are too many attempts to go through.
    """

    plan: Plan
    costs: Costs
    workers: int
    unknown: tuple[str, ...]
    prediction: Prediction | None

    @property
    def path_s(self) -> float:
        """How long the longest path takes, however many workers there are."""
        return max(self.plan.weights.values(), default=0.0)

    def row(self, task: PlannedTask, row: dict[str, object]) -> dict[str, object]:
        """Return a task's line of the table with its time."""
        is_guess = not self.costs.knows(task.id)
        each = "" if task.fan_out is None else " an item"
        takes = f"{'about ' if is_guess else ''}{duration(self.costs.attempt_s(task.id))}{each}"
        starts = None if self.prediction is None else self.prediction.starts.get(task.id)
        times = {"takes": "" if task.kind == "finally" else takes, "starts": "" if starts is None else duration(starts)}
        needs = row.pop("needs", None)
        return {**row, **times, **({} if needs is None else {"needs": needs})}

    def lines(self) -> list[str]:
        """Return what is said below the table."""
        return [
            f"longest path: {path_text(longest_path(self.plan))} ({duration(self.path_s)})",
            self._predicted(),
            *([] if not self.unknown else [self._guessed()]),
        ]

    def _predicted(self) -> str:
        if self.prediction is None:
            return f"not predicted: a run has over {_MOST_ATTEMPTS:,} attempts"
        found = self.prediction
        on = f"{duration(found.makespan_s)} on {counted(self.workers, 'worker')}"
        return f"predicted: {on}, by what tasks took in earlier runs; all their work is {duration(found.work_s)}"

    def _guessed(self) -> str:
        named = ", ".join(self.unknown[:_NAMED])
        more = f" and {len(self.unknown) - _NAMED} more" if len(self.unknown) > _NAMED else ""
        return f"in no earlier run: {named}{more}; taken to be as long as others are, {duration(self.costs.guess_s)}"

    def record(self) -> dict[str, object]:
        """Return it for programs."""
        found = self.prediction
        return {
            "workers": self.workers,
            "makespan_s": None if found is None else found.makespan_s,
            "longest_path_s": self.path_s,
            "work_s": None if found is None else found.work_s,
            "unknown": self.unknown,
            "guess_s": self.costs.guess_s,
            "tasks": [self._task(task) for task in self.plan.tasks],
        }

    def _task(self, task: PlannedTask) -> dict[str, object]:
        found = self.prediction
        return {
            "id": task.id,
            "attempt_s": self.costs.attempt_s(task.id),
            "is_known": self.costs.knows(task.id),
            "starts_s": None if found is None else found.starts.get(task.id),
            "ends_s": None if found is None else found.ends.get(task.id),
        }


def forecast(plan: Plan, costs: Costs, workers: int) -> Forecast | None:
    """Return what is to be expected of a plan, None where no earlier run has anything of it."""
    timed = costs.timed(plan, workers)
    if timed is plan:
        return None
    tasks = [task for task in within(plan.tasks) if task.kind != "finally"]
    unknown = tuple(dict.fromkeys(task.id for task in tasks if not costs.knows(task.id)))
    light = most_light(plan)
    prediction = None
    if _count(tasks, costs) <= _MOST_ATTEMPTS:
        pools = pools_of(plan, slots=workers, light=light)
        prediction = predict(timed, costs, workers, pools=pools, light=light)
    return Forecast(timed, costs, workers, unknown, prediction)


def _count(tasks: Sequence[PlannedTask], costs: Costs) -> int:
    return sum(1 if task.fan_out is None else costs.items_of(task) for task in tasks)
