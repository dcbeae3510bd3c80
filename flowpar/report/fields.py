"""What each event says in a line of `run.log.jsonl` and `events.jsonl`: the model of `schemas/event.schema.json`.

A key that is always there may be null; one that is not required is left out where there is nothing
to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ErrorFields(TypedDict):
    """Why an attempt failed; `traceback` holds the user's frames only."""

    kind: str
    type: str
    message: str
    exit_code: int | None
    traceback: str


class RunStarted(TypedDict):
    """The run begins; `layers` holds task ids by distance from the roots, `options` what a resume keeps.

    `last` are the tasks of `finally`; `[*]` in one stands for any item.
    """

    file: str
    run_dir: str
    workers: int
    layers: Sequence[Sequence[str]]
    inputs: Mapping[str, object]
    versions: Mapping[str, str]
    options: NotRequired[Mapping[str, object]]
    last: NotRequired[Sequence[str]]


class RunResumed(RunStarted):
    """The run goes on; `again` names tasks (null) and items of them that do not stand, `kept` counts tasks that do."""

    again: Mapping[str, Sequence[int] | None]
    kept: int


class RunNoted(TypedDict):
    """What should be known of the run as a whole; `text` was printed by code that ran for all tasks."""

    message: str
    text: NotRequired[str]


class RunStopping(TypedDict):
    """No new task starts and running ones are being ended."""

    reason: str


class RunFinished(TypedDict):
    """The run is over; `counts` maps states, and `tolerated` failures, to numbers of tasks; a fan-out counts once."""

    status: str
    exit_code: int
    duration_s: float
    counts: Mapping[str, int]
    failed: Sequence[str]


class TaskFields(TypedDict):
    """What every event of a task says; `item` is null for a task without fan-out or a fan-out as a whole.

    `round` is there where the task repeats; `attempt` counts anew in each.
    """

    task: str
    item: int | None
    attempt: int
    layer: int
    executor: str
    round: NotRequired[int]
    key: NotRequired[str | float]


class TaskExpanded(TaskFields):
    """A fan-out knows how many items it has; `moved` says where each stood in a list that has changed since."""

    items: int
    moved: NotRequired[Sequence[int | None]]
    fingerprint: NotRequired[str]


class TaskStarted(TaskFields):
    """An attempt runs in process `pid`; `wait_s` is the time from ready to started."""

    pid: int
    started_at: str
    wait_s: float
    fingerprint: NotRequired[str]


class TaskSkipped(TaskFields):
    """A task or an item will not run."""

    reason: str
    fingerprint: NotRequired[str]


class TaskProgressed(TaskFields):
    """A running attempt says how far it is."""

    done: float
    total: float | None
    note: str


class TaskLogged(TaskFields):
    """A running attempt logged a line through its context or `logging`."""

    message: str
    fields: Mapping[str, object]


class TaskPrinted(TaskFields):
    """A running attempt wrote to stdout or stderr; capped, the log file of the attempt has more."""

    text: str


class MeasureFields(TypedDict):
    """What an attempt took; all null for a fan-out as a whole and for what never started."""

    pid: int | None
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    wait_s: float | None
    cpu_s: float | None
    max_rss_bytes: int | None
    output_bytes: int | None


class MeasuredFields(TaskFields, MeasureFields):
    """What an attempt took, and why it failed if it did."""

    error: ErrorFields | None


class TaskEnded(MeasuredFields):
    """A task or an item came to its end; `items` counts those of a fan-out as a whole.

    `cache_key` and `cache_parts` are there where the task has a `cache`: under which key, and what that is made of;
    `cache_note` says why what was there was not taken: it is `expired`, or to be `refreshed`; or that what was made is
    `unkept`.
    One that was cached says which run and task it was `made_by`, and how many seconds are saved.
    """

    items: NotRequired[int]
    is_tolerated: NotRequired[bool]
    log_file: NotRequired[str]
    warnings: NotRequired[Sequence[str]]
    fingerprint: NotRequired[str]
    cache_key: NotRequired[str]
    cache_parts: NotRequired[Mapping[str, object]]
    cache_note: NotRequired[str]
    made_by: NotRequired[Mapping[str, str]]
    saved_s: NotRequired[float]


class TaskRetrying(MeasuredFields):
    """An attempt failed and another follows after `delay_s`."""

    delay_s: float


class TaskRepeating(MeasuredFields):
    """A round is over, its `until` does not hold, and another follows after `delay_s`."""

    delay_s: float
    log_file: NotRequired[str]
    warnings: NotRequired[Sequence[str]]
    cache_key: NotRequired[str]
    cache_parts: NotRequired[Mapping[str, object]]
    cache_note: NotRequired[str]


Fields = (
    RunStarted
    | RunResumed
    | RunNoted
    | RunStopping
    | RunFinished
    | TaskExpanded
    | TaskStarted
    | TaskSkipped
    | TaskProgressed
    | TaskLogged
    | TaskPrinted
    | TaskEnded
    | TaskRetrying
    | TaskRepeating
)

MODELS: Mapping[str, type] = {
    "run.started": RunStarted,
    "run.resumed": RunResumed,
    "run.noted": RunNoted,
    "run.stopping": RunStopping,
    "run.finished": RunFinished,
    "task.expanded": TaskExpanded,
    "task.started": TaskStarted,
    "task.progressed": TaskProgressed,
    "task.logged": TaskLogged,
    "task.printed": TaskPrinted,
    "task.retrying": TaskRetrying,
    "task.repeating": TaskRepeating,
    "task.skipped": TaskSkipped,
    "task.succeeded": TaskEnded,
    "task.cached": TaskEnded,
    "task.failed": TaskEnded,
    "task.timed_out": TaskEnded,
    "task.cancelled": TaskEnded,
}
