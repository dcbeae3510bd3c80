"""When a run may end: by how long tasks took in earlier runs, more and more by how this one goes.

    Expected (what attempts took before)  ─┐
    events ──take──► Pace: work done of all ─┴─ left_s ──► seconds

At first it is what the work was expected to take, at the end how fast it went; in between each has the weight of
its share: with a share f of the work done, expected in all E and elapsed t, (1 - f)² E + (1 - f) t is left. Where a run
goes as expected that is (1 - f) E all the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.events import Event, RunStarted, Subject, TaskEnded, TaskExpanded, TaskSkipped, TaskStarted
from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowpar.report.tally import Running, Tally

_MOST_OF_AN_ATTEMPT = 0.95  # one that takes longer than ever is not done yet
_LEAST_DONE = 0.02  # less says nothing of how fast a run is


@dataclass(frozen=True, slots=True)
class Expected:
    """What earlier runs say: seconds of one attempt at a task, whether that is more than a guess, items of fan-outs.

    `path_s` is how long the longest path takes, 0 where that is not known.
    """

    attempt_s: Callable[[str], float]
    knows: Callable[[str], bool]
    items: Mapping[str, int] = field(default_factory=dict)
    path_s: float = 0.0


@dataclass(slots=True)
class _Work:
    """One task: how many attempts it is, how many of them are over, and what one takes."""

    each_s: float
    count: int = 0
    done: int = 0
    took_s: float = 0.0


class Pace:
    """Adds up work in seconds as events tell that it is done; owned by the sink that feeds it."""

    def __init__(self, expected: Expected | None = None) -> None:
        """Know what attempts may take; without it all count alike, and nothing is said before some are done."""
        self._expected = expected
        self._work_of: dict[str, _Work] = {}
        self._work_s = 0.0
        self._done_s = 0.0
        self._run: RunStarted | None = None

    def take(self, event: Event) -> None:
        """Add one event."""
        match event:
            case TaskStarted():  # half of all that happens
                return
            case TaskEnded(subject):
                self._end(subject, None if event.measure is None else event.measure.duration_s)
            case TaskSkipped(subject):
                self._end(subject, None)
            case TaskExpanded(subject, _, items):
                self._plan(subject.task, items)
            case RunStarted():
                self._begin(event)
            case _:
                return

    def left_s(self, tally: Tally, now: float) -> float | None:
        """Return how long the run may still go on, None where nothing is known of it."""
        if self._run is None or self._work_s <= 0:
            return None
        elapsed, share = max(0.0, now - self._run.at), self._share(tally.running.values(), now)
        if self._expected is None:
            return elapsed * (1 - share) / share if _LEAST_DONE <= share < 1 else None
        expected = max(self._work_s / max(1, self._run.workers), self._expected.path_s)
        return (1 - share) ** 2 * expected + (1 - share) * elapsed

    def _share(self, running: Iterable[Running], now: float) -> float:
        done = self._done_s
        if self._expected is not None:
            for attempt in running:
                each_s = self._of(attempt.subject.task).each_s
                done += min(max(0.0, now - attempt.since), _MOST_OF_AN_ATTEMPT * each_s)
        return min(1.0, done / self._work_s)

    def _begin(self, event: RunStarted) -> None:
        # What a run that goes on keeps is not named: what is left is taken for a part of all like any other.
        self._run = event
        self._work_of.clear()
        self._work_s = self._done_s = 0.0
        items = {} if self._expected is None else self._expected.items
        for layer in event.layers:
            for task in layer:
                self._plan(task, items.get(task, 1))
        if event.kept and self._work_of:
            self._work_s *= max(0.0, 1 - event.kept / len(self._work_of))

    def _of(self, task: str) -> _Work:
        work = self._work_of.get(task)
        if work is None:
            work = self._work_of[task] = _Work(1.0 if self._expected is None else self._expected.attempt_s(task))
        return work

    def _plan(self, task: str, count: int) -> None:
        work = self._of(task)
        self._work_s += (count - work.count) * work.each_s
        work.count = count

    def _end(self, subject: Subject, took_s: float | None) -> None:
        work = self._of(subject.task)
        ended = work.count - work.done if subject.item is None else 1
        if work.done + ended > work.count:
            self._plan(subject.task, work.done + ended)
        work.done += ended
        self._done_s += ended * work.each_s
        if took_s is not None and subject.item is not None:
            self._learn(subject.task, work, took_s)

    def _learn(self, task: str, work: _Work, took_s: float) -> None:
        """Take items of which no earlier run knows to be as long as those that are done."""
        if self._expected is None or self._expected.knows(task):
            return
        work.took_s += took_s
        each_s = work.took_s / work.done
        self._work_s += work.count * (each_s - work.each_s)
        self._done_s += work.done * (each_s - work.each_s)
        work.each_s = each_s
