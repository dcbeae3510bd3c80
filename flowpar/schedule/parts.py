"""Sub-workflows as wholes while they run: how long each may take, how many items go on at once, who ends whom.

    task opened ─► is its item one of `max_parallel`? ─ no ─► waits until another item is over
    first start ─► timeout ─┐
    item failed, fail_fast ─┴─► what runs in it is ended, and nothing more of it starts

A part of the run is known by the task that ends it. Where no task belongs to one, nothing here costs anything.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import FAILURES, RunStatus, TaskState
from flowpar.execute.recipe import INPUTS
from flowpar.schedule.attempt import Ending
from flowpar.schedule.crew import show_duration
from flowpar.schedule.part import Gate, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.settle import Settlement

FINALLY_S = 30.0


class Parts:
    """All parts that are going on; owned by the loop."""

    def __init__(self, desk: Desk, settlement: Settlement) -> None:
        """Work on `desk`."""
        self._desk = desk
        self._settlement = settlement
        self._parts: dict[str, Part] = {}
        self._gates: dict[str, Gate] = {}
        self._released: list[Record] = []
        self._delays: dict[str, float] = {}

    def enter(self, record: Record) -> bool:
        """Say whether a task may be opened now; otherwise it was ended, or waits here for its turn."""
        own = self._parts.get(record.task.id)
        if own is not None:
            self._desk.timers.cancel(own.timer)  # all that it bounds is over
        if not record.task.part_of:
            return True
        chain = list(self._chain(self._part(record.task.part_of)))
        chain[0].opened[record.task.id] = record
        ending, entry = _ending(record, chain), chain[0].entry
        if ending:
            self._cancel(record, ending)
            return False
        if entry is not None and entry is not record and entry.state.is_final and not entry.lets_others_run:
            self._skip(record, entry)
            return False
        for part in reversed(chain):
            if part.is_delayed or not self._admit(part):
                part.parked.append(record)
                return False
        return True

    def delay(self, name: str, delay_s: float) -> None:
        """Let nothing of a part begin that joins now before some time has passed."""
        self._delays[name] = delay_s

    @property
    def has_released(self) -> bool:
        """Whether a task may be opened now that waited for its turn."""
        return bool(self._released)

    def started(self, record: Record, monotonic: float) -> None:
        """Note that an attempt at a task runs: with the first one of a part its timeout begins."""
        for part in self._chain(self._parts.get(record.task.part_of)):
            part.has_begun = True
            timeout_s = part.bounds.timeout_s
            is_tidying = part.name in self._desk.ledger.runs
            if timeout_s is not None and part.timer is None and not (part.ending or is_tidying):
                part.timer = self._desk.timers.add(monotonic + timeout_s, partial(self._time_out, part))

    def over(self, record: Record) -> None:
        """Note that a task ended, and that this is durable; where it ends a part, others may have their turn."""
        part = self._parts.pop(record.task.id, None)
        if part is None:
            return
        self._desk.timers.cancel(part.timer)
        bounds, gate = part.bounds, self._gates.get(part.bounds.of)
        if gate is None:
            return
        if bounds.on_item_error == "fail_fast" and record.state in FAILURES and not gate.ending:
            self._end_items(bounds.of, f'task "{record.task.id}" {record.fate}')
        if part.is_admitted and bounds.max_parallel is not None:
            gate.going -= 1
            while gate.waiting and gate.going < bounds.max_parallel:
                self._begin(gate, gate.waiting.popleft())

    def tidy(self, turn: Record) -> None:
        """Let the `finally` of a sub-workflow begin, whose other tasks are over."""
        part = self._part(turn.task.part_of)
        desk = self._desk
        desk.timers.cancel(part.timer)
        is_well = all(desk.ledger[need].lets_others_run for need in turn.task.needs)
        status = RunStatus.FAILED if part.ending or not is_well else RunStatus.SUCCEEDED
        verdict = None if part.last is None else part.last.verdict
        if verdict is not None and verdict.kind is FailureKind.TIMEOUT:
            status = RunStatus.TIMED_OUT
        self._tell(part, status)
        if part.ending:
            reason = f'finally of task "{part.name}" took longer than {show_duration(FINALLY_S)}'
            part.timer = desk.timers.add(desk.clock.monotonic() + FINALLY_S, partial(self._end_tidying, part, reason))
        turn.move(TaskState.SUCCEEDED)
        desk.announce.ended(turn, None)
        self._settlement.close(turn)

    def has_begun(self, name: str) -> bool:
        """Whether an attempt at a task of a part has begun, and the part is not over."""
        part = self._parts.get(name)
        return part is not None and part.has_begun

    def left(self, status: RunStatus) -> list[list[PlannedTask]]:
        """Return the tasks of `finally` that a stop kept from their turn, the innermost sub-workflows first."""
        turns: dict[int, list[PlannedTask]] = {}
        for record in self._desk.ledger.records.values():
            task = record.task
            if not task.tidies or task.kind == "finally" or record.state.is_final or not self.has_begun(task.tidies):
                continue
            record.state, record.next_try = TaskState.PENDING, None  # it may have waited for room, or to be tried again
            chain = list(self._chain(self._parts[task.tidies]))
            if task.tidies not in self._desk.ledger.runs:
                self._tell(chain[0], status)
            turns.setdefault(-len(chain), []).append(task)
        return [turns[depth] for depth in sorted(turns)]

    def _tell(self, part: Part, status: RunStatus) -> None:
        """Let tasks of `finally` know how their sub-workflow went."""
        own = [each for each in part.opened.values() if each.task.part_of == part.name and not each.task.tidies]
        bad = [each.task.id for each in own if each.state in FAILURES and not each.is_tolerated]
        names = [name.removeprefix(f"{part.name}/") for name in bad]
        failed = [name for name in names if not name.startswith("(")]
        self._desk.ledger.runs[part.name] = {"status": status.value, "failed": failed}

    def released(self) -> Iterator[Record]:
        """Give the tasks that waited for their turn and may be opened now."""
        while self._released:
            released, self._released = self._released, []
            yield from (record for record in released if not record.state.is_final)

    def _part(self, name: str) -> Part:
        part = self._parts.get(name)
        if part is None:
            records = self._desk.ledger.records
            last = records.get(name)  # none where it was left out of this run
            outer = self._part(last.task.part_of) if last is not None and last.task.part_of else None
            part = self._parts[name] = Part(name, last, outer, records.get(f"{name}/{INPUTS}"))
            delay_s = self._delays.pop(name, 0.0)
            if delay_s:
                part.is_delayed = True
                self._desk.timers.add(self._desk.clock.monotonic() + delay_s, partial(self._awake, part))
            if outer is not None:
                outer.inner.append(part)
            gate = self._gates.setdefault(part.bounds.of, Gate()) if part.bounds.of else None
            if gate is not None and gate.ending:
                self._end(part, gate.ending, _cancelled(gate.ending))
        return part

    def _chain(self, part: Part | None) -> Iterator[Part]:
        """Give a part and those around it, the innermost first."""
        while part is not None:
            yield part
            part = part.outer

    def _admit(self, part: Part) -> bool:
        """Let an item begin where there is room among the others; it keeps its place until it is over."""
        if part.is_admitted or part.bounds.max_parallel is None:
            return True
        gate = self._gates[part.bounds.of]
        if gate.going < part.bounds.max_parallel:
            self._begin(gate, part)
            return True
        if not part.parked:
            gate.waiting.append(part)
        return False

    def _begin(self, gate: Gate, part: Part) -> None:
        part.is_admitted = True
        gate.going += 1
        self._released += part.parked
        part.parked.clear()

    def _awake(self, part: Part) -> None:
        part.is_delayed = False
        self._released += part.parked
        part.parked.clear()

    def _time_out(self, part: Part) -> None:
        if self._desk.stop is None and not part.ending:
            message = f"ran longer than its timeout of {show_duration(part.bounds.timeout_s or 0.0)}"
            self._end(part, f'task "{part.name}" {message}', Failure(FailureKind.TIMEOUT, "", message))

    def _end_items(self, whole: str, reason: str) -> None:
        self._gates[whole].ending = reason
        for part in [each for each in self._parts.values() if each.bounds.of == whole]:
            self._end(part, reason, _cancelled(reason))

    def _end(self, part: Part, reason: str, verdict: Failure) -> None:
        """End what goes on in a part; what ends the part itself comes to the verdict when all of it is over."""
        if part.ending:
            return
        part.ending = reason
        if part.last is not None:
            part.last.verdict = part.last.verdict or verdict
        self._desk.timers.cancel(part.timer)
        for record in part.opened.values():
            if record.task.tidies != part.name:
                self._cancel(record, reason)
        for inner in part.inner:
            if inner.last is None or inner.last.task.tidies != part.name:
                self._end(inner, reason, _cancelled(reason))

    def _end_tidying(self, part: Part, reason: str) -> None:
        if self._desk.stop is not None:
            return
        part.closing = reason
        for record in part.opened.values():
            self._cancel(record, reason)
        for inner in part.inner:
            self._end(inner, reason, _cancelled(reason))

    def _skip(self, record: Record, entry: Record) -> None:
        """Leave out a task of a sub-workflow that has not begun, whatever its own rule."""
        record.move(TaskState.SKIPPED)
        record.is_skipped_as_failed = entry.is_skipped_as_failed or entry.state is not TaskState.SKIPPED
        self._desk.announce.skipped(record, f'task "{entry.task.id}" {entry.fate}')
        self._settlement.close(record)

    def _cancel(self, record: Record, reason: str) -> None:
        """End a task that was opened, politely where it runs."""
        if record.state.is_final:
            return
        record.cut_off = reason
        if record.items is not None:
            self._settlement.close_items(record, reason)
            if record.items.is_over:
                self._settlement.conclude(record)
            return
        for attempt in self._desk.in_flight:
            if attempt.ready.record is record:
                self._desk.in_flight.end(attempt, Ending.CANCELLED, reason)
        if record.state is not TaskState.RUNNING:
            record.move(TaskState.CANCELLED)
            self._desk.announce.ended(record, _cancelled(reason))
            self._settlement.close(record)


def _ending(record: Record, chain: Sequence[Part]) -> str:
    """Return why a task may not begin any more; one that tidies up may after what ended its own sub-workflow."""
    for part in chain:
        if part.name == record.task.tidies:
            return part.closing
        if part.ending:
            return part.ending
    return ""


def _cancelled(reason: str) -> Failure:
    return Failure(FailureKind.CANCELLED, "", f"cancelled: {reason}")
