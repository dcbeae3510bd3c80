"""A plan as reports show it: a graph to draw, rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.lang.amount import amount_text
from flowpar.report.graph import GraphNode, GraphView
from flowpar.report.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.planning.model import Plan, PlannedTask

_LONGEST_PATH = 20


def view_of(plan: Plan) -> GraphView:
    """Return what is drawn of a plan."""
    return GraphView(plan.workflow, tuple(map(_node, plan.tasks)))


def _node(task: PlannedTask) -> GraphNode:
    return GraphNode(
        id=task.id,
        layer=task.layer,
        needs=task.needs,
        detail=task.kind,
        is_fan_out=task.fan_out is not None,
        is_conditional=task.condition is not None,
        is_last=task.in_finally,
    )


def rows_of(plan: Plan) -> list[dict[str, object]]:
    """Return the lines of the table that `flowpar plan` prints; a column that no task fills is left out."""
    rows = [_row(task) for task in plan.tasks]
    used = {column for row in rows for column, value in row.items() if value not in ("", None)}
    return [{column: value for column, value in row.items() if column in used} for row in rows]


def _row(task: PlannedTask) -> dict[str, object]:
    return {
        "layer": task.layer,
        "task": task.id,
        "kind": task.kind,
        "executor": task.executor,
        "items": _items(task),
        "runs": _runs(task),
        "resources": ", ".join(f"{pool} {amount_text(pool, amount)}" for pool, amount in task.resources.items()),
        "priority": task.priority or "",
        "attempts": task.retry.attempts if task.retry.attempts > 1 else "",
        "timeout": "" if task.timeout_s is None else duration(task.timeout_s),
        "needs": ", ".join(task.needs),
    }


def _runs(task: PlannedTask) -> str:
    condition = "" if task.condition is None else ("item by item" if task.condition_is_per_item else "on condition")
    words = ["finally" if task.in_finally else "", "" if task.run_if == "all_success" else task.run_if, condition]
    return ", ".join(filter(None, words))


def _items(task: PlannedTask) -> str:
    if task.fan_out is None:
        return ""
    items, bound = task.fan_out.items, task.fan_out.max_parallel
    known = "many" if items is None else str(items)
    return known if bound is None else f"{known}, {bound} at once"


def records_of(plan: Plan) -> dict[str, object]:
    """Return a plan for programs: `flowpar plan --json`."""
    return {
        "workflow": plan.workflow,
        "file": plan.file,
        "layers": plan.layers,
        "longest_path": longest_path(plan),
        "limits": plan.limits,
        "tasks": [_record(task) for task in plan.tasks],
    }


def _record(task: PlannedTask) -> dict[str, object]:
    return {
        "id": task.id,
        "layer": task.layer,
        "kind": task.kind,
        "executor": task.executor,
        "needs": task.needs,
        "is_fan_out": task.fan_out is not None,
        "items": None if task.fan_out is None else task.fan_out.items,
        "max_parallel": None if task.fan_out is None else task.fan_out.max_parallel,
        "run_if": task.run_if,
        "in_finally": task.in_finally,
        "is_conditional": task.condition is not None,
        "resources": task.resources,
        "priority": task.priority,
        "attempts": task.retry.attempts,
        "timeout_s": task.timeout_s,
        "grace_s": task.grace_s,
        "allow_failure": task.allow_failure,
        "description": task.description,
    }


def longest_path(plan: Plan) -> list[str]:
    """Return the chain of tasks that decides how long the run takes at least, from a root down."""
    consumers: dict[str, list[str]] = {}
    for task in plan.tasks:
        for need in task.needs:
            consumers.setdefault(need, []).append(task.id)
    path: list[str] = []
    below = [task.id for task in plan.tasks if not task.needs]
    while below:
        path.append(max(below, key=lambda id_: plan.weights.get(id_, 0.0)))  # the first of equals
        below = consumers.get(path[-1], [])
    return path


def path_text(path: Sequence[str]) -> str:
    """Return a chain of tasks on one line; the middle of a long one is left out."""
    if len(path) <= _LONGEST_PATH:
        return " -> ".join(path)
    some = _LONGEST_PATH // 2
    return " -> ".join([*path[:some], f"({counted(len(path) - 2 * some, 'more task')})", *path[-some:]])


def headline(plan: Plan) -> str:
    """Return what a plan is, on one line."""
    tasks, layers = counted(len(plan.tasks), "task"), counted(len(plan.layers), "layer")
    return f"{plan.workflow}: {tasks} in {layers}"
