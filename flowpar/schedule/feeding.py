"""Fan-outs without a barrier: an item starts as soon as what feeds it is there.

    item of a source ended, and durable ─┬─give─► intake of each task that it feeds
    value yielded ───────────────────────┘         │
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
from flowpar.core.states import FAILURES, TaskState
from flowpar.execute.yielded import unpack
from flowpar.schedule.fanout import ItemSet
from flowpar.schedule.fed import Fed
from flowpar.schedule.feed import Given
from flowpar.schedule.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.planning.model import FanOut, PlannedTask
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.decision import Decisions
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.feed import Feed
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.settle import Settlement


class Feeding:
    """Moves items from sources to those that they feed; a part of the loop."""

    def __init__(self, desk: Desk, decisions: Decisions, settlement: Settlement) -> None:
        """Work on `desk`."""
        self._desk = desk
        self._decisions = decisions
        self.fed = Fed(desk, decisions, settlement)

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
            self.fed.skip(record, failing)
            return None
        live = {name: source.task.id for name, source in sources.items() if not _feed_of(source).is_over}
        if not live:
            return record.task
        record.intake = Intake(fan_out.names, live)
        record.items = ItemSet(0, max_parallel=fan_out.max_parallel, is_open=True)
        known = {name: template for name, template in fan_out.names.items() if name not in live}
        if not known:
            record.bound = record.intake
        self._attach(record, sorted(set(live.values())))
        bare = replace(fan_out, names=known, feeds={})
        is_bound = not known or record.state.is_final
        return None if is_bound else replace(record.task, fan_out=bare, condition=None)

    def give(self, given: Given) -> None:
        """Pass on an item that ended and is durable."""
        source, feed = given.record, _feed_of(given.record)
        if source.items is not None:
            state, fan_out = source.items.state(given.item), source.task.fan_out
            if state is TaskState.CANCELLED:
                return
            if state in FAILURES and fan_out is not None and fan_out.on_item_error != "collect":
                self._doom(source, f'item {given.item} of task "{source.task.id}" {state.value.replace("_", " ")}')
                return
        if feed.failing or (source.items is None and self._is_known(source, feed, given)):
            return
        if not feed.has_begun:
            feed.has_begun = True
            self._desk.frontier.begin(source.task.id)
        if feed.waiting:
            feed.kept[given.item] = given.value
        for record in list(feed.open):
            self.fed.arrive(record, given)

    def yielded(self, ready: Ready, body: Mapping[str, object]) -> None:
        """Take note of a value that a running function has yielded."""
        found, record = unpack(body), ready.record
        if found is not None and record.feed is not None and ready.item is None and ready.decision is None:
            self._desk.given.append(Given(record, *found))

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
                self.fed.end(record, source.task.id, source.items.count)
        elif feed.open and source.output is not None:
            self._reconcile(source, feed, source.output)
        feed.kept.clear()
        feed.open.clear()

    def _attach(self, record: Record, sources: list[str]) -> None:
        for name in sources:
            source = self._desk.ledger[name]
            feed = _feed_of(source)
            feed.open.append(record)
            if source.items is not None and source.items.is_sealed and not source.items.is_closed:
                self.fed.end(record, name, source.items.count)
            for item, value in feed.kept.items():
                self.fed.take(record, name, item, value)
            if not feed.waiting:
                feed.kept.clear()

    def _is_known(self, source: Record, feed: Feed, given: Given) -> bool:
        """Whether an earlier attempt has yielded a value in this place: the same, or one that nobody has used."""
        item, value = given.item, given.value
        if value is None:
            return True
        if not feed.is_there(item):
            feed.mark(item, value)
            return False
        if not feed.is_same(item, value):
            feed.mark(item, value)
            if item in feed.kept:
                feed.kept[item] = value
            for record in list(feed.open):
                self.fed.replace(record, source, item, value)
        return True

    def _reconcile(self, source: Record, feed: Feed, output: ValueRef) -> None:
        """Give what was yielded and has not come, for messages may be lost, and say how much there is."""
        count = self._decisions.count_yielded(output)
        if count is None or not all(map(feed.is_there, range(count))):
            values = self._decisions.read_yielded(output)
            if isinstance(values, Failure):
                for record in list(feed.open):
                    self.fed.fail(record, values)
                return
            count = len(values)
            for index, value in enumerate(values):
                if not feed.is_there(index):
                    self.give(Given(source, index, value))
        more = len(feed.marks) - count
        message = f'for_each: a retry of task "{source.task.id}" yielded {count} values, and {more} more before'
        for record in list(feed.open):
            if more > 0:
                self.fed.fail(record, Failure(FailureKind.EXPRESSION, "", message))
            self.fed.end(record, source.task.id, count)

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
                self.fed.give_up(record, reason)
            pending += feed.open


def _feed_of(source: Record) -> Feed:
    if source.feed is None:
        raise InternalError(f'task "{source.task.id}" feeds nobody')
    return source.feed
