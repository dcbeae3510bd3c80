"""A run on one line: what it was, how far it came, and how long its tasks took.

journal ──overview_of──► Overview ──seen_now──► the same with the status of this moment
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING

from flowpar.core.errors import StateError
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.states import TaskState
from flowpar.record.lock import holder
from flowpar.record.reading import JOURNAL
from flowpar.record.resume import read_settled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.record.settled import Settled, SettledTask


class Status(StrEnum):
    """How it stands with a run: that of a run which ended, or what became of one that did not."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed_out"
    RUNNING = "running"
    CRASHED = "crashed"  # no end in the journal, and nobody holds the lock
    DAMAGED = "damaged"  # its journal cannot be read to the end


@dataclass(frozen=True, slots=True)
class Overview:
    """One run; `pid` is who runs it now, `counts` maps states to tasks, `problem` is why it cannot be read.

    `started_at` is ISO 8601 text, empty where the journal does not say it; `total` counts all tasks.
    """

    run_id: str
    status: str
    workflow: str = ""
    file: str = ""
    started_at: str = ""
    duration_s: float | None = None
    exit_code: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    resumes: int = 0
    pid: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TaskDuration:
    """How long a task took in its last successful run; for a fan-out also how many items, and their mean."""

    duration_s: float
    items: int | None = None
    item_s: float | None = None


def overview_of(run_dir: Path) -> tuple[Overview, dict[str, TaskDuration]]:
    """Read a run's journal; one that did not end counts as crashed until `seen_now` looks at its lock."""
    if not (run_dir / JOURNAL).exists():
        return Overview(run_dir.name, Status.CRASHED, problem="it was cut off before it began"), {}
    try:
        settled, _ = read_settled(run_dir, keeps_values=False)
    except StateError as error:
        problem = error.message.replace(f' "{run_dir / JOURNAL}"', "")
        return Overview(run_dir.name, Status.DAMAGED, problem=problem), {}
    return overview_from(settled), durations_in(settled)


def overview_from(settled: Settled) -> Overview:
    """Return the line on a run whose journal was read."""
    run, finished = settled.run, settled.finished
    return Overview(
        run_id=run.run_id,
        status=Status.CRASHED if finished is None else Status(finished.status.value),
        workflow=run.workflow,
        file=run.file,
        started_at=run.started_at,
        duration_s=_between(run.started_at, settled.last_at) if finished is None else finished.duration_s,
        exit_code=None if finished is None else finished.exit_code,
        counts=_counts(settled) if finished is None else finished.counts,
        total=sum(map(len, run.layers)),
        resumes=run.resumes,
    )


def seen_now(overview: Overview, run_dir: Path) -> Overview:
    """Return a run as it stands at this moment: one without an end runs while somebody holds its lock."""
    if overview.status not in {Status.CRASHED, Status.DAMAGED}:
        return overview
    pid = holder(run_dir)
    return overview if pid is None else replace(overview, status=Status.RUNNING, pid=pid or None, problem="")


def durations_in(settled: Settled) -> dict[str, TaskDuration]:
    """Return how long each task took that succeeded; one that repeats, as many rounds as long as the last.

    What was cached says nothing about what it takes to make it.
    """
    return {
        name: TaskDuration(task.standing.duration_s * max(1, task.standing.round), task.item_count, _item_mean(task))
        for name, task in settled.tasks.items()
        if task.standing.state is TaskState.SUCCEEDED and task.standing.duration_s is not None
    }


def _item_mean(task: SettledTask) -> float | None:
    taken = [item.duration_s * max(1, item.round) for item in task.items.values() if item.duration_s is not None]
    return fmean(taken) if taken else None


def _counts(settled: Settled) -> dict[str, int]:
    states = (task.standing.state for task in settled.tasks.values())
    return dict(Counter(state.value for state in states if state is not None))


def _between(begun: str, ended: str) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())
    except (ValueError, TypeError):
        return None
