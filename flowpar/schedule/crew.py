"""What the loop talks to: who takes its jobs, keeps its outputs, and asks it to stop.

    loop ── Job, cancel ──► Crew ──► executors
    loop ◄──── Notice ───── Crew
    loop ── ValueRefs ────► OutputsTable ──► workers
    loop ◄──── Stop ─────── StopRequests ◄── signals

These are protocols, so that the loop runs as well with fakes in virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flowpar.core.errors import ExitCode
from flowpar.core.frozen import dataclass
from flowpar.core.states import RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.execute.base import Job, Notice

    OutputKey = tuple[str, int | None]


class OutputsTable(Protocol):
    """Where workers look up the outputs that do not travel with their job."""

    def update(self, refs: Mapping[OutputKey, ValueRef]) -> None:
        """Add outputs."""
        ...

    def discard(self, keys: Iterable[OutputKey]) -> None:
        """Forget outputs that nobody reads any more."""
        ...


class Crew(Protocol):
    """All executors of a run behind one wait."""

    @property
    def outputs(self) -> OutputsTable:
        """The table of outputs."""
        ...

    @property
    def outputs_address(self) -> str | None:
        """Where workers reach the table."""
        ...

    @property
    def outputs_key(self) -> bytes:
        """What lets them in."""
        ...

    def prepare(self, shared: bytes) -> None:
        """Get ready for jobs of the executor `process` that have `shared` in common; they will come soon."""
        ...

    def has_room(self, executor: str) -> bool:
        """Whether an executor takes another job now."""
        ...

    def submit(self, executor: str, job: Job) -> None:
        """Give a job to an executor that has room."""
        ...

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk: another attempt may begin for each that ended."""
        ...

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened, a stop is requested or the time is over; all told before is recorded."""
        ...

    def take(self) -> Sequence[Notice]:
        """Return what has happened by now, without waiting; what was told before need not be recorded."""
        ...

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`; unknown jobs are ignored."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run stops before its end; `is_request` where a person or the system asked for it."""

    reason: str
    status: RunStatus
    exit_code: ExitCode
    is_request: bool = False


class StopRequests(Protocol):
    """Who may ask a run to stop."""

    def take(self) -> Sequence[Stop]:
        """Return what was asked for since the last time, oldest first; never blocks."""
        ...


class NoStopRequests:
    """Nobody asks."""

    def take(self) -> Sequence[Stop]:
        """Return nothing."""
        return ()


def overdue(timeout_s: float) -> Stop:
    """Return the stop of a run that took longer than its `--timeout`."""
    return Stop(f"the run took longer than {show_duration(timeout_s)}", RunStatus.TIMED_OUT, ExitCode.TIMED_OUT)


def failed_fast(task: str) -> Stop:
    """Return the stop of a `--fail-fast` run."""
    return Stop(f'task "{task}" failed and --fail-fast is set', RunStatus.FAILED, ExitCode.TASK_FAILED)


def show_duration(seconds: float) -> str:
    """Return a limit as a workflow writes it: `500ms`, `10s`, `1h30m`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{amount:g}{unit}" for amount, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if amount]
    return "".join(parts)
