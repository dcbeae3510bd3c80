"""The tasks of a run as a report draws them: those of all items of a sub-workflow together, with how each ended."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.cli.history import task_names
from flowpar.report.page_model import TaskView
from flowpar.report.past import REPEATED, RETRIED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.engine.past_plan import PastPlan
    from flowpar.planning.model import PlannedTask
    from flowpar.record.settled import Settled, SettledTask
    from flowpar.report.past import Past

_LABEL = re.compile(r"\[[^\[\]]*\]|@\d+")
# The worst of several is what all of them together are.
_WORST = (
    "failed",
    "timed_out",
    "cancelled",
    "cut_off",
    "running",
    "pending",
    "tolerated",
    "succeeded",
    "cached",
    "skipped",
)


def task_views(settled: Settled, past: Past, plan: PastPlan | None, *, is_running: bool) -> Iterator[TaskView]:
    """Give the tasks that are drawn, in the order of the plan."""
    planned = {} if plan is None else {task.id: task for task in plan.tasks}
    members: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys([*planned, *task_names(settled)]):
        members[shared(name)].append(name)
    counts = _counts(past)
    for name, names in members.items():
        tasks = [planned[each] for each in names if each in planned]
        found = [settled.tasks.get(each) for each in names]
        states = {_state(task, is_running=is_running) for task in found}
        reasons = [task.standing.reason for task in found if task is not None and task.standing.reason]
        view = _view(name, tuple(names), tasks)
        state = min(states, key=_WORST.index)
        yield replace(view, counts=dict(counts[name]), state=state, reason="".join(reasons[:1]))


def shared(name: str) -> str:
    """Return the name that a task has in common with the same one of other items and rounds."""
    return _LABEL.sub(lambda found: "" if found[0].startswith("@") else "[*]", name)


def _counts(past: Past) -> dict[str, Counter[str]]:
    """Count how the last attempts of tasks and items ended, and the earlier ones as tried again, or as rounds."""
    last = {(one.task, one.item): number for number, one in enumerate(past.attempts)}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, one in enumerate(past.attempts):
        is_last = last[one.task, one.item] == number
        if not is_last and one.started_at is None:
            continue  # it was skipped once, and ran later
        state = "tolerated" if one.is_tolerated else one.state
        counts[shared(one.task)][state if is_last else REPEATED if state == REPEATED else RETRIED] += 1
    return counts


def _view(name: str, names: tuple[str, ...], tasks: list[PlannedTask]) -> TaskView:
    needs = dict.fromkeys(shared(need) for task in tasks for need in task.needs)
    needs.pop(name, None)
    return TaskView(
        name=name,
        kind=tasks[0].kind if tasks else "",
        needs=tuple(needs),
        names=names,
        is_fan_out=any(task.fan_out is not None for task in tasks),
        is_conditional=any(task.condition is not None for task in tasks),
        is_last=any(task.in_finally for task in tasks),
    )


def _state(task: SettledTask | None, *, is_running: bool) -> str:
    if task is not None and task.standing.state is not None:
        return "tolerated" if task.standing.is_tolerated else task.standing.state.value
    has_begun = task is not None and any(one.pid is not None for one in (task.standing, *task.items.values()))
    if has_begun:
        return "running" if is_running else "cut_off"
    return "pending"
