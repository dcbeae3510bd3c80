"""The tasks of a simulated run as a witness knows them: those of its plan, and those that joined it, told from events.

items-task ended well ─► the list that its value is ─► the tasks of each item, which need that task
list made again       ─► those of the list before are gone, but for items with keys: these may have been done
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.events import RunStarted, TaskEnded, TaskSkipped
from flowpar.core.outcome import Success
from flowpar.core.part_name import label_of
from flowpar.execute.recipe import INPUTS
from flowpar.planning.template import ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowpar.core.events import Event
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.planning.template import Template
    from flowpar.testing.simulation import FakeItems


class Joined:
    """All tasks of a run, after what they need; `items` are the lists by the text of the value that is one.

    `outdated` are those that were done when their item, known by its key, was bound to something else.
    """

    def __init__(self, plan: Plan, items: Mapping[str, FakeItems]) -> None:
        """Know the plan only."""
        self._plan = plan
        self._items = items
        self._made: dict[str, tuple[PlannedTask, ...]] = {}
        self._exits: dict[str, list[str]] = {}
        self._marks: dict[str, bytes] = {}
        self._ended_under: dict[str, bytes] = {}
        self.tasks: dict[str, PlannedTask] = {task.id: task for task in plan.tasks}

    @property
    def outdated(self) -> frozenset[str]:
        """The tasks whose ends say nothing of what they are now."""
        return frozenset(task for task, mark in self._ended_under.items() if self._marks[task] != mark)

    def entry_of(self, task: PlannedTask) -> PlannedTask | None:
        """Return the task that begins the item or sub-workflow which a task is a part of, or ends."""
        part = task.part_of if task.bounds is None else task.id
        entries = (f"{part}/{name}" for name in (INPUTS, ITEMS))
        return next((self.tasks[name] for name in entries if name in self.tasks), None)

    def stands_on(self, task: PlannedTask) -> tuple[str, ...]:
        """Return what a task needs so that it need not run again: where its item has a key, not the list of items."""
        maker = self.tasks.get(task.needs[0]) if len(task.needs) == 1 else None
        if task.id not in self._marks or maker is None or maker.template is None or task.id == maker.template.whole:
            return task.needs
        return tuple(need for need in maker.needs if need not in maker.decides_on)

    def learn(self, event: Event) -> bool:
        """Take an event; return whether other tasks are there now."""
        if isinstance(event, TaskEnded | TaskSkipped) and event.subject.task in self._marks:
            self._ended_under[event.subject.task] = self._marks[event.subject.task]
        if isinstance(event, RunStarted):
            gone = [name for name in event.again or () if name in self._made]
            for name in gone:
                del self._made[name]
            if gone:
                self._lay_out()
            return bool(gone)
        if not isinstance(event, TaskEnded) or event.subject.item is not None:
            return False
        task = self.tasks.get(event.subject.task)
        if task is None or task.template is None or not isinstance(event.outcome, Success):
            return False
        self._join(task, task.template, (event.outcome.value.inline or b"").decode())
        return True

    def _join(self, task: PlannedTask, template: Template, text: str) -> None:
        items = self._items[text]
        labels = list(map(str, range(items.count))) if items.keys is None else list(map(label_of, items.keys))
        made: list[PlannedTask] = []
        # Where nothing makes the inputs of an item, its tasks do the same whatever it is bound to.
        values = items.values if template.entry_of("") else None
        for label, value in zip(labels, values or [b""] * items.count, strict=True):
            for each in template.instance(label):
                made.append(replace(each, needs=each.needs or (task.id,)))
                if items.keys is not None:
                    self._marks[each.id] = value
        self._made[task.id] = tuple(made)
        self._exits[template.whole] = list(map(template.exit_of, labels))
        self._lay_out()

    def _lay_out(self) -> None:
        self.tasks = {task.id: task for task in self._with_joined(self._plan.tasks)}

    def _with_joined(self, tasks: Sequence[PlannedTask]) -> Iterator[PlannedTask]:
        waits_for: dict[str, list[str]] = {}
        for task in tasks:
            exits = waits_for.get(task.id)
            yield replace(task, needs=(*task.needs, *exits)) if exits else task
            if task.id in self._made and task.template is not None:
                waits_for[task.template.whole] = self._exits[task.template.whole]
                yield from self._with_joined(self._made[task.id])
