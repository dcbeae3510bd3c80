"""Everything that happens in a run, as frozen values, and who may be told: `EventSink`.

    RunStarted ─ TaskExpanded* ─ TaskStarted ─ (TaskRetrying ─ TaskStarted)* ─ TaskEnded ─ RunFinished
                                     │          TaskRepeating ─ TaskStarted, a round after another
                                     └─ TaskProgressed, TaskLogged, TaskPrinted while it runs

Times `…_at` are seconds since the epoch (UTC), durations `…_s` are seconds of the monotonic clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.outcome import Failure, Outcome, Spent, ValueRef
    from flowpar.core.states import RunStatus, TaskState


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; `item` is None for a task without fan-out or a fan-out as a whole.

    `attempt` counts from 1, anew in each `round`; it is 0 for a fan-out as a whole and for what never
    started. `round` is 0 unless the task repeats. `key` is the name of an item that has one.
    """

    task: str
    item: int | None
    attempt: int
    layer: int
    executor: str
    round: int = 0
    key: str | float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What an attempt took; `wait_s` is the time from ready to started, `spent` is told to sinks and not recorded."""

    pid: int | None
    started_at: float
    ended_at: float
    duration_s: float
    wait_s: float
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    output_bytes: int | None = None
    spent: Spent | None = None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run begins, or goes on; `layers` holds task ids by distance from the roots, in file order.

    `options` are those of the command line that a resumed run keeps. `again` is None when the run
    begins; when it is resumed it names what will not be taken as it stands in the journal: tasks,
    whole (None) or these items of them; `kept` counts the tasks that stand. `last` are the tasks of `finally`, with
    `[*]` for an item of a sub-workflow that only the run knows.
    """

    run_id: str
    workflow: str
    file: str
    run_dir: str
    at: float
    workers: int
    layers: tuple[tuple[str, ...], ...]
    inputs: Mapping[str, object]
    versions: Mapping[str, str]
    options: Mapping[str, object] = field(default_factory=dict)
    again: Mapping[str, Sequence[int] | None] | None = None
    kept: int = 0
    last: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskExpanded:
    """A fan-out knows how many items it has; `fingerprint` is of the task as a whole.

    `moved` says for each item where it stood before the run went on, None for one that is new; it is None where
    all stand where they stood.
    """

    subject: Subject
    at: float
    items: int
    fingerprint: str = ""
    moved: Sequence[int | None] | None = None


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """An attempt runs in process `pid`; `fingerprint` tells whether it is still the same task on a resume."""

    subject: Subject
    at: float
    pid: int
    wait_s: float
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class TaskRetrying:
    """An attempt failed and another follows after `delay_s`."""

    subject: Subject
    at: float
    delay_s: float
    failure: Failure
    measure: Measure


@dataclass(frozen=True, slots=True)
class TaskRepeating:
    """A round of a repeat is over, its `until` does not hold, and another follows; `value` is what it gave.

    `kept` is what the cache knows of it.
    """

    subject: Subject
    at: float
    delay_s: float
    value: ValueRef
    measure: Measure
    log_file: str | None = None
    warnings: tuple[str, ...] = ()
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Under which key the cache keeps an attempt, and what that is made of; `made_by` the run and task it is from.

    `note` says why what is there was not taken: it is "expired", or to be "refreshed".
    """

    key: str
    parts: Mapping[str, object]
    made_by: tuple[str, str] | None = None
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task or an item reached `state`: succeeded, failed, timed_out, cancelled or cached.

    `items` counts the items where the subject is a fan-out as a whole (it then has no value of
    its own: `outcome` is None on success); `is_tolerated` is `allow_failure` or `collect` at work;
    `log_file` is relative to the run folder and None where nothing was printed. `previous` is what the
    last round of a repeat gave whose rounds were too few. `kept` is what the cache knows of it; `fingerprint` is there
    where it was cached, as no attempt began.
    """

    subject: Subject
    at: float
    state: TaskState
    outcome: Outcome | None
    measure: Measure | None
    items: int | None = None
    is_tolerated: bool = False
    log_file: str | None = None
    warnings: tuple[str, ...] = ()
    previous: ValueRef | None = None
    kept: Kept | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class TaskSkipped:
    """A task or an item will not run; `reason` is a sentence part for people, `fingerprint` is of a whole task."""

    subject: Subject
    at: float
    reason: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class TaskProgressed:
    """A running attempt says how far it is."""

    subject: Subject
    at: float
    done: float
    total: float | None
    note: str


@dataclass(frozen=True, slots=True)
class TaskLogged:
    """A running attempt logged a line through its context or `logging`."""

    subject: Subject
    at: float
    level: str
    message: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskPrinted:
    """A running attempt wrote to stdout or stderr; capped per attempt, the log file has more."""

    subject: Subject
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class RunNoted:
    """Something about the run as a whole that a person should know, and yet no failure.

    `text` is what was printed by code that ran for all tasks and is no task's.
    """

    at: float
    message: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class RunStopping:
    """No new task starts and running ones are being ended; `reason` is for people."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over; `counts` maps states to tasks: a fan-out counts once, a failure that is tolerated as that."""

    run_id: str
    at: float
    status: RunStatus
    exit_code: int
    duration_s: float
    counts: Mapping[str, int]
    failed: tuple[str, ...]


Event = (
    RunStarted
    | TaskExpanded
    | TaskStarted
    | TaskRetrying
    | TaskRepeating
    | TaskEnded
    | TaskSkipped
    | TaskProgressed
    | TaskLogged
    | TaskPrinted
    | RunNoted
    | RunStopping
    | RunFinished
)


class EventSink(Protocol):
    """Who is told what happened; called from the engine's only thread, in order."""

    def emit(self, event: Event) -> None:
        """Take one event; it must not block for long."""
        ...

    def commit(self) -> None:
        """Make all that was emitted durable, where this sink is one that keeps things."""
        ...

    def close(self) -> None:
        """Take leave after the last event."""
        ...


class RunSink(EventSink, Protocol):
    """What the loop tells: it may let others go on before the disk has answered."""

    def flush(self) -> None:
        """Hand all that was emitted to the operating system: it outlives this process, a power cut may take it."""
        ...

    def begin_commit(self) -> None:
        """Begin to make all that was emitted durable; `commit` waits for the end of it."""
        ...
