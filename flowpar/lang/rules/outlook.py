"""How tasks may end, as far as the document tells: by their `if`, their `run_if`, and what is above them.

    skippable       what may be skipped though nothing failed {task: the task whose key may skip it}
    can_fail        what may count as failed for those that need it

Nothing recurses; every edge is looked at a few times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flowpar.core.frozen import dataclass
from flowpar.core.run_if import RUN_IFS
from flowpar.expr.template import Constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.run_if import RunIf
    from flowpar.lang.checked import CheckedTask

# Under these a task is skipped where all that it needs was; under all_success one is enough.
_WANTS_SUCCESS: frozenset[RunIf] = frozenset({"one_success", "none_failed_min_one_success"})
_WANTS_FAILURE: frozenset[RunIf] = frozenset({"all_failed", "one_failed"})
_NEVER_FAILS_BY_NEEDS: frozenset[RunIf] = frozenset({"all_done", *_WANTS_FAILURE})


def rule_of(task: CheckedTask) -> RunIf | None:
    """Return the `run_if` of a task, None where an expression gives it."""
    setting = task.settings.get("run_if")
    if setting is None:
        return "all_success"
    is_known = isinstance(setting, Constant) and setting.value in RUN_IFS
    return cast("RunIf", setting.value) if is_known and isinstance(setting, Constant) else None


def may_fail(task: CheckedTask) -> bool:
    """Whether readers of a task run even if it failed."""
    setting = task.settings.get("allow_failure")
    return setting is not None and setting != Constant(value=False)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the tasks of one workflow may end."""

    tasks: Mapping[str, CheckedTask]
    skippable: Mapping[str, str]
    can_fail: frozenset[str]

    @classmethod
    def of(cls, tasks: Mapping[str, CheckedTask]) -> Outlook:
        """Look at all tasks of a workflow."""
        needed_by: dict[str, list[str]] = {}
        for task in tasks.values():
            for need in task.needs:
                needed_by.setdefault(need, []).append(task.id)
        return cls(tasks, _skippable(tasks, needed_by), frozenset(_failing(tasks, needed_by)))

    def why_skipped(self, task: str) -> str:
        """Return which key of which task may skip a task that is skippable."""
        cause = self.skippable[task]
        key = "if" if _has_condition(self.tasks[cause]) else "run_if"
        return f'its "{key}" may skip it' if cause == task else f'the "{key}" of task "{cause}" may skip it'


def _skippable(tasks: Mapping[str, CheckedTask], needed_by: Mapping[str, list[str]]) -> dict[str, str]:
    found = {task.id: task.id for task in tasks.values() if _may_skip_by_itself(task)}
    waiting = list(found)
    while waiting:
        above = waiting.pop()
        for name in needed_by.get(above, ()):
            task = tasks.get(name)
            if task is None or name in found:
                continue
            rule = rule_of(task)
            if rule == "all_success" or (rule in _WANTS_SUCCESS and all(need in found for need in task.needs)):
                found[name] = found[above]
                waiting.append(name)
    return found


def _failing(tasks: Mapping[str, CheckedTask], needed_by: Mapping[str, list[str]]) -> set[str]:
    found = {task.id for task in tasks.values() if task.settings.get("allow_failure") != Constant(value=True)}
    waiting = list(found)
    while waiting:
        for name in needed_by.get(waiting.pop(), ()):
            # A task that may fail by itself is there already: this one is skipped, and that counts as failed.
            if name not in found and name in tasks and rule_of(tasks[name]) not in _NEVER_FAILS_BY_NEEDS:
                found.add(name)
                waiting.append(name)
    return found


def _may_skip_by_itself(task: CheckedTask) -> bool:
    rule = rule_of(task)
    return _has_condition(task) or rule is None or rule in _WANTS_FAILURE or (rule in _WANTS_SUCCESS and not task.needs)


def _has_condition(task: CheckedTask) -> bool:
    return task.condition is not None and not task.condition_is_per_item
