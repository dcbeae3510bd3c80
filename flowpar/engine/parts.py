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
    from flowpar.planning.template import Template
    from flowpar.record.settled import Settled, SettledTask
    from flowpar.schedule.start import Start

    Known = Mapping[str, SettledTask]
    Redo = Sequence[tuple[str, int | None]]
    Named = Sequence[tuple[str, str | int | None]]


def all_tasks(plan: Plan, known: Known) -> Iterator[PlannedTask]:
    """Give the tasks of a plan, and those of each item that a task of it had made, after it."""
    made: dict[str, list[str]] = {}
    for task in plan.tasks:
        exits = made.get(task.id, [])
        yield replace(task, needs=(*task.needs, *exits)) if exits else task
        yield from _made(task, known, made)
        yield from _repeated(task, known, made)


def _repeated(task: PlannedTask, known: Known, made: dict[str, list[str]]) -> Iterator[PlannedTask]:
    """Give the tasks of the further rounds of a sub-workflow that an earlier part of the run had made."""
    rounds = task.rounds
    if rounds is None or task.lap != 1:
        return
    number = re.compile(re.escape(rounds.whole) + r"@(\d{1,9})/")
    found = (number.match(name) for name in known)
    before = task.id
    for lap in sorted({int(match[1]) for match in found if match is not None} - {1}):
        made.setdefault(rounds.whole, []).extend([rounds.exit_of(lap), rounds.until_of(lap)])
        for each in rounds.instance(lap):
            exits = made.get(each.id, [])
            yield replace(each, needs=(*(each.needs or (before,)), *exits))
            yield from _made(each, known, made)
        before = rounds.until_of(lap)


def undecided(tasks: Mapping[str, PlannedTask], settled: Settled) -> Redo:
    """Return what has to say again whether a round follows: of each repeat that is not over, the last round's."""
    last: dict[str, str] = {}
    for task in tasks.values():
        if task.rounds is not None and not _is_done(settled, task.rounds.whole):
            last[task.rounds.whole] = task.id
    return [(name, None) for name in last.values() if name in settled.tasks]


def needed_again(
    tasks: Mapping[str, PlannedTask], start: Start, absent: Collection[tuple[str, int | None]], results: Collection[str]
) -> set[str]:
    """Return those of the tasks with values that are `absent` which have to run again, as somebody is to read them.

    What nobody reads is a result, as are those that the workflow's own outputs read; and what has to run again reads
    what it read before.
    """
    held = {name for name, _ in absent if name in tasks and _holds_something(start, name)}
    if not held:
        return set()
    read_by = {name: task.reads | task.decides_on for name, task in tasks.items()}
    read, standing = frozenset().union(*read_by.values()), start.standing
    kept = {name for name in held if name not in read or name in results or tasks[name].template is not None}
    needed = kept | (held - standing)
    pending = [*(name for name in tasks if name not in standing), *needed]
    while pending:
        found = (read_by[pending.pop()] & held) - needed
        needed |= found
        pending += found
    return needed


def _holds_something(start: Start, task: str) -> bool:
    begun = start.tasks.get(task)
    return begun is not None and (begun.whole is not None or bool(begun.items))


def _is_done(settled: Settled, task: str) -> bool:
    return task in settled.tasks and settled.tasks[task].standing.is_done


def _made(task: PlannedTask, known: Known, made: dict[str, list[str]]) -> Iterator[PlannedTask]:
    template = task.template
    if template is None:
        return
    pattern = re.compile(re.escape(template.whole) + r"\[([^\[\]]+)\]")
    found = (pattern.match(name) for name in known)
    seen = sorted({match[1] for match in found if match is not None}, key=lambda label: (len(label), label))
    made[template.whole] = [template.exit_of(label) for label in seen]
    for label in seen:
        for each in template.instance(label, mark=_mark(template, label, known)):
            exits = made.get(each.id, [])
            yield replace(each, needs=(*(each.needs or _needs_of_items(task, each)), *exits))
            yield from _made(each, known, made)
            yield from _repeated(each, known, made)


def _mark(template: Template, label: str, known: Known) -> str:
    """Return the digest of what an item with a key was bound to, "" for one without."""
    entry = known.get(template.entry_of(label))
    return "" if entry is None else Fingerprint.parse(entry.standing.fingerprint).item


def _needs_of_items(task: PlannedTask, first: PlannedTask) -> tuple[str, ...]:
    """Return what the first tasks of an item stand on: where it has a key, not the list in which it was found."""
    template = task.template
    if template is None or template.recipe.key is None:
        return (task.id,)
    return tuple(need for need in task.needs if need not in task.decides_on or need in first.reads)


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
                found += [(part, None) for part in tasks if part.startswith((f"{each}/", f"{each}[", f"{each}@"))]
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
