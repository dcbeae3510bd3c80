"""What happens to a task whose needs are met, before its first attempt: its condition and its items.

    taken ─► if ─┬─► skipped
                 └─► for_each, matrix ─┬─► settled, with zero items
                                       ├─► ready
                                       └─► fed: its items come one by one

What the engine may not decide itself is a job for a worker, and goes on from its completion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import FAILURES, TaskState
from flowpar.execute.recipe import INPUTS, Expand, Judge
from flowpar.planning.template import ITEMS, OUTPUTS
from flowpar.schedule.attempt import Ready
from flowpar.schedule.decision import NotHere
from flowpar.schedule.fanout import ItemSet
from flowpar.schedule.fed import CONDITION_IS_FALSE
from flowpar.schedule.parts import Parts
from flowpar.schedule.restore import find_again, restore_items
from flowpar.schedule.settle import state_of

if TYPE_CHECKING:
    from flowpar.core.outcome import Outcome
    from flowpar.planning.model import FanOut, PlannedTask
    from flowpar.schedule.decision import Decisions, Items
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.feeding import Feeding
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.settle import Settlement


class Opening:
    """Opens tasks; a part of the loop."""

    def __init__(self, desk: Desk, decisions: Decisions, settlement: Settlement, feeding: Feeding) -> None:
        """Work on `desk`."""
        self._desk = desk
        self._decisions = decisions
        self._settlement = settlement
        self._feeding = feeding
        self.parts = Parts(desk, settlement)

    def open(self, record: Record) -> None:
        """Begin with a task whose needs are met."""
        record.ready_at = self._desk.clock.monotonic()
        if record.state.is_final:  # it ended before the run went on
            self._settlement.close(record)
            return
        if not self.parts.enter(record) or (record.task.kind == "workflow" and self._is_in_vain(record)):
            return
        if record.task.kind == "finally":
            self.parts.tidy(record)
            return
        condition = record.task.condition
        if condition is None or record.task.condition_is_per_item:
            self._bind(record)
            return
        verdict = self._decisions.judge(
            record.task, self._desk.ledger.views(record.condition_reads), run=self._desk.ledger.run_of(record.task)
        )
        if isinstance(verdict, NotHere):
            self._delegate(record, Judge(condition))
        else:
            self._judged(record, verdict)

    def decided(self, ready: Ready, decision: Judge | Expand, outcome: Outcome) -> None:
        """Go on with a task, or an item that was fed, for which a worker decided something."""
        record = ready.record
        if self._desk.stop is not None or record.state.is_final:
            return  # it is cancelled with all the others that did not start, or with what feeds it
        if ready.item is not None:
            verdict = outcome if isinstance(outcome, Failure) else self._decisions.read_judged(outcome.value)
            self._feeding.fed.judged(record, ready.item, verdict)
        elif isinstance(outcome, Failure):
            self._fail(record, outcome)
        elif isinstance(decision, Judge):
            self._judged(record, self._decisions.read_judged(outcome.value))
        elif record.task.fan_out is not None:
            self._desk.ledger.holding.hold_items(record.task, outcome.value)
            self._bound(record, record.task.fan_out, self._decisions.read_expanded(outcome.value))

    def _judged(self, record: Record, verdict: bool | Failure) -> None:  # noqa: FBT001 - a verdict is what it is about
        if isinstance(verdict, Failure):
            self._fail(record, verdict)
        elif verdict:
            self._bind(record)
        else:
            self._skip(record)

    def _bind(self, record: Record) -> None:
        fan_out = record.task.fan_out
        if fan_out is None:
            if record.task.cache is None:  # else it may be cached, and nothing is ready that is not made
                record.move(TaskState.READY)
            record.rounds = {**record.begun.rounds, **record.rounds}
            # Some were made where it waited for its next attempt when the run was stopped, and tidies up.
            self._desk.queue(record.ready(None, record.attempt + 1, record.ready_at))
            return
        task = self._feeding.open(record, fan_out) if fan_out.feeds else record.task
        if task is None or task.fan_out is None:
            return
        ledger = self._desk.ledger
        found = self._decisions.expand(task, ledger.views(record.items_read), run=ledger.run_of(record.task))
        if isinstance(found, NotHere):
            self._delegate(record, expansion_of(task, task.fan_out))
        else:
            self._bound(record, fan_out, found)

    def _bound(self, record: Record, fan_out: FanOut, bound: Items | Failure) -> None:
        if isinstance(bound, Failure):
            self._fail(record, bound)
            return
        if record.intake is not None:
            self._feeding.fed.bound(record, bound)
            return
        items = ItemSet(bound.count, max_parallel=fan_out.max_parallel)
        record.items, record.bound = items, bound
        self._desk.announce.expanded(record, bound.count, find_again(record, bound))
        for item, verdict in enumerate(bound.verdicts or ()):
            if not verdict:
                items.skip(item)
                self._desk.announce.skipped(record, CONDITION_IS_FALSE, item=item)
                self._desk.give(record, item, None)
        restore_items(self._desk, record, items, bound)
        if items.is_over:
            self._settlement.conclude(record)
            return
        if record.task.cache is None:
            record.move(TaskState.READY)
        self._desk.queue_items(record)

    def _is_in_vain(self, record: Record) -> bool:
        """End a sub-workflow that has no outputs: it was skipped as a whole, or a task of it failed."""
        ledger, whole = self._desk.ledger, record.task.part_of if record.task.bounds is None else record.task.id
        if record.verdict is not None:
            self._fail(record, record.verdict)
            return True
        names = (f"{whole}/{INPUTS}", f"{whole}/{ITEMS}", f"{whole}@1")
        entry = next((ledger[name] for name in names if name in ledger.records), None)
        if entry is not None and entry.state is TaskState.SKIPPED:
            record.is_skipped_as_failed = entry.is_skipped_as_failed
            self._skip(
                record, f'task "{entry.task.id}" was skipped' if entry.is_skipped_as_failed else CONDITION_IS_FALSE
            )
            return True
        bad = [each for each in map(ledger.__getitem__, record.task.needs) if each.state in FAILURES]
        bad = [each for each in bad if not each.is_tolerated or _counts_for(record.task, each.task)]
        if not bad:
            return False
        told = bad[0].error
        if bad[0].task.id == f"{whole}/{OUTPUTS}" and told is not None:
            self._fail(record, Failure(FailureKind.TASKS, told.type, told.message))
            return True
        reason = "" if told is None else f": {told.type}: {told.message}" if told.type else f": {told.message}"
        count = f"{len(bad)} of its tasks failed, " if len(bad) > 1 else ""
        self._fail(record, Failure(FailureKind.TASKS, "", f'{count}task "{bad[0].task.id}" {bad[0].fate}{reason}'))
        return True

    def _delegate(self, record: Record, decision: Judge | Expand) -> None:
        self._desk.queue(Ready(record, None, 1, record.ready_at, decision))

    def _skip(self, record: Record, reason: str = CONDITION_IS_FALSE) -> None:
        record.move(TaskState.SKIPPED)
        self._desk.announce.skipped(record, reason)
        self._settlement.close(record)

    def _fail(self, record: Record, failure: Failure) -> None:
        # Only a sub-workflow runs out of time, or is ended, before an attempt of its own.
        state = TaskState.FAILED if record.verdict is None else state_of(failure)
        record.is_tolerated = record.task.allow_failure and state in FAILURES
        record.move(state)
        record.keep_outcome(failure, 0)
        self._desk.announce.ended(record, failure)
        self._settlement.close(record)


def _counts_for(whole: PlannedTask, part: PlannedTask) -> bool:
    """Whether the failure of an item that may fail is one of the whole: where failed items are not collected."""
    bounds = whole.bounds
    of_part = part.bounds is not None and part.bounds.of == whole.id
    return of_part and bounds is not None and bounds.on_item_error != "collect"


def expansion_of(task: PlannedTask, fan_out: FanOut) -> Expand:
    """Return the recipe that makes the items of a fanned-out task."""
    return Expand(
        names=fan_out.names,
        is_product=fan_out.is_product,
        include=fan_out.include,
        exclude=fan_out.exclude,
        condition=task.condition if task.condition_is_per_item else None,
        key=fan_out.key,
    )
