"""Tasks and items that come to an end though no attempt at them is made: they were made before, in any run.

Hit                                            ─► cached
Hit of a round after which another follows     ─► that is looked up next
Hit of the last round, and its `until` is not  ─► failed, or under `on_max: succeed` cached
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, Success
from flowpar.core.states import TaskState
from flowpar.schedule.rounds import after_round, note_round

if TYPE_CHECKING:
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.caching import Hit
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.settle import Settlement


class Unmade:
    """Settles what was made before; a part of the loop."""

    def __init__(self, desk: Desk, settlement: Settlement) -> None:
        """Work on `desk`; `settlement` closes what has ended."""
        self._desk = desk
        self._settlement = settlement

    def settle(self, ready: Ready, hit: Hit, *, total_s: float) -> Ready | None:
        """Settle a task or an item by what was made before, in `total_s` all in all; or return its next round."""
        if ready.record.task.repeat is not None and not hit.is_last:
            over = after_round(ready, Success(hit.value))
            if not isinstance(over, Success):
                note_round(ready, Success(hit.value))
            if over is None:
                return ready.record.ready(ready.item, 1, ready.since)
            if isinstance(over, Failure):
                self._fail(ready, over)
                return None
        self._succeed(ready, hit, total_s)
        return None

    def _succeed(self, ready: Ready, hit: Hit, total_s: float) -> None:
        record, item, value = ready.record, ready.item, hit.value
        if item is not None and record.items is not None:
            record.items.hit(item)
        else:
            record.move(TaskState.CACHED)
            record.keep_outcome(Success(value), 0)
            record.goes_on = not hit.is_last and record.task.repeat is None
        self._desk.announce.cached(ready, hit, total_s=total_s)
        self._desk.publish(record, item, value)
        if item is None or record.items is None:
            self._settlement.close(record)
            return
        self._desk.give(record, item, value)
        if record.intake is not None:
            record.intake.drop(item)
        if record.items.is_over:
            self._settlement.conclude(record)
        else:
            self._desk.queue_items(record)  # of few at once the next may have its turn

    def _fail(self, ready: Ready, failure: Failure) -> None:
        """Settle what came to the last of its rounds."""
        record, item = ready.record, ready.item
        if item is not None:
            is_tolerated = self._settlement.end_item(record, item, failure)
            self._desk.announce.out_of_rounds(ready, failure, is_tolerated=is_tolerated)
            self._settlement.item_over(ready, item, failure, is_tolerated=is_tolerated)
            return
        record.is_tolerated = record.task.allow_failure
        record.move(TaskState.FAILED)
        record.keep_outcome(failure, 0)
        self._desk.announce.out_of_rounds(ready, failure, is_tolerated=record.is_tolerated)
        self._settlement.close(record)
