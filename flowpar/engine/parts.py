"""The tasks of a run that goes on: those of its plan, and those that joined it for the items of a sub-workflow."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.part_name import digests_of_key, matching, number_of
from flowpar.schedule.start import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.record.settled import Settled

    Redo = Sequence[tuple[str, int | None]]
    Named = Sequence[tuple[str, str | int | None]]


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


def with_parts(tasks: Mapping[str, PlannedTask], named: Named, settled: Settled) -> Redo:
    """Return what is to run again, and of a sub-workflow, or an item of one, all of its tasks."""
    found: list[tuple[str, int | None]] = []
    for name, item in named:
        wholes = matching(f"{name}[{item}]", tasks) if item is not None else []
        names = wholes or matching(name, tasks) or [name]
        for each in names:
            number = None if wholes or item is None else number_in(settled, each, item)
            found.append((each, number))
            if each in tasks and tasks[each].kind == "workflow" and number is None:
                found += [(part, None) for part in tasks if part.startswith((f"{each}/", f"{each}["))]
    return found


def number_in(settled: Settled, task: str, item: str | int) -> int:
    """Return the number of an item that is named by it or by its key; raises UsageError where no item has that key."""
    number = item if isinstance(item, int) else number_of(item)
    if number is not None:
        return number
    keys = set(digests_of_key(str(item)))
    items = settled.tasks[task].items if task in settled.tasks else {}
    for index, standing in items.items():
        if Fingerprint.parse(standing.fingerprint).key in keys:
            return index
    raise UsageError(f'"{task}[{item}]" names no item', hint=f'no item of "{task}" has that key in this run')
