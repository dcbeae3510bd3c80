"""A run as its journal tells it, for tests that read it back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.record.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

AT = 1_763_806_500.25
INLINE = ValueRef(5, "sha256:00", is_plain=True, inline=b"\x80\x05\x4b\x07.")
RAISED = Failure(FailureKind.EXCEPTION, "ValueError", f"bad row {os.fsdecode(bytes([255]))}", None, "steps.py:3\n")
ITEMS_FAILED = Failure(FailureKind.ITEMS, "", "1 of 3 items failed, item 1: ValueError: bad row")


def subject(task: str, item: int | None = None, attempt: int = 1) -> events.Subject:
    return events.Subject(task, item, attempt, 0, "process")


def begun(*tasks: str, again: Mapping[str, Sequence[int] | None] | None = None) -> events.RunStarted:
    return events.RunStarted(
        run_id="20251122-101500-words-900",
        workflow="words",
        file="/home/me/words.yaml",
        run_dir="/home/me/.flowpar/runs/20251122-101500-words-900",
        at=AT,
        workers=2,
        layers=(tasks or ("load", "count", "merge", "report"),),
        inputs={"top": 2**80, "folder": "texts"},
        versions={"flowpar": "0.1.0"},
        options={"executor": None, "fail_fast": True},
        again=again,
    )


def started(task: str, item: int | None = None, attempt: int = 1) -> events.TaskStarted:
    return events.TaskStarted(subject(task, item, attempt), AT + 1, 4711, 0.01, f"print-{task}")


def succeeded(task: str, item: int | None = None, *, attempt: int = 1, ref: ValueRef = INLINE) -> events.TaskEnded:
    measure = events.Measure(4711, AT + 1, AT + 2, 1.0, 0.01, 0.5, 1024, ref.size_bytes)
    return events.TaskEnded(
        subject(task, item, attempt), AT + 2, TaskState.SUCCEEDED, Success(ref), measure, log_file=f"logs/1-{task}.log"
    )


def failed(task: str, item: int | None = None, attempt: int = 1) -> events.TaskEnded:
    measure = events.Measure(4711, AT + 1, AT + 2, 1.0, 0.01)
    return events.TaskEnded(subject(task, item, attempt), AT + 2, TaskState.FAILED, RAISED, measure)


def finished() -> events.RunFinished:
    counts = {"succeeded": 1, "failed": 1, "skipped": 2}
    return events.RunFinished("20251122-101500-words-900", AT + 9, RunStatus.FAILED, 1, 8.75, counts, ("count",))


def failing_run() -> list[events.Event]:
    """A task that succeeds on its second attempt, a fan-out of which one item fails, two tasks below it."""
    measure = events.Measure(4711, AT + 1, AT + 2, 1.0, 0.01)
    return [
        begun(),
        started("load"),
        events.TaskRetrying(subject("load"), AT + 2, 0.5, RAISED, measure),
        started("load", attempt=2),
        succeeded("load", attempt=2),
        events.TaskExpanded(subject("count", attempt=0), AT + 2, 3, "print-count"),
        started("count", 0),
        started("count", 1),
        succeeded("count", 0),
        failed("count", 1),
        events.TaskSkipped(subject("count", 2, 0), AT + 2, "its condition is false"),
        events.TaskEnded(subject("count", attempt=0), AT + 3, TaskState.FAILED, ITEMS_FAILED, None, items=3),
        events.TaskSkipped(subject("merge", attempt=0), AT + 3, 'task "count" failed'),
        events.TaskSkipped(subject("report", attempt=0), AT + 3, 'task "count" failed'),
        finished(),
    ]


def write_journal(path: Path, told: Sequence[events.Event]) -> bytes:
    journal = Journal(path, is_synced=False)
    for event in told:
        journal.emit(event)
    journal.close()
    return path.read_bytes()
