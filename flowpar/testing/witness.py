"""A sink that checks what is promised of a run at each event, against all that was told before.

    live      attempts that began and did not end {(task, item)}
    done      what ended, and how {(task, item): state}
    kept      what the journal had as succeeded when the engine died: it must not begin again
    attempts  (round, attempt) of each one's last attempt
    counts    how each task that is over counts for those that need it {task: how}

An item that has a key is known by it, wherever it stands. A broken promise raises `Broken`.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.events import (
    RunFinished,
    RunStarted,
    RunStopping,
    TaskEnded,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.frozen import dataclass, field
from flowpar.core.run_if import EARLY
from flowpar.core.states import FAILURES, RunStatus, TaskState
from flowpar.schedule.fed import CONDITION_IS_FALSE
from flowpar.schedule.resources import WHOLE, request_of
from flowpar.schedule.rule import Counts
from flowpar.testing.joined import Joined
from flowpar.testing.rules import expected, holds
from flowpar.testing.standing import DONE, Standing, feeds_of, key_of, may_fail

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from flowpar.core.events import Event
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.schedule.run import RunEnd
    from flowpar.testing.simulation import FakeItems
    from flowpar.testing.standing import Key

_NONE = (0, 0)


class Broken(AssertionError):  # noqa: N818 - it is said of a promise
    """Something that is promised does not hold."""


@dataclass(slots=True)
class _Part:
    """What was seen since the run began, or went on; `going` are the items of sub-workflows of which a task began."""

    live: set[Key] = field(default_factory=set)
    done: dict[Key, TaskState] = field(default_factory=dict)
    begun: Counter[tuple[Key, int]] = field(default_factory=Counter)
    submitted_at_stop: int | None = None
    going: dict[str, str] = field(default_factory=dict)


class Witness:
    """Watches one plan's run, through as many deaths of the engine as there are."""

    def __init__(
        self,
        plan: Plan,
        *,
        count_submitted: Callable[[], int] = int,
        workers: int | None = None,
        items: Mapping[str, FakeItems] = MappingProxyType({}),
        found: Mapping[Key, int] = MappingProxyType({}),
    ) -> None:
        """Know the plan, how many jobs were submitted and `workers` there are, late items, and the rounds `found`."""
        self._found = found
        self.events: list[Event] = []
        self.committed = 0
        self.kept: dict[Key, TaskState] = {}
        self.attempts: dict[Key, tuple[int, int]] = {}
        self.durable: set[str] = set()
        self.counts: dict[str, Counts] = {}
        self._plan, self._items = plan, items
        self._joined = Joined(plan, items)
        self._tasks = self._joined.tasks
        self._totals = {**plan.limits, **({} if workers is None else {"cpu": workers})} if plan.limits else {}
        self._count_submitted = count_submitted
        self._part = _Part()
        self._is_finished = False

    def emit(self, event: Event) -> None:
        """Check one event."""
        _prove(not self._is_finished, "something happened after the end")
        match event:
            case TaskStarted():
                self._begin(event)
            case TaskRetrying() | TaskRepeating():
                self._part.live.remove(key_of(event.subject))
            case TaskEnded() | TaskSkipped():
                self._end(event)
            case RunStopping():
                self._part.submitted_at_stop = self._count_submitted()
            case RunFinished():
                self._is_finished = True
            case _:
                pass
        self.events.append(event)
        if self._joined.learn(event):
            self._tasks, outdated = self._joined.tasks, self._joined.outdated
            self.kept = {key: state for key, state in self.kept.items() if key[0] not in outdated}

    def flush(self) -> None:
        """Do nothing: a power cut may still take it."""

    begin_commit = flush

    def commit(self) -> None:
        """Note what is durable."""
        for event in self.events[self.committed :]:
            if isinstance(event, TaskEnded | TaskSkipped) and event.subject.item is None:
                self.durable.add(event.subject.task)
        self.committed = len(self.events)

    def close(self) -> None:
        """Do nothing."""

    def state_of(self, key: Key) -> TaskState | None:
        """Return how something ended, in this part of the run or before."""
        return self._part.done.get(key) or self.kept.get(key)

    def go_on_after(self, count: int) -> None:
        """Note that the engine died and `count` events were found in the journal: those happened, and no others."""
        known = self.events[:count]
        self.events, self.committed = known, count
        self._joined = joined = Joined(self._plan, self._items)
        for event in known:
            joined.learn(event)
        self._tasks, outdated = joined.tasks, joined.outdated
        standing = Standing(joined, known)
        self.kept = {key: state for key, state in standing.kept.items() if key[0] not in outdated}
        self.counts = {task: counts for task, counts in standing.counts.items() if task not in outdated}
        self.attempts = {}
        anew = {name for name in standing.void if self._tasks[name].repeat is not None}
        for event in known:
            # What repeats anew begins with its first round, whatever attempts that had.
            if isinstance(event, TaskStarted) and event.subject.task not in anew:
                key = key_of(event.subject)
                self.attempts[key] = max(self.attempts.get(key, _NONE), (event.subject.round, event.subject.attempt))
        self.durable = set(self.counts)
        self._part = _Part()
        self._is_finished = False

    def check_end(self, end: RunEnd, *, submitted: int) -> None:
        """Check how a run ended against what was told."""
        part, tasks = self._part, self._tasks
        _prove(isinstance(self.events[0], RunStarted), "the run did not begin")
        _prove(isinstance(self.events[-1], RunFinished), "the run did not end")
        _prove(self.committed == len(self.events), "the end is not durable")
        _prove(not part.live, f"still live at the end: {part.live}")
        has_last = any(task.in_finally or task.tidies for task in tasks.values())
        _prove(has_last or part.submitted_at_stop in {None, submitted}, "something was submitted after a stop")
        for task, state in end.states.items():
            _prove(state.is_final, f"{task} ended as {state}")
            told = self.state_of((task, None)) or state
            _prove(told is state or {told, state} <= DONE, f"{task} was told to be other than {state}")
            _prove(state in DONE or (task, None) not in self.kept, f"{task} was done, and is {state} now")
        failed = {task for task, state in end.states.items() if state in FAILURES and not may_fail(tasks[task])}
        _prove(set(end.failed) == failed, f"failed are {failed}, told are {end.failed}")
        if part.submitted_at_stop is None:
            self._check_rules(end)
        _prove((end.status is RunStatus.SUCCEEDED) == (end.exit_code is ExitCode.OK), "status and exit code differ")
        if end.status is RunStatus.SUCCEEDED:
            cut_off = {task for task, state in end.states.items() if state is TaskState.CANCELLED}
            _prove(not failed and all(tasks[task].part_of for task in cut_off), "this is no success")

    def _begin(self, event: TaskStarted) -> None:
        subject, part = event.subject, self._part
        key = key_of(subject)
        task = self._tasks[subject.task]
        _prove(key not in part.live, f"two live attempts at {key}")
        _prove(key not in part.done, f"{key} started again after its end")
        _prove((subject.task, None) not in part.done, f"{key} started after its fan-out ended")
        _prove(key not in self.kept and (subject.task, None) not in self.kept, f"{key} was done, and started again")
        number, before = (subject.round, subject.attempt), self.attempts.get(key, _NONE)
        known = self._found.get(key, 0)  # what a cache had; after a crash it is found again
        _prove(number > before, f"{key} has attempt {subject.attempt} of round {subject.round} twice")
        _prove(subject.round <= max(1, before[0] + 1, known + 1), f"{key} left out a round before {subject.round}")
        part.begun[key, subject.round] += 1
        rounds = sum(1 for begun, lap in part.begun if lap and begun == key)
        _prove(rounds <= (task.repeat.rounds if task.repeat else 0), f"{key} has more rounds than it may")
        _prove(part.begun[key, subject.round] <= task.retry.attempts, f"{key} has more attempts than it may")
        self.attempts[key] = number
        part.live.add(key)
        if task.fan_out is not None and task.fan_out.max_parallel is not None:
            live = sum(1 for each, _ in part.live if each == subject.task)
            _prove(live <= task.fan_out.max_parallel, f"{live} items of {subject.task} at once")
        self._check_items(task)
        for pool, total in self._totals.items():
            _prove(self._held(pool) <= total * WHOLE, f"more than {total:g} of {pool} at once: {part.live}")
        _prove(not task.in_finally or self._is_all_over(), f"{key} started before all others were over")
        come = {need for need in feeds_of(task) if self._has_come(need, subject.item)}
        self._check_rule(task, "started", besides=come)

    def _end(self, event: TaskEnded | TaskSkipped) -> None:
        key, part = key_of(event.subject), self._part
        _prove(key not in part.done, f"{key} ended twice")
        is_hit = isinstance(event, TaskEnded) and event.state is TaskState.CACHED
        was_made = any(begun == key or (key[1] is None and begun[0] == key[0]) for begun, _ in part.begun)
        _prove(not (is_hit and was_made), f"{key} was made, and is cached")
        _prove(key not in self.kept, f"{key} was done, and ended again")
        part.live.discard(key)
        part.going.pop(key[0], None)
        part.done[key] = event.state if isinstance(event, TaskEnded) else TaskState.SKIPPED
        if key[1] is None:
            self.counts[key[0]] = self._count(event)
            _prove(not any(task == key[0] for task, _ in part.live), f"{key[0]} ended before its items")

    def _check_items(self, task: PlannedTask) -> None:
        """Check that no more items of a sub-workflow go on than may, where a task of one begins."""
        ends = self._tasks.get(task.part_of)
        while ends is not None:
            bounds = ends.bounds
            if bounds is not None and bounds.max_parallel is not None:
                going = self._part.going
                going[ends.id] = bounds.of
                count = list(going.values()).count(bounds.of)
                _prove(count <= bounds.max_parallel, f"{count} items of {bounds.of} go on at once")
            ends = self._tasks.get(ends.part_of)

    def _is_all_over(self) -> bool:
        """Whether all tasks are over but those of `finally`; after a stop none joins any more that had not begun."""
        begun = {task for (task, _), _ in self._part.begun}
        is_cut_off = self._part.submitted_at_stop is not None
        left = (task.id for task in self._tasks.values() if not (task.in_finally or task.id in self.counts))
        return all(is_cut_off and "[" in task and task not in begun for task in left)

    def _has_come(self, task: str, item: int | None) -> bool:
        """Whether an item that feeds another has ended so that the other may run."""
        key, fan_out = (task, item), self._tasks[task].fan_out
        if fan_out is None:
            return True  # it yields: what came before its end is submitted by then, however that comes
        state = self.state_of(key)
        # One that stands from before failed then, and is not told again.
        has_failed = state in FAILURES or (state is None and key in self.attempts and key not in self._part.live)
        is_collected = fan_out.on_item_error == "collect" and has_failed
        return state in DONE or state is TaskState.SKIPPED or is_collected

    def _held(self, pool: str) -> int:
        """Return what all live attempts hold of a pool, in thousandths."""
        return sum(dict(request_of(self._tasks[task])).get(pool, 0) for task, _ in self._part.live)

    def _count(self, event: TaskEnded | TaskSkipped) -> Counts:
        """Return how a task that is over counts for those that need it, and check that it came to that by its rule."""
        task = self._tasks[event.subject.task]
        if isinstance(event, TaskEnded):
            if event.state is not TaskState.CANCELLED:
                self._check_rule(task, "ended", besides=feeds_of(task))
            return Counts.SUCCEEDED if event.state in DONE or event.is_tolerated else Counts.FAILED
        entry = self._joined.entry_of(task)
        if entry is not None and self.counts.get(entry.id) in {Counts.FAILED, Counts.SKIPPED}:
            return self.counts[entry.id]  # nothing runs of what could not begin, whatever its own rule
        if event.reason == CONDITION_IS_FALSE:
            self._check_rule(task, "asked", besides=feeds_of(task))
            return Counts.SKIPPED
        over = [self.counts[need] for need in task.needs if need in self.counts]
        counts = expected(task.run_if, over)
        if feeds_of(task) and counts is not Counts.SKIPPED:
            return Counts.FAILED  # an item failed that was to feed it
        is_early = counts is Counts.FAILED or task.run_if == "all_failed"
        _prove(counts is not None and (len(over) == len(task.needs) or is_early), f"{task.id} was skipped too early")
        return counts or Counts.FAILED

    def _check_rule(self, task: PlannedTask, what: str, *, besides: Collection[str] = ()) -> None:
        if task.tidies and self._part.submitted_at_stop is not None:
            return  # it has its turn at once
        needs = [need for need in task.needs if need not in besides]
        late = [need for need in needs if need not in self.counts]
        _prove(not late or task.run_if in EARLY, f"{task.id} {what} before {late[0] if late else None} was done")
        over = [self.counts[need] for need in needs if need in self.counts]
        _prove(holds(task.run_if, over), f"{task.id} {what} against its run_if")

    def _check_rules(self, end: RunEnd) -> None:
        """Check of a run that nobody stopped that what did not run was not to run."""
        for task in self._tasks.values():
            if task.id not in end.states:
                _prove("[" in task.id and task.id in self.counts, f"{task.id} is left out")
                continue  # the sub-workflow that it is a part of was over before
            is_left_out = expected(task.run_if, [self.counts[need] for need in task.needs]) is not None
            is_skipped = end.states[task.id] is TaskState.SKIPPED or bool(feeds_of(task))
            _prove(not is_left_out or is_skipped, f"{task.id} ran against its run_if")


def _prove(holds: bool, message: str) -> None:  # noqa: FBT001 - a claim reads best as the first argument
    if not holds:
        raise Broken(message)
