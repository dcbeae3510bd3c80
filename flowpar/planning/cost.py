"""How long tasks take, by earlier runs where there are some; and the longest path from each to the end of the run.

    {task: how long it took} ──► Costs ── attempt_s   one attempt at a task, or at one of its items
                                      └── timed(plan) the plan, whose weights are seconds

What no earlier run has is taken to be as long as the others are: their median. So is what is new among tasks of
items, but for the same task of other items.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Protocol

from flowpar.core.frozen import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.planning.template import Template

_LABEL = re.compile(r"\[[^\[\]]*\]|@\d+")


class Took(Protocol):
    """How long a task took in an earlier run; of a fan-out also how many items, and one of them on average."""

    @property
    def duration_s(self) -> float:
        """From its start to its end."""
        ...

    @property
    def items(self) -> int | None:
        """How many items it had, None where it is no fan-out."""
        ...

    @property
    def item_s(self) -> float | None:
        """How long one of them took."""
        ...


@dataclass(frozen=True, slots=True)
class Costs:
    """What attempts take; `guess_s` is for those of which nothing is known."""

    known: Mapping[str, Took]
    guess_s: float = 1.0
    alike: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Mapping[str, Took]) -> Costs:
        """Return the costs by what earlier runs took."""
        seconds = sorted(map(_attempt_s, known.values()))
        alike: dict[str, list[float]] = {}
        for name, took in known.items():
            if _LABEL.search(name):
                alike.setdefault(_without_labels(name), []).append(_attempt_s(took))
        guess_s = seconds[len(seconds) // 2] if seconds else 1.0
        return cls(known, guess_s, {name: sum(each) / len(each) for name, each in alike.items()})

    def knows(self, task: str) -> bool:
        """Whether an earlier run has a task, or one like it of another item."""
        return task in self.known or _without_labels(task) in self.alike

    def attempt_s(self, task: str) -> float:
        """Return what one attempt at a task takes, or at one of its items."""
        took = self.known.get(task)
        return _attempt_s(took) if took is not None else self.alike.get(_without_labels(task), self.guess_s)

    def items_of(self, task: PlannedTask) -> int:
        """Return how many items a fan-out has: as planned, or as in an earlier run, or one."""
        planned = None if task.fan_out is None else task.fan_out.items
        took = self.known.get(task.id)
        before = None if took is None else took.items
        return planned if planned is not None else before if before is not None else 1

    def labels_of(self, whole: str) -> list[str]:
        """Return the items that a sub-workflow had in earlier runs, or one where nothing is known of any."""
        pattern = re.compile(re.escape(whole) + r"\[([^\[\]]+)\]")
        found = {match[1]: None for match in map(pattern.fullmatch, self.known) if match is not None}
        return sorted(found, key=lambda label: (len(label), label)) or ["0"]

    def whole_s(self, task: PlannedTask, workers: int) -> float:
        """Return what a task takes with all its items, where it has the workers for itself."""
        if task.kind == "finally":
            return 0.0
        each = self.attempt_s(task.id)
        if task.fan_out is None:
            return each
        at_once = min(workers, task.fan_out.max_parallel or workers)
        return each * math.ceil(self.items_of(task) / at_once)

    def timed(self, plan: Plan, workers: int) -> Plan:
        """Return the plan with paths as long as they took; the plan as it is where no earlier run has any of it."""
        if not any(self.knows(task.id) for task in plan.tasks):
            return plan
        weights: dict[str, float] = {}
        after: dict[str, float] = {}
        own = {task.id: self._with_items(task, workers) for task in plan.tasks}
        for task in reversed(plan.tasks):
            weights[task.id] = weight = own[task.id] + after.get(task.id, 0.0)
            for need in task.needs:
                after[need] = max(after.get(need, 0.0), weight)
        expected_s = sum(self.attempt_s(task.id) for task in plan.tasks) / len(plan.tasks)
        return replace(plan, weights=weights, expected_s=expected_s)

    def _with_items(self, task: PlannedTask, workers: int) -> float:
        seconds = self.whole_s(task, workers)
        return seconds if task.template is None else seconds + self._template_s(task.template, workers)

    def _template_s(self, template: Template, workers: int) -> float:
        """Return the longest path through one item, as often as items come one after another."""
        ends: dict[str, float] = {}
        for task in template.tasks:
            begins = max((ends.get(need, 0.0) for need in task.needs), default=0.0)
            ends[task.id] = begins + self._with_items(task, workers)
        rounds = math.ceil(len(self.labels_of(template.whole)) / workers)
        return max(ends.values(), default=0.0) * max(1, rounds)


def _attempt_s(took: Took) -> float:
    return took.duration_s if took.item_s is None else took.item_s


def _without_labels(task: str) -> str:
    return _LABEL.sub("[*]", task)
