"""How a run stops before its end: nothing more starts, what runs is ended, the rest is cancelled.

    first request   TERM, and KILL after the grace of each task
    second request  KILL at once

A limit that is reached, such as the run's own timeout, stops it like a first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.schedule.attempt import Ending

if TYPE_CHECKING:
    from flowpar.schedule.crew import Stop, StopRequests
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.settle import Settlement


class Stopping:
    """Stops the run; a part of the loop."""

    def __init__(self, desk: Desk, settlement: Settlement, requests: StopRequests) -> None:
        """Work on `desk`; listen to `requests`."""
        self._desk = desk
        self._settlement = settlement
        self._requests = requests

    def obey(self) -> None:
        """Do what was asked for since the last time, by a person, a limit or a failed task."""
        desk = self._desk
        wanted, desk.wanted = [*desk.wanted, *self._requests.take()], []
        for stop in wanted:
            if desk.stop is None:
                self._stop(stop)
            elif stop.is_request and desk.stop.is_request:
                for attempt in desk.in_flight:
                    desk.in_flight.force(attempt)
            elif stop.is_request:
                desk.stop = stop  # a person's word counts more than a limit that was reached

    def _stop(self, stop: Stop) -> None:
        desk = self._desk
        desk.stop = stop
        desk.announce.stopping(stop.reason)
        desk.backlog.clear()
        for record in desk.ledger.records.values():
            if record.items is not None and not record.state.is_final:
                record.items.close()
        for attempt in desk.in_flight:
            desk.in_flight.end(attempt, Ending.CANCELLED, stop.reason)

    def cancel_the_rest(self) -> None:
        """Settle what a stop kept from starting or from going on."""
        stop = self._desk.stop
        if stop is None:
            return
        failure = Failure(FailureKind.CANCELLED, "", f"cancelled: {stop.reason}")
        for record in self._desk.ledger.records.values():
            if record.state.is_final:
                continue
            if record.items is not None:
                self._settlement.conclude(record)
            else:
                record.move(TaskState.CANCELLED)
                self._desk.announce.ended(record, failure)
