"""Fan-outs without a barrier: an item starts as soon as what feeds it is there.

    item of a source ended, and durable ─give─► intake of each task that it feeds
                                                   └─ complete ─► stood before │ skipped by its `if` │ offered
    source over ─over─► how many items there are ─► sealed
    source will fail ─► nothing more is offered; what runs may end

A fed task is opened when its source has begun to give. Where the source is over by then, it is bound as any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.errors import InternalError
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.execute.recipe import Bindings, Judge
from flowpar.schedule.attempt import Ready
from flowpar.schedule.decision import NotHere
from flowpar.schedule.fanout import ItemSet
from flowpar.schedule.intake import Intake
from flowpar.schedule.restore import restore_item

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.planning.model import FanOut, PlannedTask
    from flowpar.schedule.decision import Decisions, Items
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.feed import Feed, Given
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.settle import Settlement

CONDITION_IS_FALSE = "its condition is false"
_FAILED = (TaskState.FAILED, TaskState.TIMED_OUT)


class Feeding:
    """Moves items from sources to those that they feed; a part of the loop."""

    def __init__(self, desk: Desk, decisions: Decisions, settlement: Settlement) -> None:
        """Work on `desk`."""
        self._desk = desk
        self._decisions = decisions
        self._settlement = settlement

    def open(self, record: Record, fan_out: FanOut) -> PlannedTask | None:
        """Take what sources give from now on.

        Returns the task as it is to be bound at once: with all its names where no source goes on, else with those
        whose lists are known; None where there are none of these, or it will not run.
        """
        sources = {name: self._desk.ledger[source] for name, source in fan_out.feeds.items()}
        for source in sources.values():
            feed = _feed_of(source)
            feed.waiting = [each for each in feed.waiting if each is not record]
        failing = next((reason for source in sources.values() if (reason := _feed_of(source).failing)), "")
        if failing:
            self._skip(record, failing)
            return None
        live = {name: source.task.id for name, source in sources.items() if not _feed_of(source).is_over}
        if not live:
            return record.task
        record.intake = Intake(fan_out.names, live)
        record.items = ItemSet(0, max_parallel=fan_out.max_parallel, is_open=True)
        record.items.go_on({item: tried for item, tried in record.begun.tried.items() if item is not None})
        known = {name: template for name, template in fan_out.names.items() if name not in live}
        if not known:
            record.bound = record.intake
        self._attach(record, sorted(set(live.values())))
        bare = replace(fan_out, names=known, feeds={})
        is_bound = not known or record.state.is_final
        return None if is_bound else replace(record.task, fan_out=bare, condition=None)

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

    def give(self, given: Given) -> None:
        """Pass on an item that ended and is durable."""
        source, feed = given.record, _feed_of(given.record)
        if source.items is not None:
            state, fan_out = source.items.state(given.item), source.task.fan_out
            if state is TaskState.CANCELLED:
                return
            if state in _FAILED and fan_out is not None and fan_out.on_item_error != "collect":
                self._doom(source, f'item {given.item} of task "{source.task.id}" {state.value.replace("_", " ")}')
                return
        if feed.failing:
            return
        if not feed.has_begun:
            feed.has_begun = True
            self._desk.frontier.begin(source.task.id)
        if feed.waiting:
            feed.kept[given.item] = given.value
        for record in list(feed.open):
            self._arrive(record, given)

    def over(self, source: Record) -> None:
        """Note that a task that feeds others has ended, and that this is durable."""
        feed = source.feed
        if feed is None:
            return
        feed.is_over = True
        if not source.state.is_success:
            self._doom(source, f'task "{source.task.id}" {source.fate}')
        elif source.items is not None:
            for record in list(feed.open):
                self._end(record, source.task.id, source.items.count)
        feed.kept.clear()
        feed.open.clear()

    def judged(self, record: Record, item: int, verdict: bool | Failure) -> None:  # noqa: FBT001 - a verdict is what it is about
        """Go on with an item whose `if` was decided."""
        items, intake = record.items, record.intake
        if items is None or intake is None or items.is_closed or record.state.is_final:
            return
        if isinstance(verdict, Failure):
            self._fail(record, verdict)
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

    def _attach(self, record: Record, sources: list[str]) -> None:
        for name in sources:
            source = self._desk.ledger[name]
            feed = _feed_of(source)
            feed.open.append(record)
            if source.items is not None and source.task.fan_out is not None:
                self._end(record, name, source.items.count)
            for item, value in feed.kept.items():
                self._take(record, name, item, value)
            if not feed.waiting:
                feed.kept.clear()

    def _arrive(self, record: Record, given: Given) -> None:
        if record.items is not None and not record.items.is_closed:
            self._take(record, given.record.task.id, given.item, given.value)
            self._prove_lengths(record)

    def _take(self, record: Record, source: str, item: int, value: ValueRef | None) -> None:
        intake, items = record.intake, record.items
        if intake is None or items is None:
            return
        is_complete = intake.take(source, item, value)
        items.grow(intake.count)
        if is_complete and record.bound is None:
            intake.early.append(item)
        elif is_complete:
            self._admit(record, item)

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
        bindings = Bindings(tasks=intake.views, each=intake.item(item), index=item)
        verdict = self._decisions.judge_item(record.task, bindings)
        if isinstance(verdict, NotHere):
            judge = Judge(record.task.condition)
            self._desk.queue(Ready(record, item, 1, self._desk.clock.monotonic(), judge))
        else:
            self.judged(record, item, verdict)

    def _end(self, record: Record, source: str, count: int) -> None:
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

    def _prove_lengths(self, record: Record) -> None:
        mismatch = None if record.intake is None else record.intake.mismatch()
        if mismatch is not None:
            message = f"for_each: names advance together and need as many values each: {mismatch}"
            self._fail(record, Failure(FailureKind.EXPRESSION, "", message))

    def _conclude_if_over(self, record: Record) -> None:
        if record.items is not None and record.items.is_over and not record.state.is_final:
            self._settlement.conclude(record)

    def _fail(self, record: Record, failure: Failure) -> None:
        if record.verdict is None and not record.state.is_final:
            # However long its `if` took in a worker: the task itself has not run out of time.
            is_ours = failure.kind in {FailureKind.TIMEOUT, FailureKind.CANCELLED}
            record.verdict = replace(failure, kind=FailureKind.EXPRESSION) if is_ours else failure
            self._settlement.close_items(record, "its items cannot be made")
            self._conclude_if_over(record)

    def _doom(self, source: Record, reason: str) -> None:
        """Start nothing more of what a task feeds that will not succeed, nor of what that feeds."""
        pending = [source]
        while pending:
            feed = pending.pop().feed
            if feed is None or feed.failing:
                continue
            feed.failing = reason
            feed.kept.clear()
            for record in feed.open:
                self._give_up(record, reason)
            pending += feed.open

    def _give_up(self, record: Record, reason: str) -> None:
        items = record.items
        if items is None or record.state.is_final or record.verdict is not None:
            return
        record.verdict = Failure(FailureKind.CANCELLED, "", f"cancelled: {reason}")
        items.close()
        if items.running:
            return  # its end comes with that of the last one
        if record.state is TaskState.PENDING:
            self._skip(record, reason)
        else:
            self._settlement.conclude(record)

    def _skip(self, record: Record, reason: str) -> None:
        record.move(TaskState.SKIPPED)
        record.is_skipped_as_failed = True
        self._desk.announce.skipped(record, reason)
        self._settlement.close(record)


def _feed_of(source: Record) -> Feed:
    if source.feed is None:
        raise InternalError(f'task "{source.task.id}" feeds nobody')
    return source.feed
