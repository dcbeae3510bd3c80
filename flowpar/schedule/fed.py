"""A task that others feed: its items come one by one, and how many there are comes in the end.

value ─► intake ─ complete ─► stood before │ skipped by its `if` │ offered
length ─► sealed                 unequal lengths, or a source that fails ─► closed
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.execute.recipe import Bindings, Judge
from flowpar.schedule.attempt import Ready
from flowpar.schedule.decision import NotHere
from flowpar.schedule.restore import restore_item

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.schedule.decision import Decisions, Items
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.feed import Given
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.settle import Settlement

CONDITION_IS_FALSE = "its condition is false"


class Fed:
    """Moves the items of tasks that are fed; a part of `Feeding`."""

    def __init__(self, desk: Desk, decisions: Decisions, settlement: Settlement) -> None:
        """Work on `desk`."""
        self._desk = desk
        self._decisions = decisions
        self._settlement = settlement

    def bound(self, record: Record, settled: Items) -> None:
        """Go on with a task of which the lists that were known are bound."""
        intake = record.intake
        if intake is None or record.items is None or record.items.is_closed:
            return
        record.bound = intake
        for item in intake.settle(settled):
            self._admit(record, item)
        self._prove_lengths(record)
        self._conclude_if_over(record)

    def arrive(self, record: Record, given: Given) -> None:
        """Take an item that a source gave."""
        if record.items is not None and not record.items.is_closed:
            self.take(record, given.record.task.id, given.item, given.value)
            self._prove_lengths(record)

    def take(self, record: Record, source: str, item: int, value: ValueRef | None) -> None:
        """Take a value, and let its item run that is complete with it."""
        intake, items = record.intake, record.items
        if intake is None or items is None:
            return
        is_complete = intake.take(source, item, value)
        items.grow(intake.count)
        if is_complete and record.bound is None:
            intake.early.append(item)
        elif is_complete:
            self._admit(record, item)

    def replace(self, record: Record, source: Record, item: int, value: ValueRef) -> None:
        """Take another value in the place of an earlier one, while nothing has come of that."""
        items, intake = record.items, record.intake
        if items is None or intake is None or items.is_closed:
            return
        if items.state(item) is TaskState.PENDING and not record.task.condition_is_per_item:
            intake.take(source.task.id, item, value)
            return
        message = f'for_each: a retry of task "{source.task.id}" yielded another value as item {item} than before'
        self.fail(record, Failure(FailureKind.EXPRESSION, "", message))

    def end(self, record: Record, source: str, count: int) -> None:
        """Note how many values a source gives."""
        intake, items = record.intake, record.items
        if intake is None or items is None or items.is_sealed:
            return
        intake.end(source, count)
        self._prove_lengths(record)
        if not intake.is_over or items.is_closed:
            return
        items.grow(intake.count)
        items.seal()
        self._desk.announce.expanded(record, intake.count)
        self._conclude_if_over(record)

    def judged(self, record: Record, item: int, verdict: bool | Failure) -> None:  # noqa: FBT001 - a verdict is what it is about
        """Go on with an item whose `if` was decided."""
        items, intake = record.items, record.intake
        if items is None or intake is None or items.is_closed or record.state.is_final:
            return
        if isinstance(verdict, Failure):
            self.fail(record, verdict)
        elif verdict:
            items.offer(item)
            record.again_at[item] = self._desk.clock.monotonic()
            self._desk.queue_items(record)
        else:
            items.skip(item)
            intake.drop(item)
            self._desk.announce.skipped(record, CONDITION_IS_FALSE, item=item)
            self._desk.give(record, item, None)
            self._conclude_if_over(record)

    def fail(self, record: Record, failure: Failure) -> None:
        """Fail a task whose items cannot be made, with those that run."""
        if record.verdict is None and not record.state.is_final:
            # However long its `if` took in a worker: the task itself has not run out of time.
            is_ours = failure.kind in {FailureKind.TIMEOUT, FailureKind.CANCELLED}
            record.verdict = replace(failure, kind=FailureKind.EXPRESSION) if is_ours else failure
            self._settlement.close_items(record, "its items cannot be made")
            self._conclude_if_over(record)

    def give_up(self, record: Record, reason: str) -> None:
        """Start no more items of a task whose source fails; those that run may end."""
        items = record.items
        if items is None or record.state.is_final or record.verdict is not None:
            return
        record.verdict = Failure(FailureKind.CANCELLED, "", f"cancelled: {reason}")
        items.close()
        if items.running:
            return  # its end comes with that of the last one
        if record.state is TaskState.PENDING:
            self.skip(record, reason)
        else:
            self._settlement.conclude(record)

    def skip(self, record: Record, reason: str) -> None:
        """Settle a task of which nothing has run."""
        record.move(TaskState.SKIPPED)
        record.is_skipped_as_failed = True
        self._desk.announce.skipped(record, reason)
        self._settlement.close(record)

    def _admit(self, record: Record, item: int) -> None:
        """Let an item run that has all its values, unless it did before or its `if` is against it."""
        intake, items = record.intake, record.items
        if intake is None or items is None or items.is_closed:
            return
        if restore_item(self._desk, record, item, intake):
            intake.drop(item)
            self._conclude_if_over(record)
            return
        if not record.task.condition_is_per_item or record.task.condition is None:
            self.judged(record, item, verdict=True)
            return
        if intake.views is None:
            intake.views = self._desk.ledger.views(record.condition_reads)
        bindings = Bindings(tasks=intake.views, each=intake.item(item), index=item, scope=record.task.scope)
        verdict = self._decisions.judge_item(record.task, bindings)
        if isinstance(verdict, NotHere):
            judge = Judge(record.task.condition)
            self._desk.queue(Ready(record, item, 1, self._desk.clock.monotonic(), judge))
        else:
            self.judged(record, item, verdict)

    def _prove_lengths(self, record: Record) -> None:
        mismatch = None if record.intake is None else record.intake.mismatch()
        if mismatch is not None:
            message = f"for_each: names advance together and need as many values each: {mismatch}"
            self.fail(record, Failure(FailureKind.EXPRESSION, "", message))

    def _conclude_if_over(self, record: Record) -> None:
        if record.items is not None and record.items.is_over and not record.state.is_final:
            self._settlement.conclude(record)
