"""What each task came to, and what of it others still read.

    Record   where one task stands, and its output or error as expressions see them
    Ledger   all records of a run {task: record} in file order
    unread   {task: how many that read its output have not ended}

An output is released when nobody will read it any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.errors import InternalError
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.outcome import Success
from flowpar.core.states import FAILURES, MOVES, TaskState
from flowpar.execute.recipe import FailureView, TaskView
from flowpar.schedule.attempt import Ready
from flowpar.schedule.holding import Holding
from flowpar.schedule.resources import DECISIONS, Lane
from flowpar.schedule.start import Begun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from flowpar.core.outcome import Failure, Outcome, ValueRef
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.crew import OutputKey
    from flowpar.schedule.decision import Items
    from flowpar.schedule.fanout import ItemSet
    from flowpar.schedule.feed import Feed
    from flowpar.schedule.intake import Intake
    from flowpar.schedule.start import Round

# What travels with each job of a task; with many items, each carries it again.
TRAVELS_BYTES = 256 * 1024
TRAVELS_WITH_ITEMS_BYTES = 16 * 1024
_REF_BYTES = 160
_TRACEBACKS_KEPT = 100
_SHORT_MESSAGE = 200
NOT_BEGUN = Begun()
_WITH_VALUES = (TaskState.SUCCEEDED, TaskState.CACHED)
_FATES = {
    TaskState.TIMED_OUT: "timed out",
    TaskState.SKIPPED: "was skipped",
    TaskState.CANCELLED: "was cancelled",
}


@dataclass(slots=True, eq=False)
class Record:
    """Where one task stands; the loop and its parts write it.

    `ready_at` (and for an item's next attempt `again_at`) is monotonic; `attempt` is the number of
    the last one, and `next_try` what follows it after a while.
    `lane` is where its attempts wait. `begun` is how far it came before the run went on.
    `rounds` are the last ones of a repeat that are over. `item_outputs` are kept until they are too many
    to travel, None from then on. `recipe` and `views` are made at the first attempt and dropped at the end.
    `feed` is there where the task feeds others item by item, `intake` while others feed it; `verdict` is a
    failure that is decided before all of its items, or of its parts, are over; `cut_off` is why it is ended with what
    it is a part of; after one that `goes_on` another round follows.
    """

    task: PlannedTask
    rank: tuple[int, float, int]
    begun: Begun = NOT_BEGUN
    lane: Lane = DECISIONS
    state: TaskState = TaskState.PENDING
    is_tolerated: bool = False
    is_skipped_as_failed: bool = False
    ready_at: float = 0.0
    attempt: int = 0
    output: ValueRef | None = None
    error: FailureView | None = None
    items: ItemSet | None = None
    bound: Items | None = None
    item_errors: dict[int, FailureView] = field(default_factory=dict)
    first_failed: tuple[int, Failure] | None = None
    item_outputs: dict[int, ValueRef] | None = field(default_factory=dict)
    item_outputs_bytes: int = 0
    again_at: dict[int, float] = field(default_factory=dict)
    next_try: Ready | None = None
    rounds: dict[int | None, Round] = field(default_factory=dict)
    is_queued: bool = False
    recipe: bytes | None = None
    views: Mapping[str, TaskView] | None = None
    feed: Feed | None = None
    intake: Intake | None = None
    verdict: Failure | None = None
    cut_off: str = ""
    goes_on: bool = False

    def key_of(self, item: int | None) -> str | float | None:
        """Return the name of an item, where it has one."""
        keys = None if self.bound is None else self.bound.keys
        return None if keys is None or item is None else keys[item]

    @property
    def condition_reads(self) -> frozenset[str]:
        """The tasks that its `if` may read: none that feed it."""
        fan_out = self.task.fan_out
        return self.task.decides_on if fan_out is None else self.task.decides_on.difference(fan_out.feeds.values())

    @property
    def items_read(self) -> frozenset[str]:
        """The tasks that its items are made of at once: none that feed it still."""
        return self.task.decides_on if self.intake is None else self.task.decides_on - self.intake.sources

    @property
    def fate(self) -> str:
        """How it ended, after its name: `failed`, `was skipped`."""
        return _FATES.get(self.state, str(self.state))

    @property
    def is_cached(self) -> bool:
        """Whether it is a fan-out of which no item was made, as they were before."""
        return self.state is TaskState.PENDING and self.items is not None and self.items.tally(TaskState.CACHED) > 0

    @property
    def lets_others_run(self) -> bool:
        """Whether what needs the task may run."""
        return self.state.is_success or self.is_tolerated

    @property
    def has_failed(self) -> bool:
        """Whether the run fails because of the task."""
        scope = self.task.scope
        if self.task.is_spared or (scope is not None and scope.may_fail):
            return False  # the sub-workflow as a whole is tolerated
        return self.state in FAILURES and not self.is_tolerated

    def move(self, state: TaskState) -> None:
        """Go to another state, where that is legal."""
        if state not in MOVES[self.state]:
            raise InternalError(f'task "{self.task.id}" cannot go from {self.state} to {state}')
        self.state = state

    def keep_outcome(self, outcome: Outcome, attempt: int) -> None:
        """Keep the output or the error of a task without items."""
        self.attempt = attempt
        if isinstance(outcome, Success):
            self.output = outcome.value
        else:
            self.error = failure_view(outcome, attempt)

    def keep_item_output(self, item: int, ref: ValueRef) -> None:
        """Keep the output of an item, as long as all of them may travel with a job."""
        self.item_outputs_bytes += _size_of(ref)
        if self.item_outputs_bytes > TRAVELS_BYTES:
            self.item_outputs = None
        elif self.item_outputs is not None:
            self.item_outputs[item] = ref

    def keep_item_error(self, item: int, failure: Failure, attempt: int) -> None:
        """Keep the error of an item for those who read it; of many only the first keep their traceback."""
        view = failure_view(failure, attempt)
        if len(self.item_errors) >= _TRACEBACKS_KEPT:
            view = replace(view, message=view.message[:_SHORT_MESSAGE], traceback="")
        self.item_errors[item] = view

    def note_failed_item(self, item: int, failure: Failure) -> None:
        """Keep the failure of the lowest item that failed: it is what is told of the whole."""
        if self.first_failed is None or item < self.first_failed[0]:
            self.first_failed = (item, failure)

    def drop_working_state(self) -> None:
        """Let go of what only attempts need."""
        self.recipe = self.views = self.bound = self.intake = None
        self.begun = NOT_BEGUN
        self.rounds.clear()

    def ready(self, item: int | None, number: int, since: float) -> Ready:
        """Return the next attempt at a task or an item, in the round that is due: of this run's part its `number`-th.

        Attempts at that round before the run went on count, too.
        """
        last = None if self.task.repeat is None else self.rounds.get(item)
        lap = 0 if self.task.repeat is None else 1 if last is None else last.number + 1
        if number == 1 and self.begun.tried:
            tried = self.begun.tried.get(item)
            number += tried.attempts if tried is not None and tried.round == lap else 0
        return Ready(self, item, number, since, round=lap, previous=None if last is None else last.value)


def failure_view(failure: Failure, attempt: int) -> FailureView:
    """Return a failure as `tasks.x.error`."""
    return FailureView(
        kind=failure.kind.value,
        type=failure.type,
        message=failure.message,
        attempt=attempt,
        exit_code=failure.exit_code,
        traceback=failure.traceback,
    )


class Ledger:
    """All records of a run; owned by the loop.

    `run` is how the run went, once tasks of `finally` may ask for it; `runs` are how sub-workflows did.
    """

    def __init__(self, records: Iterable[Record], *, read_at_the_end: Collection[str] = ()) -> None:
        """Count who reads whose output; the workflow's own outputs are a reader that never ends."""
        self.holding = Holding()
        self.records = {record.task.id: record for record in records}
        self.run: Mapping[str, object] = {}
        self.runs: dict[str, Mapping[str, object]] = {}
        self._read_at_the_end = frozenset(read_at_the_end)
        self._unread = dict.fromkeys(read_at_the_end, 1)
        for record in self.records.values():
            for name in record.task.reads | record.task.decides_on:
                self._unread[name] = self._unread.get(name, 0) + 1

    def join(self, records: Iterable[Record], *, read_by_whole: Iterable[str]) -> None:
        """Take the records of tasks that join the run, and one more reader of some of them."""
        joined = {record.task.id: record for record in records}
        self.records |= joined
        read = [name for record in joined.values() for name in record.task.reads | record.task.decides_on]
        for name in (*read, *read_by_whole):
            self._unread[name] = self._unread.get(name, 0) + 1

    def __getitem__(self, task: str) -> Record:
        """Return the record of a task."""
        return self.records[task]

    def run_of(self, task: PlannedTask) -> Mapping[str, object]:
        """Return how that went after which a task of `finally` has its turn."""
        return self.runs.get(task.tidies, self.run) if task.tidies else self.run

    def is_read(self, task: str) -> bool:
        """Whether anybody will still read the output of a task."""
        return self._unread.get(task, 0) > 0

    def read_by_what_is_left(self) -> frozenset[str]:
        """Return the tasks whose output somebody reads who has not ended before the run went on."""
        left = (record.task for record in self.records.values() if record.begun.whole is None)
        return self._read_at_the_end.union(*(task.reads | task.decides_on for task in left))

    def close(self, record: Record) -> list[OutputKey]:
        """Note that a task ended; return the outputs that nobody reads any more."""
        record.drop_working_state()
        self.holding.closed(record)
        released: list[OutputKey] = []
        for name in record.task.reads | record.task.decides_on:
            self._unread[name] -= 1
            if not self._unread[name] and name in self.records:
                self.holding.unread(self.records[name])
                released += self._release(self.records[name])
        return released

    def _release(self, record: Record) -> list[OutputKey]:
        task = record.task.id
        record.item_errors.clear()
        record.item_outputs = None
        if record.items is None:
            was_kept = record.output is not None
            record.output = None
            return [(task, None)] if was_kept else []
        return [(task, item) for state in _WITH_VALUES for item in record.items.all_in(state)]

    def views(self, names: Iterable[str], *, limit_bytes: int = TRAVELS_BYTES) -> dict[str, TaskView]:
        """Return tasks as a job sees them; outputs travel along up to `limit_bytes`, the others are looked up."""
        left = limit_bytes
        views: dict[str, TaskView] = {}
        for name in sorted(names):
            record = self.records.get(name)
            if record is None:  # left out of this run, and read by a task of finally
                views[name] = TaskView(TaskState.SKIPPED.value)
                continue
            size = record.item_outputs_bytes if record.output is None else _size_of(record.output)
            views[name] = _view(record, travels=size <= left)
            left -= size if size <= left else 0
        return views


def _size_of(ref: ValueRef) -> int:
    return _REF_BYTES + len(ref.inline or b"")


def _view(record: Record, *, travels: bool) -> TaskView:
    if record.items is None:
        return TaskView(
            status=record.state.value,
            output=record.output if travels else None,
            is_managed=record.output is not None and not travels,
            error=record.error,
        )
    has_output = record.state.is_success
    kept = record.item_outputs if travels and has_output else None
    return TaskView(
        status=record.state.value,
        is_managed=has_output and kept is None,
        error=record.error,
        item_states=record.items.states(),
        item_outputs=None if kept is None else tuple(kept.get(item) for item in range(record.items.count)),
        item_errors=dict(record.item_errors),
    )
