"""The states of a task, an item and a run, and the moves between them that are legal."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TaskState(StrEnum):
    """Where a task or an item of it stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    CACHED = "cached"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return not MOVES[self]

    @property
    def is_success(self) -> bool:
        """Whether what needs the task may run."""
        return self is TaskState.SUCCEEDED or self is TaskState.CACHED


FAILURES: Final = (TaskState.FAILED, TaskState.TIMED_OUT)
"""How a task or an item ends that failed by itself, or by its time."""

MOVES: dict[TaskState, frozenset[TaskState]] = {
    TaskState.PENDING: frozenset(
        {
            TaskState.READY,
            TaskState.SKIPPED,
            TaskState.CACHED,
            TaskState.SUCCEEDED,  # a fan-out over zero items
            TaskState.FAILED,  # its `if`, `for_each` or `key` failed
            TaskState.TIMED_OUT,  # a sub-workflow, whose tasks are others
            TaskState.CANCELLED,
        }
    ),
    TaskState.READY: frozenset({TaskState.RUNNING, TaskState.CANCELLED}),
    TaskState.RUNNING: frozenset(
        {
            TaskState.READY,  # a retry, or the next round of a repeat
            TaskState.SUCCEEDED,
            TaskState.FAILED,
            TaskState.TIMED_OUT,
            TaskState.CANCELLED,
        }
    ),
    TaskState.SUCCEEDED: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.TIMED_OUT: frozenset(),
    TaskState.CANCELLED: frozenset(),
    TaskState.SKIPPED: frozenset(),
    TaskState.CACHED: frozenset(),
}


class RunStatus(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed_out"
