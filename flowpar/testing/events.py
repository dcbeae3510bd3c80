"""Events as a run emits them, for tests of sinks; what a test does not care about has a value already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

AT: Final = 1_763_806_500.25
"""2025-11-22T10:15:00.25Z, when all of them happen unless they are told otherwise."""
MEASURE: Final = events.Measure(4242, AT, AT + 1.5, 1.5, 0.25, 0.5, 1024, 17)
REF: Final = ValueRef(3, "sha256:00", is_plain=True, inline=b"abc")
RAISED: Final = Failure(FailureKind.EXCEPTION, "ValueError", "bad row", None, 'File "steps.py", line 3, in count\n')


def subject(task: str = "load", item: int | None = None, *, attempt: int = 1) -> events.Subject:
    """Return what an event is about."""
    return events.Subject(task, item, attempt, 0, "process")


def run_started(tasks: Sequence[str] = ("load",), *, run_dir: str = "/run", workers: int = 2) -> events.RunStarted:
    """Return the start of a run of one layer."""
    return events.RunStarted(
        run_id="20251122-101500-words-900",
        workflow="words",
        file="words.yaml",
        run_dir=run_dir,
        at=AT,
        workers=workers,
        layers=(tuple(tasks),),
        inputs={"top": 3},
        versions={"flowpar": "0.1.0"},
    )


def run_finished(status: RunStatus = RunStatus.FAILED, **counts: int) -> events.RunFinished:
    """Return the end of a run; `counts` are by state."""
    code = 0 if status is RunStatus.SUCCEEDED else 1
    return events.RunFinished("20251122-101500-words-900", AT + 3, status, code, 3.0, counts, ())


def task_expanded(task: str, items: int) -> events.TaskExpanded:
    """Return the moment in which a fan-out knows its items."""
    return events.TaskExpanded(subject(task, attempt=0), AT, items)


def task_started(task: str = "load", item: int | None = None, *, at: float = AT, pid: int = 4242) -> events.TaskStarted:
    """Return the start of an attempt."""
    return events.TaskStarted(subject(task, item), at, pid, 0.25)


def task_succeeded(task: str = "load", item: int | None = None, *, at: float = AT) -> events.TaskEnded:
    """Return a good end of an attempt."""
    return events.TaskEnded(subject(task, item), at, TaskState.SUCCEEDED, Success(REF), MEASURE)


def task_failed(
    task: str = "load",
    item: int | None = None,
    *,
    failure: Failure = RAISED,
    attempt: int = 1,
    log_file: str | None = None,
    is_tolerated: bool = False,
) -> events.TaskEnded:
    """Return a bad end of an attempt."""
    return events.TaskEnded(
        subject=subject(task, item, attempt=attempt),
        at=AT,
        state=TaskState.FAILED,
        outcome=failure,
        measure=MEASURE,
        is_tolerated=is_tolerated,
        log_file=log_file,
    )


def fan_out_succeeded(task: str, items: int) -> events.TaskEnded:
    """Return the end of a fan-out as a whole."""
    return events.TaskEnded(subject(task, attempt=0), AT, TaskState.SUCCEEDED, None, MEASURE, items=items)
