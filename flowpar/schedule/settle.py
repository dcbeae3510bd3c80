"""How completions become states: outcomes, retries, items and the end of a fan-out.

    Completion ─► outcome ─┬─► another attempt, or another round, later
                           └─► state of the task or item ─► the fan-out as a whole ─► settled

What is settled is final.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.core.states import FAILURES, TaskState
from flowpar.schedule.attempt import Attempt, Ending
from flowpar.schedule.crew import failed_fast, show_duration
from flowpar.schedule.retry import next_try
from flowpar.schedule.rounds import after_round, note_round, tried_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.outcome import Outcome
    from flowpar.execute.base import Completion
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.fanout import ItemSet
    from flowpar.schedule.ledger import Record

_STATE_OF = {FailureKind.TIMEOUT: TaskState.TIMED_OUT, FailureKind.CANCELLED: TaskState.CANCELLED}


def outcome_of(attempt: Attempt, completion: Completion) -> Outcome:
    """Return how an attempt ended, which is the loop's word where the loop ended it.

    What was over before the loop reached for it counts as it was; what returned in spite of being
    cancelled has succeeded; a timeout is a timeout.
    """
    outcome = completion.outcome
    if attempt.ending is None or (completion.pid and completion.ended < attempt.ended_by_us):
        return _not_cancelled(outcome)
    if attempt.ending is Ending.TIMEOUT:
        forced = ", ignored SIGTERM and was killed" if attempt.was_forced else ""
        limit = show_duration(attempt.ready.record.task.timeout_s or 0.0)
        return Failure(FailureKind.TIMEOUT, "", f"ran longer than its timeout of {limit}{forced}")
    if isinstance(outcome, Success):
        return outcome
    return Failure(FailureKind.CANCELLED, "", f"cancelled: {attempt.reason}")


def _not_cancelled(outcome: Outcome) -> Outcome:
    """Return an outcome as a failure that counts, where an executor gave up an attempt that nobody cancelled."""
    if isinstance(outcome, Failure) and outcome.kind is FailureKind.CANCELLED:
        return replace(outcome, kind=FailureKind.DIED)
    return outcome


class Settlement:
    """Settles attempts; a part of the loop."""

    def __init__(self, desk: Desk, random: Callable[[], float], *, is_fail_fast: bool) -> None:
        """Work on `desk`; `random` gives the jitter of retries."""
        self._desk = desk
        self._random = random
        self._is_fail_fast = is_fail_fast

    def settle(self, attempt: Attempt, completion: Completion, outcome: Outcome) -> None:
        """Make another attempt, or settle the task or item for good."""
        if isinstance(outcome, Failure):
            delay_s = self._delay(attempt.ready, outcome)
            if delay_s is not None:
                self._desk.announce.retrying(attempt, completion, outcome, delay_s)
                self._again(attempt.ready, delay_s, number=attempt.ready.number + 1)
                return
        elif not outcome.is_last and attempt.ready.record.task.repeat is not None:
            over = self._after_round(attempt, completion, outcome)
            if over is None:
                return
            outcome = over
        if attempt.ready.item is None:
            self._settle_task(attempt, completion, outcome)
        else:
            self._settle_item(attempt, completion, outcome, attempt.ready.item)

    def _delay(self, ready: Ready, failure: Failure) -> float | None:
        items = ready.record.items
        if self._desk.stop is not None or ready.record.cut_off or (items is not None and items.is_closed):
            return None
        # Who lets the run go on gives each of them all its tries anew.
        number = ready.number - tried_before(ready)
        return next_try(ready.record.task.retry, number, failure, self._random)

    def _after_round(self, attempt: Attempt, completion: Completion, outcome: Success) -> Outcome | None:
        """Start another round, or return what the task or item comes to; where the run stops, it is cancelled."""
        ready, repeat = attempt.ready, attempt.ready.record.task.repeat
        over = after_round(ready, outcome)
        if isinstance(over, Success):
            return over
        note_round(ready, outcome)
        if over is not None:
            return over
        delay_s = 0.0 if repeat is None else repeat.delay_s
        self._desk.announce.repeating(attempt, completion, outcome.value, delay_s)
        stop, items, cut_off = self._desk.stop, ready.record.items, ready.record.cut_off
        if stop is not None or cut_off or (items is not None and items.is_closed):
            reason = attempt.reason or cut_off or ("another item failed" if stop is None else stop.reason)
            return Failure(FailureKind.CANCELLED, "", f"cancelled: {reason}")
        self._again(ready, delay_s, number=1)
        return None

    def _again(self, ready: Ready, delay_s: float, *, number: int) -> None:
        record, due = ready.record, self._desk.clock.monotonic() + delay_s
        if record.items is not None and ready.item is not None:
            record.items.set_aside(ready.item, number)
            record.again_at[ready.item] = due
            self._desk.timers.add(due, partial(self._release_item, record, ready.item))
            self._desk.queue_items(record)
            return
        record.move(TaskState.READY)
        record.attempt = number - 1
        record.next_try = following = record.ready(None, number, due)
        self._desk.timers.add(due, partial(self._release_task, following))

    def _release_task(self, ready: Ready) -> None:
        if ready.record.next_try is ready:  # and it was not begun anew meanwhile, to tidy up after a stop
            ready.record.next_try = None
            self._desk.queue(ready)

    def _release_item(self, record: Record, item: int) -> None:
        if record.items is not None:
            record.items.release(item)
            self._desk.queue_items(record)

    def _settle_task(self, attempt: Attempt, completion: Completion, outcome: Outcome) -> None:
        record, state = attempt.ready.record, state_of(outcome)
        record.is_tolerated = record.task.allow_failure and state in FAILURES
        record.move(state)
        record.keep_outcome(outcome, attempt.ready.number)
        self._desk.announce.attempt_ended(attempt, completion, state, outcome, is_tolerated=record.is_tolerated)
        if isinstance(outcome, Success):
            record.goes_on = not outcome.is_last
            self._desk.publish(record, None, outcome.value)
        self.close(record)

    def _settle_item(self, attempt: Attempt, completion: Completion, outcome: Outcome, item: int) -> None:
        state, is_tolerated = state_of(outcome), self.end_item(attempt.ready.record, item, outcome)
        self._desk.announce.attempt_ended(attempt, completion, state, outcome, is_tolerated=is_tolerated)
        self.item_over(attempt.ready, item, outcome, is_tolerated=is_tolerated)

    def end_item(self, record: Record, item: int, outcome: Outcome) -> bool:
        """Note the state of an item that ended; return whether it is a failure that does not count."""
        state = state_of(outcome)
        _items_of(record).settle(item, state)
        collects = record.task.fan_out is not None and record.task.fan_out.on_item_error == "collect"
        return state in FAILURES and (record.task.allow_failure or collects)

    def item_over(self, ready: Ready, item: int, outcome: Outcome, *, is_tolerated: bool) -> None:
        """Go on from an item that ended, and was told."""
        record, items = ready.record, _items_of(ready.record)
        self._desk.give(record, item, outcome.value if isinstance(outcome, Success) else None)
        if record.intake is not None:
            record.intake.drop(item)
        if isinstance(outcome, Success):
            self._desk.publish(record, item, outcome.value)
        else:
            if self._desk.ledger.is_read(record.task.id):
                record.keep_item_error(item, outcome, ready.number)
            if state_of(outcome) in FAILURES:
                self._note_failed_item(record, item, outcome, is_tolerated=is_tolerated)
        if items.is_over:
            self.conclude(record)
        else:
            self._desk.queue_items(record)

    def _note_failed_item(self, record: Record, item: int, failure: Failure, *, is_tolerated: bool) -> None:
        record.note_failed_item(item, failure)
        if not is_tolerated:
            self._fail_fast(record)
        if record.task.fan_out is not None and record.task.fan_out.on_item_error == "fail_fast":
            self.close_items(record, f"item {item} failed")

    def close_items(self, record: Record, reason: str) -> None:
        """Start no more items of a fan-out and cancel those that run."""
        if record.items is None:
            return
        record.items.close()
        for attempt in self._desk.in_flight:
            if attempt.ready.record is record:
                self._desk.in_flight.end(attempt, Ending.CANCELLED, reason)

    def conclude(self, record: Record) -> None:
        """Settle a fan-out of which no item is out or will be."""
        failure = self._verdict(record)
        state = TaskState.SUCCEEDED if failure is None else state_of(failure)
        if failure is None and record.is_cached:
            state = TaskState.CACHED
        record.is_tolerated = record.task.allow_failure and state in FAILURES
        record.move(state)
        if failure is not None:
            record.keep_outcome(failure, 0)
        self._desk.announce.ended(record, failure)
        self.close(record)

    def _verdict(self, record: Record) -> Failure | None:
        """Return why a fan-out did not succeed; under `collect` failed items are no reason."""
        items, fan_out = record.items, record.task.fan_out
        if items is None or fan_out is None:
            return None
        stop = self._desk.stop
        reason = record.cut_off or ("" if stop is None else stop.reason)
        is_cut_off = items.tally(TaskState.CANCELLED) or (record.intake is not None and not record.intake.is_over)
        # A failure that counts stands, whatever was cancelled for it; a tolerated one would count as done on a resume.
        has_failed = record.first_failed is not None and fan_out.on_item_error != "collect"
        if reason and is_cut_off and not (has_failed and not record.task.allow_failure):
            return Failure(FailureKind.CANCELLED, "", f"cancelled: {reason}")
        if record.first_failed is None or not has_failed:
            return record.verdict
        item, failure = record.first_failed
        is_raised = failure.kind is FailureKind.EXCEPTION and failure.type
        told = f"{failure.type}: {failure.message}" if is_raised else failure.message
        count = f"{items.tally(*FAILURES)} of {items.count} items failed"
        return Failure(FailureKind.ITEMS, "", f"{count}, item {item}: {told}")

    def close(self, record: Record) -> None:
        """Hand on a task that ended."""
        self._desk.settled.append(record)
        if record.has_failed:
            self._fail_fast(record)

    def _fail_fast(self, record: Record) -> None:
        # What tidies up is not stopped by what it meets.
        tidies = record.task.in_finally or record.task.tidies
        if self._is_fail_fast and not tidies and self._desk.stop is None and not self._desk.wanted:
            self._desk.want(failed_fast(record.task.id))


def _items_of(record: Record) -> ItemSet:
    items = record.items
    assert items is not None  # noqa: S101 - an item was taken from them
    return items


def state_of(outcome: Outcome) -> TaskState:
    """Return the state of what came to an outcome."""
    if isinstance(outcome, Success):
        return TaskState.SUCCEEDED
    return _STATE_OF.get(outcome.kind, TaskState.FAILED)
