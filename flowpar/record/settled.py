"""What a journal says of a run, as frozen values: the run itself, and how far each task and item came.

Settled ── run: RunFacts      how it was begun
        ── tasks: {id: SettledTask ── standing ── items: {index: Standing}}
        ── finished: Finished | None
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.core.states import TaskState

_LABEL = re.compile(r"\[[^\[\]]+\]")

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import Failure, ValueRef
    from flowpar.core.states import RunStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a task, or one item of it, came.

    `state` is final, or None for what began and did not end. `attempt` is the number of the last
    attempt that began, 0 where none did. `failure` stays after a retry was announced.
    `started_at` is ISO 8601 text, of the last attempt. `round` is that of the last attempt, 0 where the
    task does not repeat; `rounds_done` counts those that are over, and `previous` is what the last of them gave.
    """

    state: TaskState | None = None
    attempt: int = 0
    value: ValueRef | None = None
    failure: Failure | None = None
    is_tolerated: bool = False
    log_file: str | None = None
    reason: str = ""
    fingerprint: str = ""
    pid: int | None = None
    started_at: str | None = None
    duration_s: float | None = None
    round: int = 0
    rounds_done: int = 0
    previous: ValueRef | None = None

    @property
    def is_done(self) -> bool:
        """Whether it ended well and need not run again."""
        return self.state is TaskState.SUCCEEDED or self.state is TaskState.CACHED


@dataclass(frozen=True, slots=True)
class SettledTask:
    """How far one task came; `item_count` is None unless it is a fan-out that knew its items.

    Of a fan-out `standing` is that of the whole, and items that never began are not in `items`.
    """

    standing: Standing
    item_count: int | None = None
    items: Mapping[int, Standing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How a run was begun, and with what it was resumed last; `started_at` is ISO 8601 text, of its beginning.

    `last` are its tasks of `finally`, with `[*]` for any item of a sub-workflow.
    """

    run_id: str
    workflow: str
    file: str
    run_dir: str
    started_at: str
    workers: int
    layers: tuple[tuple[str, ...], ...]
    inputs: Mapping[str, object]
    versions: Mapping[str, str]
    options: Mapping[str, object]
    resumes: int = 0
    last: frozenset[str] = frozenset()

    def is_last(self, task: str) -> bool:
        """Whether a task is one of `finally`, of the run or of a sub-workflow."""
        return task in self.last or (bool(self.last) and _LABEL.sub("[*]", task) in self.last)


@dataclass(frozen=True, slots=True)
class Finished:
    """How the run ended, the last time that it did; `counts` maps states to tasks."""

    status: RunStatus
    exit_code: int
    duration_s: float
    counts: Mapping[str, int]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """All that a journal says; `last_at` is when its last record was written, `stopping` why the run was stopped."""

    run: RunFacts
    tasks: Mapping[str, SettledTask]
    finished: Finished | None
    stopping: str | None
    last_at: str
