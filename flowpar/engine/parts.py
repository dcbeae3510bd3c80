"""The tasks of a run that goes on: those of its plan, and those that joined it for the items of a sub-workflow."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from flowpar.planning.model import Plan, PlannedTask

    Redo = Sequence[tuple[str, int | None]]


def all_tasks(plan: Plan, known: Collection[str]) -> Iterator[PlannedTask]:
    """Give the tasks of a plan, and those of each item that a task of it had made, after it."""
    made: dict[str, list[str]] = {}
    for task in plan.tasks:
        exits = made.get(task.id, [])
        yield replace(task, needs=(*task.needs, *exits)) if exits else task
        yield from _made(task, known, made)


def _made(task: PlannedTask, known: Collection[str], made: dict[str, list[str]]) -> Iterator[PlannedTask]:
    template = task.template
    if template is None:
        return
    number = re.compile(re.escape(template.whole) + r"\[(\d{1,9})\]")
    found = (number.match(name) for name in known)
    seen = sorted({int(match[1]) for match in found if match is not None})
    made[template.whole] = [template.exit_of(index) for index in seen]
    for index in seen:
        for each in template.instance(index):
            exits = made.get(each.id, [])
            yield replace(each, needs=(*(each.needs or (task.id,)), *exits))
            yield from _made(each, known, made)


def with_parts(tasks: Mapping[str, PlannedTask], redo: Redo) -> Redo:
    """Return what is to run again, and of a sub-workflow, or an item of one, all of its tasks."""
    found: list[tuple[str, int | None]] = []
    for name, item in redo:
        whole = f"{name}[{item}]" if item is not None and f"{name}[{item}]" in tasks else name
        found.append((whole, None if whole != name else item))
        if whole in tasks and tasks[whole].kind == "workflow" and found[-1][1] is None:
            found += [(each, None) for each in tasks if each.startswith((f"{whole}/", f"{whole}["))]
    return found
