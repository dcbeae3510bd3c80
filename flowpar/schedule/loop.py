"""The only loop: fill, wait, settle, release, until every task has ended.

    wait ─► notices ─► outcomes ─► start what does not depend on them
      ▲                                            │
      └──── start dependents ◄── release ◄── journal commit (during the next wait, where there is no room for them)

The table of outputs is told in batches, at the latest before a job that looks something up in it.
It knows no process: it gives jobs to a crew and is told what became of them. A dependent starts
only after what it depends on is durable; what does not depend on it need not wait for the disk.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode, InternalError
from flowpar.core.outcome import Failure
from flowpar.core.states import RunStatus
from flowpar.execute.base import Completion, Notice, Printed, Reported, Started
from flowpar.execute.recipe import Render
from flowpar.planning.passing import task_of_outputs
from flowpar.schedule.announce import Announcer
from flowpar.schedule.attempt import Attempt, Ready
from flowpar.schedule.caching import Lookup
from flowpar.schedule.crew import NoStopRequests, overdue
from flowpar.schedule.desk import lay_out
from flowpar.schedule.feeding import Feeding
from flowpar.schedule.filling import Filling
from flowpar.schedule.job import maker_of
from flowpar.schedule.joining import Joining
from flowpar.schedule.ledger import Record
from flowpar.schedule.opening import Opening
from flowpar.schedule.release import Release
from flowpar.schedule.restore import restore
from flowpar.schedule.run import RunEnd
from flowpar.schedule.settle import Settlement, outcome_of
from flowpar.schedule.stopping import Stopping
from flowpar.schedule.unmade import Unmade

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.core.clock import Clock
    from flowpar.core.events import RunSink
    from flowpar.core.outcome import Outcome, ValueRef
    from flowpar.planning.model import Plan
    from flowpar.schedule.caching import Cache
    from flowpar.schedule.crew import Crew, StopRequests
    from flowpar.schedule.decision import Decisions
    from flowpar.schedule.run import RunOptions

_QUIET_S = 0.1
# How long what the disk keeps meanwhile waits at most to be released, where nothing else happens.
_DISK_S = 0.005
# Most outputs travel with the jobs that read them, and are never looked up.
_MOST_FRESH = 1_000


class Loop:
    """Runs one plan, once."""

    def __init__(
        self,
        plan: Plan,
        crew: Crew,
        sink: RunSink,
        clock: Clock,
        *,
        decisions: Decisions,
        options: RunOptions,
        random: Callable[[], float],
        stops: StopRequests | None = None,
        remove: Callable[[Sequence[ValueRef]], None] | None = None,
        cache: Cache | None = None,
    ) -> None:
        """Lay everything out; nothing starts before `run`. `remove` takes values that nobody will read any more."""
        self._plan, self._crew, self._sink, self._clock = plan, crew, sink, clock
        self._remove = remove
        self._options = options
        self._decisions = decisions
        self._announce = Announcer(sink, clock)
        self._desk = lay_out(plan, crew, clock, self._announce, options=options)
        self._settlement = Settlement(self._desk, random, is_fail_fast=options.is_fail_fast)
        self._feeding = Feeding(self._desk, decisions, self._settlement)
        self._opening = Opening(self._desk, decisions, self._settlement, self._feeding)
        self._stopping = Stopping(self._desk, self._settlement, self._opening.parts, stops or NoStopRequests())
        self._release = Release(
            self._desk,
            self._opening,
            self._feeding,
            self._stopping,
            joining=Joining(self._desk, decisions, options.start, self._opening.parts),
            commit=sink.commit,
            hand_out=self._hand_out,
        )
        jobs = maker_of(plan, options, crew, self._desk.ledger, hand_out=self._hand_out)
        unmade = Unmade(self._desk, self._settlement)
        lookup = Lookup(cache, self._desk, unmade, jobs, rendered=self._note_rendered)
        self._filling = Filling(self._desk, crew, jobs, lookup)
        self._rendered: str | Failure | None = None
        self._is_untold = self._is_committing = False

    def run(self) -> RunEnd:
        """Run the plan to its end and say how it ended."""
        began = self._clock.monotonic()
        options = self._options
        self._announce.run_started(self._plan, options)
        if options.timeout_s is not None:
            self._desk.timers.add(began + options.timeout_s, partial(self._desk.want, overdue(options.timeout_s)))
        self._sink.commit()
        restore(self._desk, self._desk.ledger.records.values())
        self._release.begin()
        self._go_on()
        self._render_outputs()
        self._finally()
        return self._finish(began)

    def _finally(self) -> None:
        """Run the tasks that run however the others ended, those of sub-workflows first that a stop cut off."""
        records = self._desk.ledger.records.values()
        status, _ = self._verdict()
        turns = [] if self._desk.stop is None else self._opening.parts.left(status)
        last = [record.task for record in records if record.task.in_finally]
        failed = [record.task.id for record in records if record.has_failed]
        self._desk.ledger.run = {"status": status.value, "failed": failed}
        for tasks in filter(None, [*turns, last]):
            if self._stopping.enter_finally():
                self._desk.enter_finally(tasks, self._plan)
                self._release.begin()
            else:
                self._desk.in_finally = True
            self._go_on()

    def _go_on(self) -> None:
        """Turn until nothing is in flight and nothing will be."""
        self._filling.fill()
        while self._desk.in_flight or (self._desk.stop is None and self._is_waiting()):
            self._turn()
        self._stopping.cancel_the_rest()
        self._sink.commit()

    def _is_waiting(self) -> bool:
        """Whether something may still start by itself; that tasks are left and nothing is to come is our bug."""
        desk, filling = self._desk, self._filling
        if desk.backlog or filling.has_hits or filling.lookup.is_waiting:
            return True
        if desk.frontier and desk.timers.next_due() is not None:
            return True
        if desk.frontier:
            raise InternalError("tasks are left, and nothing runs or will start")
        return False

    def _turn(self) -> None:
        notices = self._crew.wait(self._patience())
        has_news = False
        if self._is_committing:  # since the turn before
            self._is_committing = self._is_untold = False
            self._sink.commit()
            has_news = self._go_on_after_commit()
            # What came while the disk was waited for is kept by its next sync, all of it.
            notices = [*notices, *self._crew.take()]
        for notice in notices:
            self._hear(notice)
        for alarm in self._desk.timers.ring(self._clock.monotonic()):
            alarm()
        self._stopping.obey()
        self._filling.lookup.take_found()
        if len(self._desk.fresh) + len(self._desk.stale) >= _MOST_FRESH:
            self._hand_out()
        settled = self._desk.settled
        has_hits = self._filling.take_hits()
        has_ended = has_hits or bool(settled) or any(isinstance(notice, Completion) for notice in notices)
        if has_ended:
            # Before anything that takes time: slots wait for it.
            self._sink.flush()
            self._crew.recorded()
        # What is about to be released may be more urgent: it is not overtaken for the sake of the disk.
        if not (settled and self._desk.has_priorities):
            weights = (self._desk.frontier.weight_after(each.task.id) for each in settled)
            self._filling.fill(weight=max(weights, default=0.0))
        if has_ended and self._filling.is_held_up():
            # Nothing that is released now could start: the disk has until the next turn, and nobody waits for it.
            self._sink.begin_commit()
            self._is_committing = True
            return
        # What filling found in the cache has ended since, and is released with the rest.
        if has_ended or self._filling.has_hits or (self._is_untold and not notices):
            self._sink.commit()
        self._is_untold = bool(notices) and not has_ended
        has_news = self._go_on_after_commit() or has_news
        if has_news or has_ended:
            self._filling.fill()

    def _go_on_after_commit(self) -> bool:
        """Release what waited for the disk, and remove values that nobody needs; return whether anything waited."""
        has_news = bool(self._desk.settled or self._desk.given or self._opening.parts.has_released)
        if has_news:
            self._release.go_on()
        unneeded = self._desk.ledger.holding.take_unneeded()
        if unneeded and self._remove is not None:
            self._remove(unneeded)
        return has_news

    def _patience(self) -> float | None:
        """Return how long to wait; starts and reports are committed with the next end, or when it gets quiet."""
        if self._filling.has_hits:
            return 0.0  # others go on from what was in the cache
        due = self._desk.timers.next_due()
        quiet_s = _DISK_S if self._is_committing else _QUIET_S if self._is_untold else None
        left_s = None if due is None else max(0.0, due - self._clock.monotonic())
        return min((each for each in (quiet_s, left_s) if each is not None), default=None)

    def _hear(self, notice: Notice) -> None:
        attempt = self._desk.in_flight.find(notice.job)
        if attempt is None:
            return  # a late word about something that is over
        match notice:
            case Completion():
                self._complete(attempt, notice)
            case Started():
                self._start(attempt, notice.pid, notice.monotonic)
            case Reported(kind="item"):
                self._feeding.yielded(attempt.ready, notice.body)
            case Reported():
                self._announce.reported(attempt, notice)
            case Printed():
                self._announce.printed(attempt, notice.text)

    def _start(self, attempt: Attempt, pid: int, monotonic: float) -> None:
        if attempt.started is None:
            self._desk.in_flight.start(attempt, pid, monotonic)
            if attempt.ready.decision is None:
                self._opening.parts.started(attempt.ready.record, monotonic)
                self._announce.started(attempt)

    def _complete(self, attempt: Attempt, completion: Completion) -> None:
        if completion.pid:
            self._start(attempt, completion.pid, completion.started)
        self._desk.in_flight.remove(attempt)
        completion = self._filling.lookup.heard(attempt, completion)
        outcome = outcome_of(attempt, completion)
        decision = attempt.ready.decision
        if decision is None:
            self._desk.head_start.note(completion.ended - completion.started)
            self._settlement.settle(attempt, completion, outcome)
        elif isinstance(decision, Render):
            self._note_rendered(outcome)
        else:
            self._opening.decided(attempt.ready, decision, outcome)

    def _note_rendered(self, outcome: Outcome) -> None:
        self._rendered = outcome if isinstance(outcome, Failure) else self._decisions.read_rendered(outcome.value)

    def _hand_out(self) -> None:
        """Let workers find the outputs that came, and take away those that nobody reads any more."""
        desk = self._desk
        if desk.fresh:
            self._crew.outputs.update(desk.fresh)
            desk.fresh.clear()
        if desk.stale:
            self._crew.outputs.discard(desk.stale)
            desk.stale.clear()

    def _render_outputs(self) -> None:
        """Let a worker make the workflow's outputs, after all tasks ended well."""
        desk, plan = self._desk, self._plan
        if desk.stop is not None or any(record.has_failed for record in desk.ledger.records.values()):
            return
        if not plan.outputs:
            self._rendered = "{}"
            return
        task = task_of_outputs(plan)
        desk.queue(Ready(Record(task, (0, 0.0, task.index)), None, 1, self._clock.monotonic(), Render(plan.outputs)))
        self._go_on()

    def _finish(self, began: float) -> RunEnd:
        records = self._desk.ledger.records
        status, exit_code = self._verdict()
        duration_s = self._clock.monotonic() - began
        self._announce.run_finished(self._options, records, status=status, exit_code=exit_code, duration_s=duration_s)
        self._sink.commit()
        return RunEnd(
            status=status,
            exit_code=exit_code,
            states={task: record.state for task, record in records.items()},
            failed=tuple(task for task, record in records.items() if record.has_failed),
            duration_s=duration_s,
            outputs=self._rendered if isinstance(self._rendered, str) else None,
            outputs_failure=self._rendered if isinstance(self._rendered, Failure) else None,
        )

    def _verdict(self) -> tuple[RunStatus, ExitCode]:
        if self._stopping.reason is not None:
            return self._stopping.reason.status, self._stopping.reason.exit_code
        if isinstance(self._rendered, str) and not any(each.has_failed for each in self._desk.ledger.records.values()):
            return RunStatus.SUCCEEDED, ExitCode.OK
        return RunStatus.FAILED, ExitCode.TASK_FAILED
