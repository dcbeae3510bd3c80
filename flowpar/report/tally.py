"""What a run looks like right now, added up from its events; every live view reads it.

total    tasks, a fan-out counting as its items once it knows them
done     those that came to an end, by state; a failure that is tolerated is none
running  attempts that run now, in the order in which they started
"""

from __future__ import annotations

import math
from collections import Counter

from flowpar.core.events import (
    Event,
    RunStarted,
    RunStopping,
    Subject,
    TaskEnded,
    TaskExpanded,
    TaskProgressed,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.frozen import dataclass, replace


@dataclass(frozen=True, slots=True)
class Running:
    """One attempt that runs; `progress` is what it said last."""

    subject: Subject
    since: float
    pid: int = 0
    progress: TaskProgressed | None = None


class Tally:
    """Adds up events; owned by the sink that feeds it."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.run: RunStarted | None = None
        self.total = 0
        self.done: Counter[str] = Counter()
        self.running: dict[tuple[str, int | None], Running] = {}
        self.stopping: str | None = None
        self.longest_name = 0  # of a task, so that a picture need not jump to and fro
        self._begun: dict[str, float] = {}  # fan-outs that go on, and when their first item began
        self._planned: set[str] = set()  # tasks that count in the total
        self._known_of: dict[str, int] = {}  # items that count in the total, by fan-out
        self._ended_of: Counter[str] = Counter()  # those of them that came to an end

    @property
    def done_count(self) -> int:
        """How many came to an end."""
        return self.done.total()

    @property
    def failed_count(self) -> int:
        """How many ended badly."""
        return self.done["failed"] + self.done["timed_out"]

    def items_of(self, task: str) -> tuple[int, int]:
        """Return how many items of a fan-out that goes on came to an end, and how many it has."""
        return self._ended_of[task], self._known_of.get(task, 0)

    def begun_at(self, task: str) -> float:
        """Return when the first item of a fan-out that goes on began."""
        return self._begun.get(task, math.inf)

    def take(self, event: Event) -> None:
        """Add one event."""
        match event:
            case TaskStarted(subject, at, pid):
                self.running[subject.task, subject.item] = Running(subject, at, pid)
                self._meet(subject)
                if subject.item is not None:
                    self._begun.setdefault(subject.task, at)
            case TaskEnded(subject):
                self._end(subject, "tolerated" if event.is_tolerated else event.state.value)
            case TaskSkipped(subject):
                self._end(subject, "skipped")
            case TaskRetrying(subject) | TaskRepeating(subject):
                self.running.pop((subject.task, subject.item), None)
            case TaskProgressed(subject):
                self._note(event)
            case TaskExpanded(subject, _, items):
                self._know(subject.task, items)
            case RunStarted():
                self.run = event
                self._planned = {task for layer in event.layers for task in layer}
                self.total = len(self._planned)
                self.longest_name = max(map(len, self._planned), default=0)
                self.done.update({"kept": event.kept} if event.kept else {})
            case RunStopping(_, reason):
                self.stopping = reason
            case _:
                return

    def _note(self, event: TaskProgressed) -> None:
        key = event.subject.task, event.subject.item
        if (running := self.running.get(key)) is not None:
            self.running[key] = replace(running, progress=event)

    def _meet(self, subject: Subject) -> None:
        """Count a task that joins while the run goes on, and an item of a fan-out that has not counted its own."""
        self._join(subject.task)
        if subject.item is not None and subject.item >= self._known_of.get(subject.task, 0):
            self._know(subject.task, subject.item + 1)

    def _join(self, task: str) -> None:
        if self.run is not None and task not in self._planned:
            self._planned.add(task)
            self.total += 1

    def _know(self, task: str, items: int) -> None:
        self._join(task)
        self.total += items - self._known_of.get(task, 1)
        self._known_of[task] = items

    def _end(self, subject: Subject, state: str) -> None:
        self.running.pop((subject.task, subject.item), None)
        if subject.item is not None:
            self._meet(subject)
            self._ended_of[subject.task] += 1
            self.done[state] += 1
            return
        self._join(subject.task)
        if subject.task in self._known_of:
            # Its items were counted; those that nobody spoke of end with it.
            self.done[state] += self._known_of.pop(subject.task) - self._ended_of.pop(subject.task, 0)
            self._begun.pop(subject.task, None)
        else:
            self.done[state] += 1
