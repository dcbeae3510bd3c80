"""How a run stops before its end: nothing more starts, what runs is ended, the rest is cancelled.

    first request   TERM, and KILL after the grace of each task
    second request  KILL at once

A limit that is reached, such as the run's own timeout, stops it like a first request. The tasks of `finally` run
after a stop, too: for FINALLY_S after a request or a limit, and not at all after a second request. `reason` is why the
run ends before its time; a person's word counts more than a limit that was reached.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import RunStatus, TaskState
from flowpar.schedule.attempt import Ending
from flowpar.schedule.crew import show_duration
from flowpar.schedule.parts import FINALLY_S

if TYPE_CHECKING:
    from flowpar.schedule.crew import Stop, StopRequests
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.parts import Parts
    from flowpar.schedule.settle import Settlement

_INSISTS = 2


class Stopping:
    """Stops the run; a part of the loop."""

    def __init__(self, desk: Desk, settlement: Settlement, parts: Parts, requests: StopRequests) -> None:
        """Work on `desk`; listen to `requests`."""
        self._parts = parts
        self._desk = desk
        self._settlement = settlement
        self._requests = requests
        self._requested = 0
        self._is_limited = self._is_over = False
        self.reason: Stop | None = None

    def obey(self) -> None:
        """Do what was asked for since the last time, by a person, a limit or a failed task."""
        desk = self._desk
        wanted, desk.wanted = [*desk.wanted, *self._requests.take()], []
        for stop in wanted:
            if stop.is_request and not (self._requested and stop.exit_code is ExitCode.HUNG_UP):
                self._requested += 1  # a terminal that goes away may say so twice
            before, self.reason = self.reason, _graver(self.reason, stop)
            if self._requested >= _INSISTS:
                self._stop_at_once(stop)
            elif desk.in_finally:
                self._hurry(stop)
            elif before is None:
                self._stop(stop)
            else:
                desk.stop = self.reason

    def enter_finally(self) -> bool:
        """Say whether the tasks of `finally` may run; after a stop in a limited time only."""
        if self._requested >= _INSISTS or self._is_over:
            return False
        if self.reason is not None and self.reason.status is not RunStatus.FAILED:
            self._limit()
        return True

    def _hurry(self, stop: Stop) -> None:
        """Let the tasks of `finally` go on for a while."""
        if not self._is_limited:
            self._desk.announce.stopping(f"{stop.reason}; finally has {show_duration(FINALLY_S)} to end")
        self._limit()

    def _limit(self) -> None:
        if not self._is_limited:
            self._is_limited = True
            self._desk.timers.add(self._desk.clock.monotonic() + FINALLY_S, self._end_finally)

    def _end_finally(self) -> None:
        if self.reason is None or (self._desk.stop is not None and self._desk.in_finally):
            return
        self._is_over = True
        self._stop(replace(self.reason, reason=f"finally took longer than {show_duration(FINALLY_S)}"))

    def _stop_at_once(self, stop: Stop) -> None:
        if self._desk.stop is None:
            self._stop(stop)
        for attempt in self._desk.in_flight:
            self._desk.in_flight.force(attempt)

    def _stop(self, stop: Stop) -> None:
        desk = self._desk
        desk.stop = stop
        follows = "; finally follows, and a second request skips it" if self._may_follow(stop) else ""
        desk.announce.stopping(f"{stop.reason}{follows}")
        desk.backlog.clear()
        for record in desk.ledger.records.values():
            if record.items is not None and not record.state.is_final:
                record.items.close()
        spares = self._requested < _INSISTS and not (desk.in_finally or self._is_over)
        for attempt in desk.in_flight:
            if spares and attempt.ready.record.task.tidies and attempt.ready.item is None:
                self._limit()  # it tidies up already after a sub-workflow
            else:
                desk.in_flight.end(attempt, Ending.CANCELLED, stop.reason)

    def _may_follow(self, stop: Stop) -> bool:
        """Whether a person who asks for a stop is to know that something runs all the same."""
        is_first = stop.is_request and self._requested < _INSISTS and not self._desk.in_finally
        return is_first and any(map(self._has_a_turn, self._desk.ledger.records.values()))

    def _has_a_turn(self, record: Record) -> bool:
        """Whether a task of `finally` may still run, once everything else is over."""
        task = record.task
        is_open = task.tidies and task.kind != "finally" and not record.state.is_final
        return task.in_finally or bool(is_open and self._parts.has_begun(task.tidies))

    def cancel_the_rest(self) -> None:
        """Settle what a stop kept from starting or from going on; tasks of `finally` have their turn yet."""
        stop, is_all = self._desk.stop, self._desk.in_finally
        if stop is None:
            return
        failure = Failure(FailureKind.CANCELLED, "", f"cancelled: {stop.reason}")
        for record in self._desk.ledger.records.values():
            if record.state.is_final or (not is_all and self._is_spared(record)):
                continue
            if record.items is not None:
                self._settlement.conclude(record)
            else:
                record.move(TaskState.CANCELLED)
                self._desk.announce.ended(record, failure)

    def _is_spared(self, record: Record) -> bool:
        return self._has_a_turn(record) and (record.task.in_finally or record.items is None)


def _graver(before: Stop | None, stop: Stop) -> Stop:
    """Return what counts of two reasons: the first, unless that was a limit and this is a request."""
    return stop if before is None or (stop.is_request and not before.is_request) else before
