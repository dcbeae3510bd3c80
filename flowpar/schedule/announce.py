"""What happened, as events: the only place of this room that makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.core.states import TaskState
from flowpar.schedule.start import Fingerprint, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flowpar.core.clock import Clock
    from flowpar.core.outcome import Outcome, ValueRef
    from flowpar.core.states import RunStatus
    from flowpar.execute.base import Completion, Reported
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.schedule.attempt import Attempt, Ready
    from flowpar.schedule.caching import Hit
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.run import RunOptions

# Beside the states, in the counts of a run: a failure of a task that may fail.
_TOLERATED = "tolerated"


class Announcer:
    """Turns what the loop saw into events and emits them."""

    def __init__(self, sink: events.EventSink, clock: Clock) -> None:
        """Emit to `sink`, with times of `clock`."""
        self._sink = sink
        self._clock = clock

    def run_started(self, plan: Plan, options: RunOptions) -> None:
        """The run begins, or goes on; what had joined it before and stands counts with its tasks."""
        joined = options.start.standing.difference(*plan.layers)
        event = events.RunStarted(
            run_id=options.run_id,
            workflow=plan.workflow,
            file=plan.file,
            run_dir=options.run_dir,
            at=self._clock.now(),
            workers=options.workers,
            layers=(*plan.layers, tuple(sorted(joined))) if joined else plan.layers,
            inputs=plan.inputs,
            versions=options.versions,
            options=options.recorded,
            again=options.start.again,
            kept=len(options.start.standing),
            last=tuple(_last(plan.tasks)),
        )
        self._sink.emit(event)

    def expanded(self, record: Record, count: int, moved: Sequence[int | None] | None = None) -> None:
        """A fan-out knows how many items it has."""
        lists = "" if record.task.fan_out is None else record.task.fan_out.fingerprint
        fingerprint = str(Fingerprint.of(record.task, lists))
        self._sink.emit(events.TaskExpanded(_whole(record), self._clock.now(), count, fingerprint, moved))

    def started(self, attempt: Attempt) -> None:
        """An attempt runs."""
        wait_s = max(0.0, (attempt.started or 0.0) - attempt.ready.since)
        event = events.TaskStarted(attempt.subject, attempt.started_at, attempt.pid, wait_s, attempt.fingerprint)
        self._sink.emit(event)

    def retrying(self, attempt: Attempt, completion: Completion, failure: Failure, delay_s: float) -> None:
        """An attempt failed and another follows."""
        measure = self._measure(attempt, completion, failure)
        self._sink.emit(events.TaskRetrying(attempt.subject, self._clock.now(), delay_s, failure, measure))

    def repeating(self, attempt: Attempt, completion: Completion, value: ValueRef, delay_s: float) -> None:
        """A round is over and another may follow."""
        event = events.TaskRepeating(
            subject=attempt.subject,
            at=self._clock.now(),
            delay_s=delay_s,
            value=value,
            measure=self._measure(attempt, completion, Success(value)),
            log_file=attempt.log_file if completion.has_log else None,
            warnings=completion.warnings,
            kept=_kept(attempt),
        )
        self._sink.emit(event)

    def attempt_ended(
        self, attempt: Attempt, completion: Completion, state: TaskState, outcome: Outcome, *, is_tolerated: bool
    ) -> None:
        """A task or an item ended with this attempt."""
        has_rounds = isinstance(outcome, Failure) and outcome.kind is FailureKind.ROUNDS
        last = attempt.ready.record.rounds.get(attempt.ready.item) if has_rounds else None
        event = events.TaskEnded(
            subject=attempt.subject,
            at=self._clock.now(),
            state=state,
            outcome=outcome,
            measure=self._measure(attempt, completion, outcome),
            is_tolerated=is_tolerated,
            log_file=attempt.log_file if completion.has_log else None,
            warnings=completion.warnings,
            previous=None if last is None else last.value,
            kept=_kept(attempt),
        )
        self._sink.emit(event)

    def cached(self, ready: Ready, hit: Hit, *, total_s: float) -> None:
        """A task or an item need not be made: it was, before, in `total_s` with all of its rounds."""
        event = events.TaskEnded(
            subject=_unmade(ready),
            at=self._clock.now(),
            state=TaskState.CACHED,
            outcome=Success(hit.value),
            measure=None,
            fingerprint=str(fingerprint_of(ready)),
            kept=events.Kept(hit.key, hit.parts, hit.made_by, total_s),
        )
        self._sink.emit(event)

    def out_of_rounds(self, ready: Ready, failure: Failure, *, is_tolerated: bool) -> None:
        """A repeat came to its last round, and all of them were made before."""
        last = ready.record.rounds.get(ready.item)
        event = events.TaskEnded(
            subject=_unmade(ready),
            at=self._clock.now(),
            state=TaskState.FAILED,
            outcome=failure,
            measure=None,
            is_tolerated=is_tolerated,
            previous=None if last is None else last.value,
            fingerprint=str(fingerprint_of(ready)),
        )
        self._sink.emit(event)

    def ended(self, record: Record, outcome: Outcome | None) -> None:
        """A fan-out ended as a whole, or a task ended without an attempt."""
        items = record.items
        event = events.TaskEnded(
            subject=_whole(record),
            at=self._clock.now(),
            state=record.state,
            outcome=outcome,
            measure=None if items is None else self._measure_whole(record),
            items=None if items is None else items.count,
            is_tolerated=record.is_tolerated,
        )
        self._sink.emit(event)

    def skipped(self, record: Record, reason: str, *, item: int | None = None) -> None:
        """A task or an item will not run."""
        task = record.task
        subject = events.Subject(task.id, item, 0, task.layer, task.executor, key=record.key_of(item))
        fingerprint = str(Fingerprint.of(task)) if item is None else ""
        self._sink.emit(events.TaskSkipped(subject, self._clock.now(), reason, fingerprint))

    def reported(self, attempt: Attempt, notice: Reported) -> None:
        """A running attempt says how far it is, or logs a line."""
        subject, at = attempt.subject, self._clock.now()
        event = _progress(subject, at, notice.body) if notice.kind == "progress" else _line(subject, at, notice.body)
        self._sink.emit(event)

    def printed(self, attempt: Attempt, text: str) -> None:
        """A running attempt wrote something."""
        self._sink.emit(events.TaskPrinted(attempt.subject, self._clock.now(), text))

    def stopping(self, reason: str) -> None:
        """No new task starts."""
        self._sink.emit(events.RunStopping(self._clock.now(), reason))

    def run_finished(
        self,
        options: RunOptions,
        records: Mapping[str, Record],
        *,
        status: RunStatus,
        exit_code: int,
        duration_s: float,
    ) -> None:
        """The run is over; what had joined it before it went on counts, too, where it did not join it again."""
        begun = options.start.tasks.items()
        stand = [one.whole for task, one in begun if one.whole is not None and task not in records]
        counts = Counter(_TOLERATED if one.is_tolerated else one.state.value for one in records.values())
        counts.update(_TOLERATED if one.is_tolerated else one.state.value for one in stand)
        event = events.RunFinished(
            run_id=options.run_id,
            at=self._clock.now(),
            status=status,
            exit_code=exit_code,
            duration_s=duration_s,
            counts={state: counts[state] for state in (*TaskState, _TOLERATED) if counts[state]},
            failed=tuple(task for task, record in records.items() if record.has_failed),
        )
        self._sink.emit(event)

    def _epoch(self, monotonic: float) -> float:
        return self._clock.now() - (self._clock.monotonic() - monotonic)

    def _measure(self, attempt: Attempt, completion: Completion, outcome: Outcome) -> events.Measure:
        # From one reading of the wall clock, so that a jump of it does not show inside an attempt.
        started_at = attempt.started_at or self._epoch(completion.started)
        duration_s = max(0.0, completion.ended - completion.started)
        return events.Measure(
            pid=completion.pid or None,
            started_at=started_at,
            ended_at=started_at + duration_s,
            duration_s=duration_s,
            wait_s=max(0.0, completion.started - attempt.ready.since),
            cpu_s=completion.cpu_s,
            max_rss_bytes=completion.max_rss_bytes,
            output_bytes=outcome.value.size_bytes if isinstance(outcome, Success) else None,
            spent=completion.outcome.spent if isinstance(completion.outcome, Success) else None,
        )

    def _measure_whole(self, record: Record) -> events.Measure:
        now = self._clock.monotonic()
        return events.Measure(
            pid=None,
            started_at=self._epoch(record.ready_at),
            ended_at=self._clock.now(),
            duration_s=now - record.ready_at,
            wait_s=0.0,
        )


def _last(tasks: Iterable[PlannedTask]) -> Iterator[str]:
    """Give the tasks of `finally`, and those in items that only the run will know."""
    for task in tasks:
        if (task.in_finally or task.tidies) and task.kind != "finally":
            yield task.id
        if task.template is not None:
            yield from _last(task.template.tasks)


def _kept(attempt: Attempt) -> events.Kept | None:
    keeping = attempt.keeping
    return None if keeping is None else events.Kept(keeping.key, keeping.parts, note=keeping.note)


def _unmade(ready: Ready) -> events.Subject:
    task, key = ready.record.task, ready.record.key_of(ready.item)
    return events.Subject(task.id, ready.item, 0, task.layer, task.executor, ready.round, key)


def _whole(record: Record) -> events.Subject:
    return events.Subject(record.task.id, None, 0, record.task.layer, record.task.executor)


def _progress(subject: events.Subject, at: float, body: Mapping[str, object]) -> events.TaskProgressed:
    total = body.get("total")
    return events.TaskProgressed(
        subject=subject,
        at=at,
        done=_number(body.get("done")),
        total=None if total is None else _number(total),
        note=str(body.get("note") or ""),
    )


def _line(subject: events.Subject, at: float, body: Mapping[str, object]) -> events.TaskLogged:
    fields = body.get("fields")
    return events.TaskLogged(
        subject=subject,
        at=at,
        level=str(body.get("level") or "info"),
        message=str(body.get("message") or ""),
        fields=fields if isinstance(fields, Mapping) else {},
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
