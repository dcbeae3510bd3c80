"""What stands of an earlier part of a run, held against the plan as it is now; the rest runs again.

    Verified + Plan + what is wanted again ──sort_out──► Resumption ── start     for the loop
                                                                   └─ the lists for the user

A task stands while it ended well, is still the task that it was, has its value, and all that it needs
stands; so does one that was skipped though nothing above it failed. Pure: nothing is read here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.frozen import dataclass, field
from flowpar.core.outcome import FailureKind
from flowpar.core.states import FAILURES, TaskState
from flowpar.core.suggest import nearest
from flowpar.engine.parts import all_tasks, needed_again, undecided, with_parts
from flowpar.schedule.start import Begun, Ended, Fingerprint, Round, Start, Tried

if TYPE_CHECKING:
    from flowpar.engine.parts import Named
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.record.resume import Verified
    from flowpar.record.settled import SettledTask, Standing

Redo = Sequence[tuple[str, int | None]]


@dataclass(frozen=True, slots=True)
class Resumption:
    """From where the run goes on, and why some of what was done is not taken as it is.

    `changed` are tasks that are not what they were; `lost` says of tasks and items what became of
    their value; `below` are done tasks that need something which runs again; `old_code` are tasks
    that stand though the file of their function changed.
    """

    start: Start
    changed: tuple[str, ...] = ()
    lost: Mapping[tuple[str, int | None], str] = field(default_factory=dict)
    below: tuple[str, ...] = ()
    old_code: tuple[str, ...] = ()


def sort_out(plan: Plan, verified: Verified, *, redo: Named = (), first_job: int = 1) -> Resumption:
    """Hold what is settled against the plan; `redo` is to run again, and what is below it.

    Raises UsageError where `redo` names what is not there.
    """
    tasks = {task.id: task for task in all_tasks(plan, verified.settled.tasks)}
    parts = with_parts(tasks, redo, verified.settled)
    for name, item in parts:
        _check_redo(tasks, verified, name, item)
    while True:
        sorter = _Sorter(verified, [*parts, *undecided(tasks, verified.settled)])
        for task in tasks.values():
            sorter.take(task)
        found = sorter.resumption(first_job)
        if not (needed := needed_again(tasks, found.start, verified.absent, plan.outputs_read)):
            return found
        verified = verified.without(needed)


class _Sorter:
    """Takes tasks after what they need, and tells those that stand from the others."""

    def __init__(self, verified: Verified, redo: Redo) -> None:
        self._verified = verified
        self._redone = {name for name, item in redo if item is None}
        self._gone: dict[str, set[int]] = {}
        for name, item in (*redo, *verified.lost):
            if item is not None:
                self._gone.setdefault(name, set()).add(item)
        self._redo = redo
        self._void: set[str] = set()
        self._tasks: dict[str, Begun] = {}
        self._again: dict[str, Sequence[int] | None] = {}
        self._changed: list[str] = []
        self._below: list[str] = []
        self._old_code: list[str] = []
        self._is_open = False

    def take(self, task: PlannedTask) -> None:
        """Tell whether a task stands; one of `finally` does so while all others do."""
        self._take(task)
        self._is_open |= not task.in_finally and not self._stands(task.id)

    def _take(self, task: PlannedTask) -> None:
        found = self._verified.settled.tasks.get(task.id)
        if found is None:
            return
        tried, marks = _tried(found), _marks(task, found)
        if self._is_void(task, found):
            self._void.add(task.id)
            if self._is_lost(task) or _is_settled(task, found) or _holds_something(task, found):
                self._again[task.id] = None
            self._tasks[task.id] = Begun(tried=tried, marks=marks)
            return
        gone = self._gone_of(task)
        is_whole = not gone and _is_settled(task, found) and self._has_needs(task) and _has_same_lists(task, found)
        if gone or (_is_settled(task, found) and not is_whole):
            self._again[task.id] = sorted(gone)
        items = _items(task, found, gone, is_whole=is_whole)
        if is_whole:
            whole = _ended(found.standing)
            self._tasks[task.id] = Begun(whole, found.item_count, items, tried)
        elif items or tried or task.repeat is not None:
            self._tasks[task.id] = Begun(items=items, tried=tried, rounds=_rounds(task, found, gone), marks=marks)
        if not gone and (is_whole or items):
            self._note_code(task, found)

    def _is_void(self, task: PlannedTask, found: SettledTask) -> bool:
        """Whether nothing of a task can stand; notes why, where something of it did."""
        if task.id in self._redone or self._is_lost(task):
            return True
        is_same = _is_as_it_was(task, found) or _is_same_task(task, found)
        if is_same and self._has_needs(task, besides=_feeds(task), without=_lists_of(task)):
            return False
        if _holds_something(task, found):
            (self._below if is_same else self._changed).append(task.id)
        return True

    def _has_needs(
        self, task: PlannedTask, *, besides: Collection[str] = (), without: Collection[str] = frozenset()
    ) -> bool:
        """Whether what a task needs stands, as far as it waits for it.

        Those `besides` may still be on their way, and those `without` run again.
        """
        if not task.needs and task.run_if != "one_success" and not task.in_finally:
            return True
        if task.in_finally and self._is_open:
            return False  # they run when all else is over: anew, where that was not all
        if task.run_if != "one_success":
            asked = (need for need in task.needs if need not in without)
            return all(need not in self._void if need in besides else self._stands(need) for need in asked)
        is_taken_back = any(need in self._again for need in task.needs)
        return not is_taken_back and any(map(self._lets_run, task.needs))

    def _lets_run(self, task: str) -> bool:
        begun = self._tasks.get(task)
        whole = None if begun is None else begun.whole
        return whole is not None and (whole.state.is_success or whole.is_tolerated)

    def _gone_of(self, task: PlannedTask) -> set[int]:
        """Return the items of a task that are to be made again; what they feed is, too."""
        gone = self._gone.get(task.id, set())
        for source in _feeds(task):
            gone = gone | {item for name, item in self._redo if name == source and item is not None}
        if gone:
            self._redo = [*self._redo, *((task.id, item) for item in sorted(gone))]
        return gone

    def _stands(self, task: str) -> bool:
        begun = self._tasks.get(task)
        return begun is not None and begun.whole is not None

    def _is_lost(self, task: PlannedTask) -> bool:
        return (task.id, None) in self._verified.lost

    def _note_code(self, task: PlannedTask, found: SettledTask) -> None:
        if _is_as_it_was(task, found) and not found.items:
            return
        done = [found.standing, *(item for item in found.items.values() if item.is_done)]
        now = Fingerprint.of(task)
        if any(not Fingerprint.parse(each.fingerprint).is_same_code(now) for each in done):
            self._old_code.append(task.id)

    def resumption(self, first_job: int) -> Resumption:
        return Resumption(
            start=Start(self._tasks, self._again, first_job),
            changed=tuple(self._changed),
            lost=self._verified.lost,
            below=tuple(self._below),
            old_code=tuple(self._old_code),
        )


def _is_as_it_was(task: PlannedTask, found: SettledTask) -> bool:
    """Whether a fingerprint is the task's to the letter: so it is for most, and takes no closer look."""
    return task.bound is None and found.standing.fingerprint == f"{task.fingerprint}.{task.code}"


def _is_same_task(task: PlannedTask, found: SettledTask) -> bool:
    return Fingerprint.parse(found.standing.fingerprint).is_same_task(Fingerprint.of(task))


def _is_settled(task: PlannedTask, found: SettledTask) -> bool:
    standing = found.standing
    if standing.state is TaskState.SKIPPED:
        return bool(standing.fingerprint)
    if standing.is_done:
        if task.kind == "finally":
            return True
        return standing.value is not None or found.item_count is not None
    return standing.state in FAILURES and standing.is_tolerated and task.allow_failure


def _feeds(task: PlannedTask) -> frozenset[str]:
    return frozenset() if task.fan_out is None else frozenset(task.fan_out.feeds.values())


def _lists_of(task: PlannedTask) -> frozenset[str]:
    """Return the tasks that may run again though items stand: of those it has its lists, and items have keys."""
    return task.decides_on - task.reads if task.fan_out is not None and task.fan_out.key is not None else frozenset()


def _has_same_lists(task: PlannedTask, found: SettledTask) -> bool:
    """Whether the items of a fan-out are not known to come from other lists, where they have keys."""
    if task.fan_out is None and _is_as_it_was(task, found):
        return True
    lists = "" if task.fan_out is None else task.fan_out.fingerprint
    return Fingerprint.parse(found.standing.fingerprint).is_same_item(Fingerprint.of(task, lists))


def _items(task: PlannedTask, found: SettledTask, gone: set[int], *, is_whole: bool) -> dict[int, Ended]:
    """Return the items that stand; of a fan-out that stands as a whole, all of them as they are."""
    if not found.items:
        return {}
    fan_out = task.fan_out
    tolerates = task.allow_failure or (fan_out is not None and fan_out.on_item_error == "collect")
    now = Fingerprint.of(task)
    kept = {}
    for item, standing in found.items.items():
        if item in gone or standing.state is None:
            continue
        is_done = standing.is_done and standing.value is not None
        is_tolerated = standing.state in FAILURES and standing.is_tolerated and tolerates
        is_same = Fingerprint.parse(standing.fingerprint).is_same_task(now)
        if is_whole or (is_same and (is_done or is_tolerated)):
            kept[item] = _ended(standing)
    return kept


def _rounds(task: PlannedTask, found: SettledTask, gone: set[int]) -> dict[int | None, Round]:
    """Return the last round that is over of a repeat, and of each of its items, that did not come to its end."""
    begun: dict[int | None, Standing] = {None: found.standing}
    begun |= {item: standing for item, standing in found.items.items() if item not in gone}
    now, rounds = Fingerprint.of(task), {}
    for item, standing in begun.items():
        is_same = Fingerprint.parse(standing.fingerprint).is_same_task(now)
        if task.repeat is not None and standing.previous is not None and is_same:
            number = standing.rounds_done
            failure = standing.failure
            # Who lets a repeat go on that had come to its `max` gives it as many rounds anew.
            base = number if failure is not None and failure.kind is FailureKind.ROUNDS else 0
            rounds[item] = Round(number, standing.previous, base, standing.fingerprint)
    return rounds


def _holds_something(task: PlannedTask, found: SettledTask) -> bool:
    is_done = _is_settled(task, found) and found.standing.state is not TaskState.SKIPPED
    return is_done or any(item.is_done or item.is_tolerated for item in found.items.values())


def _tried(found: SettledTask) -> dict[int | None, Tried]:
    begun: dict[int | None, Standing] = {None: found.standing}
    begun.update(found.items.items())
    # A round that is over has no more attempts: the next one counts anew.
    return {
        item: Tried(each.attempt, each.round)
        for item, each in begun.items()
        if each.attempt and not (each.rounds_done and each.round == each.rounds_done)
    }


def _marks(task: PlannedTask, found: SettledTask) -> dict[int, str]:
    """Return by what the items of a fan-out are found again, where they have keys."""
    if task.fan_out is None or task.fan_out.key is None:
        return {}
    return {item: Fingerprint.parse(each.fingerprint).key for item, each in found.items.items() if each.attempt}


def _ended(standing: Standing) -> Ended:
    return Ended(
        state=standing.state or TaskState.SUCCEEDED,
        attempt=standing.attempt,
        value=standing.value,
        failure=standing.failure,
        is_tolerated=standing.is_tolerated,
        fingerprint=standing.fingerprint,
    )


def _check_redo(tasks: Mapping[str, PlannedTask], verified: Verified, name: str, item: int | None) -> None:
    if name not in tasks:
        near = nearest(name, tasks)
        hint = f'did you mean "{near}"?' if near else f"its tasks are {', '.join(list(tasks)[:12])}"
        raise UsageError(f'--from names "{name}", which is not a task of the workflow', hint=hint)
    if item is None:
        return
    if tasks[name].fan_out is None:
        raise UsageError(f'--from names item {item} of "{name}", which has no items', hint=f"say --from {name}")
    found = verified.settled.tasks.get(name)
    count = None if found is None else found.item_count
    if count is not None and item >= count:
        raise UsageError(f'--from names item {item} of "{name}", which has {count} items, counted from 0')
