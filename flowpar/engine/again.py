"""One attempt of a run once more: the job that it was, put together from the plan and the journal; nothing is written.

    run folder ─► Settled, the plan that was kept ─► the task or item that is meant ─► Again: its job, and its items'

Values stay where they are: the job has their places, and a worker opens them. What an item is bound to is
evaluated by a worker as well, from the lists that the run had.
"""

from __future__ import annotations

import pickle
from itertools import islice
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.frozen import dataclass, replace
from flowpar.core.part_name import matching
from flowpar.core.states import FAILURES, TaskState
from flowpar.core.suggest import nearest
from flowpar.engine.parts import all_tasks, number_in
from flowpar.execute.base import Job
from flowpar.execute.expansion import portable
from flowpar.execute.recipe import TaskView
from flowpar.record.folding import fold
from flowpar.record.reading import JOURNAL, JournalReader
from flowpar.schedule.job import bindings_of, share
from flowpar.schedule.ledger import failure_view
from flowpar.schedule.opening import expansion_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.recipe import Bindings, Shared
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.record.settled import Settled, SettledTask, Standing

_PROTOCOL = 5
_MOST_NAMED = 5
_NOT_OF_USERS = {"workflow": "is a sub-workflow", "finally": "only waits for what tidies up"}


@dataclass(frozen=True, slots=True)
class Place:
    """The task or item of a run that is meant, and how far it came; `name` is how a person names it."""

    task: PlannedTask
    item: int | None
    standing: Standing

    @property
    def name(self) -> str:
        """Return it as `task[item]`."""
        return self.task.id if self.item is None else f"{self.task.id}[{self.item}]"


@dataclass(frozen=True, slots=True)
class Again:
    """The job of an attempt; where it is at an item, `expand` gives all items, but for the names in `fed`.

    `gone` are the tasks whose output it may read and that is not kept any more, each with the file.
    """

    place: Place
    job: Job
    expand: Job | None
    fed: Mapping[str, bytes]
    gone: Mapping[str, str]


def find_place(plan: Plan, settled: Settled, name: str, item: str | None) -> Place:
    """Find a task or an item that ran; raises UsageError where none is meant, or several are, or it did not run."""
    tasks = {task.id: task for task in all_tasks(plan, settled.tasks)}
    task, item = _task_meant(tasks, settled, name, item)
    if task.kind in _NOT_OF_USERS:
        parts = [each for each in tasks if each.startswith((f"{task.id}/", f"{task.id}[", f"{task.id}@"))]
        hint = f"name one of its tasks: {_some(part for part in parts if '(' not in part)}" if parts else None
        raise UsageError(f'"{task.id}" {_NOT_OF_USERS[task.kind]}, which is no attempt by itself', hint=hint)
    found = settled.tasks.get(task.id)
    number = None if item is None else number_in(settled, task.id, item)
    standing = _standing(task, found, number)
    place = Place(task, number, standing)
    if not standing.attempt:
        reason = f": {standing.reason}" if standing.reason else ""
        became = "has not begun" if standing.state is None else f"was {standing.state.value}{reason}"
        raise UsageError(f'"{place.name}" did not run in this run: it {became}')
    return place


def again(plan: Plan, settled: Settled, run_dir: Path, place: Place, *, secrets: Mapping[str, str]) -> Again:
    """Put together the job that the last attempt at a task or an item was."""
    task, item, standing = place.task, place.item, place.standing
    shared = replace(share(plan, settled.run.run_id, str(run_dir)), secrets=secrets)
    views = _views(settled, task.reads)
    bindings = bindings_of(task, views, _run_seen_by(task, settled))
    bindings = replace(bindings, round=task.lap or standing.round, previous=_previous(settled, run_dir, place))
    fed: Mapping[str, bytes] = {}
    expand = None
    if item is not None and task.fan_out is not None:
        bindings = replace(bindings, index=item, is_matrix=task.fan_out.is_product)
        fed = _fed(settled, place)
        names = {name: template for name, template in task.fan_out.names.items() if name not in fed}
        if names or task.fan_out.include:
            recipe = replace(expansion_of(task, replace(task.fan_out, names=names)), condition=None)
            given = bindings_of(task, _views(settled, task.decides_on), _run_seen_by(task, settled))
            expand = _job(place, shared, recipe, given)
    gone = _gone(settled, run_dir, task.reads | (task.decides_on if item is not None else frozenset()))
    return Again(place, _job(place, shared, task.call, bindings), expand, fed, gone)


def _job(place: Place, shared: Shared, recipe: object, bindings: Bindings) -> Job:
    return Job(
        number=0,
        task=place.task.id,
        item=place.item,
        attempt=place.standing.attempt,
        shared=pickle.dumps(shared, _PROTOCOL),
        recipe=pickle.dumps(recipe, _PROTOCOL),
        bindings=pickle.dumps(bindings, _PROTOCOL),
        log_file="",
        grace_s=place.task.grace_s,
    )


def _task_meant(
    tasks: Mapping[str, PlannedTask], settled: Settled, name: str, item: str | None
) -> tuple[PlannedTask, str | None]:
    wholes = matching(f"{name}[{item}]", tasks) if item is not None else []  # an item of a sub-workflow
    names = wholes or matching(name, tasks)
    if not names:
        near = nearest(name, tasks)
        hint = f'did you mean "{near}"?' if near else f"its tasks are {_some(tasks)}"
        raise UsageError(f'"{name}" is not a task of this run', hint=hint)
    if len(names) > 1:
        raise UsageError(f'"{name}" stands for {len(names)} tasks', hint=f"say which: {_some(names)}")
    task, item = tasks[names[0]], None if wholes else item
    found = settled.tasks.get(task.id)
    is_fan_out = task.fan_out is not None and found is not None and bool(found.items)
    if item is not None and task.fan_out is None:
        raise UsageError(f'"{task.id}" has no items', hint=f"name it without [{item}]")
    if item is None and is_fan_out and found is not None:
        raise UsageError(f'"{task.id}" has items', hint=f"say which: {_some(_worth_a_look(task.id, found))}")
    return task, item


def _worth_a_look(task: str, found: SettledTask) -> Iterator[str]:
    """Give the items of a fan-out that failed, or else all."""
    bad = [item for item, standing in found.items.items() if standing.state in FAILURES]
    return (f"'{task}[{item}]'" for item in sorted(bad or found.items))


def _standing(task: PlannedTask, found: SettledTask | None, item: int | None) -> Standing:
    if found is None:
        raise UsageError(f'"{task.id}" has not begun in this run')
    if item is None:
        return found.standing
    if item not in found.items:
        count = found.item_count
        if count is not None and item >= count:
            raise UsageError(f'"{task.id}" has {count} items, counted from 0, and no item {item}')
        raise UsageError(f'"{task.id}[{item}]" did not run in this run')
    return found.items[item]


def _views(settled: Settled, names: Iterable[str]) -> dict[str, TaskView]:
    return {name: _view(settled.tasks.get(name)) for name in sorted(names)}


def _view(found: SettledTask | None) -> TaskView:
    if found is None:  # it was left out of the run
        return TaskView(TaskState.SKIPPED.value)
    whole = found.standing
    status = TaskState.PENDING.value if whole.state is None else whole.state.value
    error = None if whole.failure is None else failure_view(whole.failure, whole.attempt)
    if found.item_count is None:
        return TaskView(status, output=whole.value, error=error)
    items = [found.items.get(item) for item in range(found.item_count)]
    return TaskView(
        status,
        error=error,
        item_states=tuple(_state_of_item(item) for item in items),
        item_outputs=tuple(None if item is None else item.value for item in items) if whole.is_done else None,
        item_errors={
            number: failure_view(item.failure, item.attempt)
            for number, item in enumerate(items)
            if item is not None and item.failure is not None and item.state in FAILURES
        },
    )


def _state_of_item(standing: Standing | None) -> str:
    state = None if standing is None else standing.state
    return TaskState.CANCELLED.value if state is None else state.value


def _run_seen_by(task: PlannedTask, settled: Settled) -> Mapping[str, object]:
    """Return how the run, or the sub-workflow, stood when a task of its `finally` had its turn."""
    if not task.in_finally and not task.tidies:
        return {}
    prefix = f"{task.tidies}/" if task.tidies else ""
    bad = [
        name.removeprefix(prefix)
        for name, found in settled.tasks.items()
        if name.startswith(prefix) and found.standing.state in FAILURES and not found.standing.is_tolerated
        if not settled.run.is_last(name)
    ]
    finished = settled.finished
    ended = "succeeded" if finished is None or settled.stopping is None else finished.status.value
    return {"status": "failed" if bad and settled.stopping is None else ended, "failed": bad}


def _previous(settled: Settled, run_dir: Path, place: Place) -> ValueRef | None:
    """Return what the round before gave; of one that ended well only the lines before its last attempt say it."""
    task, standing = place.task, place.standing
    if task.lap:
        before = settled.tasks.get(task.previous)
        return None if before is None else before.standing.value
    if standing.round <= 1 or standing.previous is not None:
        return standing.previous
    started = 0
    for number, record in enumerate(JournalReader(run_dir / JOURNAL, is_salvaged=True), 1):
        if record["event"] == "task.started" and (record["task"], record["item"]) == (task.id, place.item):
            started = number
    then = fold(islice(JournalReader(run_dir / JOURNAL, is_salvaged=True), started)).tasks[task.id]
    return (then.standing if place.item is None else then.items[place.item]).previous


def _fed(settled: Settled, place: Place) -> dict[str, bytes]:
    """Return what tasks gave to an item, one by one, that did not come to their end as a whole."""
    task, item, fed = place.task, place.item, {}
    for name, source in ({} if task.fan_out is None else task.fan_out.feeds).items():
        found = settled.tasks.get(source)
        if found is None or found.standing.is_done:
            continue
        of_source = None if item is None else found.items.get(item)
        if of_source is None:
            text = f'what "{source}" gave to "{place.name}" is not kept, as "{source}" did not come to its end'
            raise UsageError(text)
        fed[name] = portable(of_source.value)
    return fed


def _gone(settled: Settled, run_dir: Path, names: Iterable[str]) -> dict[str, str]:
    gone: dict[str, str] = {}
    for name in sorted(names):
        found = settled.tasks.get(name)
        for standing in () if found is None else (found.standing, *found.items.values()):
            file = None if standing.value is None else standing.value.file
            if file is not None and not (run_dir / file).exists():
                gone.setdefault(name, file)
    return gone


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more
