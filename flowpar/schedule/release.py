"""What follows from tasks that ended: others are opened, or skipped, as far as that goes without an attempt.

settled ─► frontier ─┬─► skipped ─► told
                     └─► taken ─► opened ─┬─► settled at once, and round again
                                          └─► waits for its attempt
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowpar.schedule.desk import Desk
    from flowpar.schedule.feeding import Feeding
    from flowpar.schedule.frontier import Skip
    from flowpar.schedule.joining import Joining
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.opening import Opening
    from flowpar.schedule.stopping import Stopping

_NOTHING = {
    "one_failed": "no task that it needs failed",
    "all_failed": "no task that it needs failed",
}
_NO_SUCCESS = "no task that it needs succeeded"


class Release:
    """Lets tasks go on after those that they need; a part of the loop."""

    def __init__(
        self,
        desk: Desk,
        opening: Opening,
        feeding: Feeding,
        stopping: Stopping,
        *,
        joining: Joining,
        commit: Callable[[], None],
        hand_out: Callable[[], None],
    ) -> None:
        """Work on `desk`; call `commit` before what depends on it, and `hand_out` before a decision on outputs."""
        self._desk = desk
        self._opening = opening
        self._feeding = feeding
        self._stopping = stopping
        self._joining = joining
        self._commit = commit
        self._hand_out = hand_out
        self._has_skipped = False

    def begin(self) -> None:
        """Let go on what waits for nothing."""
        if self._desk.stop is None:
            self._skip(self._desk.frontier.rule_out())
            self.go_on()

    def go_on(self) -> None:
        """Let go on what waited for the tasks that settled, and for the items that they gave."""
        desk = self._desk
        while desk.stop is None:
            settled, desk.settled = desk.settled, []
            while desk.given:  # all items of a task go before its end
                given, desk.given = desk.given, []
                for each in given:
                    self._feeding.give(each)
            for record in settled:
                self._pass_on(record)
            if self._has_skipped and desk.frontier.has_ready:
                self._commit()  # what runs after a skip may ask for it
            self._has_skipped = False
            while desk.frontier.has_ready:
                record = desk.ledger[desk.frontier.take()]
                if record.task.decides_on:
                    self._hand_out()
                self._opening.open(record)
            for record in self._opening.parts.released():
                self._opening.open(record)
            if not (desk.settled or desk.given):
                if desk.wanted:
                    self._stopping.obey()  # nothing may be left that another turn would come for
                return
            self._stopping.obey()
            self._commit()
        desk.settled.clear()
        desk.given.clear()

    def _pass_on(self, record: Record) -> None:
        frontier, task = self._desk.frontier, record.task.id
        self._feeding.over(record)
        self._opening.parts.over(record)
        if record.lets_others_run and record.task.template is not None:
            self._joining.join(record, record.task.template)
        if record.lets_others_run and record.task.rounds is not None:
            self._joining.follow(record, record.task.rounds)
        if record.lets_others_run:
            skips = frontier.succeed(task)
        elif record.state is TaskState.SKIPPED and not record.is_skipped_as_failed:
            skips = frontier.skip(task)
        else:
            skips = frontier.fail(task)
        self._close(record)
        self._skip(skips)

    def _skip(self, skips: Iterable[Skip]) -> None:
        for skip in skips:
            record = self._desk.ledger[skip.task]
            if not record.state.is_final:  # it may be known from before the run went on
                self._has_skipped = True
                record.move(TaskState.SKIPPED)
                record.is_skipped_as_failed = skip.counts_as_failed
                self._desk.announce.skipped(record, self._why(record, skip.because))
            self._close(record)

    def _why(self, record: Record, because: str) -> str:
        rule = record.task.run_if
        if not because:
            return _NOTHING.get(rule, _NO_SUCCESS)
        reason = f'task "{because}" {self._desk.ledger[because].fate}'
        return f"{reason}, and its run_if is all_failed" if rule == "all_failed" else reason

    def _close(self, record: Record) -> None:
        self._desk.withdraw(self._desk.ledger.close(record))
