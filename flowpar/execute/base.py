"""What is sent to an executor and what comes back: `Job`, notices, and the `Executor` protocol.

    loop ── Job ──► executor ──► worker
    loop ◄─ Started, Reported, Printed, Completion ── executor

Nothing here knows of plans, documents or scheduling, and a worker may import all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import Outcome, ValueRef

    OutputKey = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt to be made by a worker.

    The three blobs are pickles that the far side opens (see `recipe`): `shared` is one object
    for the run, `recipe` one for the task, `bindings` belongs to this attempt. `log_file` is an
    absolute path, made only when there is output. `cpu_milli` are the thousandths of a worker that it
    takes, `memory_bytes` what its process tree may have, 0 for any amount. `batch` is how many items of its task a
    process makes, 0 for as many as are worth it; only the executor `batch` asks. `ticket` is what the record of
    the attempt would say, for a worker that keeps one itself; only `pool` asks. `resources` is what the task asks
    for, as the workflow has it, for executors of plugins.
    """

    number: int
    task: str
    item: int | None
    attempt: int
    shared: bytes
    recipe: bytes
    bindings: bytes
    log_file: str
    grace_s: float
    cpu_milli: int = 1000
    memory_bytes: int = 0
    batch: int = 0
    ticket: bytes = b""
    resources: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The attempt runs; `monotonic` is the machine-wide clock at its start."""

    job: int
    pid: int
    monotonic: float


@dataclass(frozen=True, slots=True)
class Reported:
    """A running attempt says something.

    Progress {done, total, note}, a log line {level, message, fields}, or an item that it yielded {index, value}.
    """

    job: int
    kind: Literal["progress", "log", "item"]
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Printed:
    """A running attempt wrote text to stdout or stderr (capped per attempt)."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The attempt is over, and so is its process where it had one of its own.

    Times are of the monotonic clock; `pid` is 0 where no process could be started.
    """

    job: int
    outcome: Outcome
    pid: int
    started: float
    ended: float
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    has_log: bool = False
    warnings: tuple[str, ...] = ()


Notice = Started | Reported | Printed | Completion


class Tell(Protocol):
    """How a person gets to know what is not as it should be and yet no failure; `text` is what was printed."""

    def __call__(self, message: str, text: str = "") -> None:
        """Say it."""
        ...


class Executor(Protocol):
    """Takes jobs and tells what becomes of them; every submitted job ends in exactly one Completion."""

    @property
    def capacity(self) -> int:
        """How many jobs it may hold at once, running and waiting together."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job; never blocks on the job itself."""
        ...

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened or the time is over; None waits for ever."""
        ...

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, its whole process tree; unknown jobs are ignored."""
        ...

    def close(self) -> None:
        """End everything that is left, at once, and give all resources back."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutorTerms:
    """What an executor from a plugin is told when a run hires it: `make(terms) -> Executor`.

    `run_dir` is the folder of the run, where values and logs live; `workers` is how many there are to be (`-w`);
    `address` is what the user gave after the name, "" for nothing. `wake` is to be called, from any thread, whenever
    `wait(0)` would tell something. `find_outputs` gives the places of outputs that jobs look up, for those whose
    workers can't ask the run themselves; it may be called in `submit` only. `tell` has a person know something,
    and may be called where `submit` or `wait` may.
    """

    run_dir: str
    workers: int
    address: str = ""
    wake: Callable[[], object] = bool
    find_outputs: Callable[[Sequence[OutputKey]], Sequence[ValueRef | None]] = lambda keys: [None] * len(keys)
    tell: Callable[[str], object] = bool
