"""What of a run that was cut off must stand when it goes on, told from its events: by other means than recovery's.

events that the journal has ─► last end of each ─┬─► kept    what was done, and all above it, too {(task, item): state}
                                                     └─► counts  how each task that stands counts {task: how}
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.events import RunStarted, TaskEnded, TaskSkipped
from flowpar.core.states import TaskState
from flowpar.schedule.rule import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.events import Event, Subject
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.joined import Joined

    Key = tuple[str, int | str | float | None]

DONE = frozenset({TaskState.SUCCEEDED, TaskState.CACHED})


class Standing:
    """Holds the last end of each task and item against the plan; tasks come after what they need."""

    def __init__(self, joined: Joined, events: Sequence[Event]) -> None:
        """Look through the events of all parts of a run."""
        tasks = joined.tasks
        self.kept: dict[Key, TaskState] = {}
        self.counts: dict[str, Counts] = {}
        self._ends: dict[Key, TaskEnded | TaskSkipped] = {}
        self.void: set[str] = set()
        for event in events:
            self._take(event)
        for task in tasks.values():
            # What tidies up stands while all that comes before it does.
            left = (each for each in tasks.values() if not each.in_finally and each.id not in self.counts)
            is_early = task.in_finally and any(left)
            task = replace(task, needs=joined.stands_on(task))  # noqa: PLW2901 - the same task
            if not is_early and self._has_needs(task, besides=feeds_of(task), without=lists_of(task)):
                self._keep(task)
            else:
                self.void.add(task.id)

    def _take(self, event: Event) -> None:
        if isinstance(event, TaskEnded | TaskSkipped):
            self._ends[key_of(event.subject)] = event
        elif isinstance(event, RunStarted):
            gone = event.again or {}
            self._ends = {key: end for key, end in self._ends.items() if not _is_taken_back(key, gone)}

    def _has_needs(
        self, task: PlannedTask, *, besides: frozenset[str] = frozenset(), without: frozenset[str] = frozenset()
    ) -> bool:
        if task.run_if != "one_success":
            asked = (need for need in task.needs if need not in without)
            return all(need not in self.void if need in besides else need in self.counts for need in asked)
        is_good = any(self.counts.get(need) is Counts.SUCCEEDED for need in task.needs)
        return is_good and not any(need in self.void and self._counts_of(need) is not None for need in task.needs)

    def _keep(self, task: PlannedTask) -> None:
        for (name, item), end in self._ends.items():
            is_done = isinstance(end, TaskEnded) and end.state in DONE
            if name == task.id and is_done and (item is not None or self._has_needs(task)):
                self.kept[name, item] = TaskState.SUCCEEDED
        counts = self._counts_of(task.id)
        if counts is not None and self._has_needs(task):
            self.counts[task.id] = counts

    def _counts_of(self, task: str) -> Counts | None:
        """Return how a task counts that need not run again, None for one that must."""
        whole = self._ends.get((task, None))
        if isinstance(whole, TaskSkipped):
            return Counts.SKIPPED
        return None if whole is None or not (whole.state in DONE or whole.is_tolerated) else Counts.SUCCEEDED


def key_of(subject: Subject) -> Key:
    """Return what an attempt is at: the item by its key, or else by its place."""
    return subject.task, subject.item if subject.key is None else subject.key


def lists_of(task: PlannedTask) -> frozenset[str]:
    """Return the tasks whose lists may be others, while items of the task stand that have keys."""
    has_keys = task.fan_out is not None and task.fan_out.key is not None
    return task.decides_on - task.reads if has_keys else frozenset()


def feeds_of(task: PlannedTask) -> frozenset[str]:
    """Return the tasks that feed another item by item."""
    return frozenset() if task.fan_out is None else frozenset(task.fan_out.feeds.values())


def _is_taken_back(key: Key, again: Mapping[str, Sequence[int] | None]) -> bool:
    task, item = key
    items = again.get(task, ())
    return task in again and (items is None or item is None or item in items)


def may_fail(task: PlannedTask) -> bool:
    """Whether a run goes well though a task fails."""
    return task.allow_failure or task.is_spared or (task.scope is not None and task.scope.may_fail)
