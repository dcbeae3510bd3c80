"""A run as spans of distributed tracing: run ─ task ─ item ─ attempt, made from its events.

    events ─► Spans.take ─► Span*      each as soon as it is over

Ids follow from what a span is of (`core/span.py`), so a task's own process knows its parent's, and so does a resume.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flowpar.core.events import (
    RunFinished,
    RunStarted,
    TaskEnded,
    TaskExpanded,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.frozen import dataclass, field
from flowpar.core.outcome import Failure
from flowpar.core.span import attempt_span, parent_of, span_of, trace_of
from flowpar.core.states import FAILURES, RunStatus
from flowpar.report.wording import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.core.events import Event, Measure, Subject

_MOST_LINKS = 128


@dataclass(frozen=True, slots=True)
class Span:
    """One span; times are seconds since the epoch, `links` are ids of spans of the same trace.

    `error` is why it failed, "" where it did not; `raised` are type, message and traceback of what was raised.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: float
    end: float
    attributes: Mapping[str, object] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    error: str = ""
    raised: tuple[str, str, str] | None = None
    is_good: bool = False


class Spans:
    """Follows the events of one run."""

    def __init__(self, needs: Mapping[str, tuple[str, ...]], environment: Mapping[str, str] | None = None) -> None:
        """Begin with nothing; `needs` become links of tasks."""
        self._needs = needs
        self._environment = os.environ if environment is None else environment
        self._run: RunStarted | None = None
        self._trace = ""
        self._root = ""
        self._begun: dict[tuple[str, int | None], float] = {}
        self._tried: dict[tuple[str, int | None], str] = {}

    def take(self, event: Event) -> Iterator[Span]:
        """Give the spans that are over with an event."""
        match event:
            case RunStarted():
                self._run, self._trace = event, trace_of(event.run_id, self._environment)
                self._root = span_of(event.run_id, "run", event.at)
            case TaskExpanded(subject=subject):
                self._begun.setdefault((subject.task, None), event.at)
            case TaskStarted(subject=subject):
                self._begun.setdefault((subject.task, None), event.at)
                self._begun.setdefault((subject.task, subject.item), event.at)
            case TaskRetrying(subject=subject):
                yield self._attempt(subject, event.measure, "retried", event.failure)
            case TaskRepeating(subject=subject):
                yield self._attempt(subject, event.measure, "repeated", None)
            case TaskEnded():
                yield from self._ended(event)
            case TaskSkipped(subject=subject):
                yield self._whole(subject, event.at, "skipped", reason=event.reason)
            case RunFinished():
                yield self._finished(event)

    def _ended(self, event: TaskEnded) -> Iterator[Span]:
        failure = event.outcome if isinstance(event.outcome, Failure) else None
        if event.measure is not None and event.measure.pid is not None:
            yield self._attempt(event.subject, event.measure, event.state.value, failure)
        is_bad = event.state in FAILURES
        yield self._whole(event.subject, event.at, event.state.value, failure if is_bad else None, items=event.items)

    def _attempt(self, subject: Subject, measure: Measure, state: str, failure: Failure | None) -> Span:
        run_id, place = self._id, (subject.task, subject.item)
        span_id = attempt_span(run_id, subject.task, subject.item, subject.attempt, lap=subject.round)
        before = self._tried.get(place)
        self._tried[place] = span_id
        told = {
            **_of_subject(subject, state),
            "process.pid": measure.pid,
            "flowpar.wait_s": measure.wait_s,
            "flowpar.cpu_s": measure.cpu_s,
            "flowpar.max_rss_bytes": measure.max_rss_bytes,
            "flowpar.output_bytes": measure.output_bytes,
        }
        return Span(
            self._trace,
            span_id,
            self._id_of(*place),
            f"{_name(subject)} attempt {subject.attempt}",
            measure.started_at,
            measure.started_at + measure.duration_s,
            told,
            () if before is None else (before,),
            "" if failure is None else reason_of(failure),
            None if failure is None else (failure.type or failure.kind.value, failure.message, failure.traceback),
            is_good=failure is None,
        )

    def _whole(
        self,
        subject: Subject,
        at: float,
        state: str,
        failure: Failure | None = None,
        *,
        items: int | None = None,
        reason: str = "",
    ) -> Span:
        """Return the span of a task, or of an item of one, whose parent is the task."""
        place = (subject.task, subject.item)
        started = self._begun.pop(place, at)
        self._tried.pop(place, None)
        is_item = subject.item is not None
        needs = () if is_item else self._needs.get(subject.task, ())[:_MOST_LINKS]
        return Span(
            self._trace,
            self._id_of(*place),
            self._id_of(subject.task, None) if is_item else self._root,
            _name(subject),
            started,
            max(started, at),
            {**_of_subject(subject, state), "flowpar.items": items, "flowpar.reason": reason or None},
            tuple(self._id_of(need, None) for need in needs),
            "" if failure is None else reason_of(failure),
            is_good=failure is None and state in {"succeeded", "cached"},
        )

    def _finished(self, event: RunFinished) -> Span:
        run = self._run
        parent = parent_of(self._environment)
        is_good = event.status is RunStatus.SUCCEEDED
        return Span(
            self._trace,
            self._root,
            "" if parent is None else parent[1],
            f"run {run.workflow}" if run is not None else "run",
            event.at - event.duration_s if run is None else run.at,
            event.at,
            {
                "flowpar.run_id": event.run_id,
                "flowpar.status": event.status.value,
                "flowpar.exit_code": int(event.exit_code),
                **({} if run is None else {"flowpar.workflow": run.workflow, "flowpar.workers": run.workers}),
                **{f"flowpar.tasks.{state}": count for state, count in event.counts.items()},
            },
            error=""
            if is_good
            else f"{event.status.value.replace('_', ' ')}: {', '.join(event.failed[:10])}".rstrip(": "),
            is_good=is_good,
        )

    @property
    def _id(self) -> str:
        return "" if self._run is None else self._run.run_id

    def _id_of(self, task: str, item: int | None) -> str:
        """Return the id of a task's span, or an item's; in each part of a run that was resumed it has another one."""
        return span_of(self._id, "task", task, "" if item is None else item, self._root)


def _name(subject: Subject) -> str:
    return subject.task if subject.item is None else f"{subject.task}[{subject.item}]"


def _of_subject(subject: Subject, state: str) -> dict[str, Any]:
    return {
        "flowpar.task": subject.task,
        "flowpar.item": subject.item,
        "flowpar.key": subject.key,
        "flowpar.attempt": subject.attempt or None,
        "flowpar.round": subject.round or None,
        "flowpar.layer": subject.layer,
        "flowpar.executor": subject.executor,
        "flowpar.state": state,
    }
