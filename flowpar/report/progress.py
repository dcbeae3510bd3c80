"""How a run goes, told in plain lines: for pipes, CI and everyone who reads later.

Items of a fan-out are many, so they are summed up every few seconds; only those that fail have a
line of their own, unless `-v` asks for more.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from flowpar.core.events import (
    Event,
    RunNoted,
    RunStarted,
    RunStopping,
    TaskEnded,
    TaskExpanded,
    TaskLogged,
    TaskPrinted,
    TaskProgressed,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.outcome import Failure
from flowpar.report.tally import Tally
from flowpar.report.terminal import one_line, strip_controls
from flowpar.report.wording import counted, duration, name_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SUMMARY_S = 5.0
_LONGEST_NOTE = 500


class Verbosity(IntEnum):
    """How much is told: `-q`, nothing, `-v`."""

    QUIET = -1
    NORMAL = 0
    VERBOSE = 1


class PlainSink:
    """An event sink that writes lines of text; `write` gets whole lines."""

    def __init__(self, write: Callable[[str], object], *, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        """Tell as much as `verbosity` says."""
        self._write = write
        self._verbosity = verbosity
        self._tally = Tally()
        self._lines: list[str] = []
        self._summed_up_at = 0.0

    def emit(self, event: Event) -> None:
        """Turn one event into lines; they are written at the next commit."""
        self._lines += lines_of(event, self._verbosity)
        if self._verbosity is Verbosity.NORMAL:
            self._tally.take(event)
            if isinstance(event, TaskEnded | TaskStarted) and event.subject.item is not None:
                self._sum_up(event.at)

    def commit(self) -> None:
        """Write what there is to tell."""
        if self._lines:
            content = "".join(line + "\n" for line in self._lines)
            self._lines.clear()
            self._write(content)

    def close(self) -> None:
        """Write the rest."""
        self.commit()

    def _sum_up(self, at: float) -> None:
        """Say how far the run is, every few seconds."""
        if at - self._summed_up_at < _SUMMARY_S:
            return
        if self._summed_up_at:
            tally = self._tally
            failed = f", {tally.failed_count} failed" if tally.failed_count else ""
            self._lines.append(f"{tally.done_count} of {tally.total} done, {len(tally.running)} running{failed}")
        self._summed_up_at = at


def lines_of(event: Event, verbosity: Verbosity) -> list[str]:
    """Return what is told of an event at once; names are foreign where a journal is read back that somebody forged."""
    if isinstance(event, TaskStarted) and verbosity is not Verbosity.VERBOSE:
        return []  # half of all that happens
    lines = _urgent_lines(event)
    if verbosity is not Verbosity.QUIET:
        lines = lines or _usual_lines(event)
    if verbosity is Verbosity.VERBOSE:
        lines = lines or _further_lines(event)
    return [line if line.isprintable() else strip_controls(line) for line in lines]


def _urgent_lines(event: Event) -> list[str]:
    match event:
        case TaskEnded(subject, outcome=Failure() as failure) if event.state.value != "cancelled":
            kept = " (tolerated)" if event.is_tolerated else ""
            state = event.state.value.replace("_", " ")
            return [f"{name_of(subject)}: {state}{kept}{_attempt(event)}: {reason_of(failure)}", *_warnings(event)]
        case RunNoted(_, message, ""):
            return [f"flowpar: {one_line(message, limit=_LONGEST_NOTE)}"]
        case RunStopping(_, reason):
            return [f"stopping: {one_line(reason)}"]
        case _:
            return []


def _usual_lines(event: Event) -> list[str]:
    match event:
        case TaskEnded(subject) if subject.item is None:
            return [f"{subject.task}: {event.state.value.replace('_', ' ')}{_extent(event)}", *_warnings(event)]
        case TaskEnded():
            return list(_warnings(event))
        case TaskRetrying(subject, _, delay_s, failure):
            wait = f" in {duration(delay_s)}" if delay_s else ""
            return [f"{name_of(subject)}: attempt {subject.attempt} failed, next{wait}: {reason_of(failure)}"]
        case TaskSkipped(subject, _, reason) if subject.item is None:
            return [f"{subject.task}: skipped: {one_line(reason)}"]
        case TaskExpanded(subject, _, items):
            return [f"{subject.task}: {counted(items, 'item')}"]
        case RunStarted():
            tasks, workers = counted(sum(map(len, event.layers)), "task"), counted(event.workers, "worker")
            if event.again is not None:
                tasks = f"goes on with {event.kept} of {tasks} done"
            return [f"{one_line(event.workflow)}: run {event.run_id}, {tasks}, {workers}"]
        case _:
            return []


def _further_lines(event: Event) -> list[str]:
    match event:
        case TaskStarted(subject, _, pid):
            attempt = f", round {subject.round}" if subject.round else ""
            attempt += f", attempt {subject.attempt}" if subject.attempt > 1 else ""
            return [f"{name_of(subject)}: started, pid {pid}{attempt}"]
        case TaskEnded(subject):
            return [f"{name_of(subject)}: {event.state.value.replace('_', ' ')}{_extent(event)}"]
        case TaskSkipped(subject, _, reason):
            return [f"{name_of(subject)}: skipped: {one_line(reason)}"]
        case RunNoted(_, message, text):
            return [f"flowpar: {one_line(message)}", *(f"  {line}" for line in strip_controls(text).splitlines())]
        case TaskPrinted(subject, _, text):
            return [f"{name_of(subject)} | {line}" for line in strip_controls(text).splitlines()]
        case TaskLogged(subject, _, level, message):
            return [f"{name_of(subject)} {one_line(level)}: {one_line(message)}"]
        case TaskRepeating(subject, _, delay_s):
            wait = f", next in {duration(delay_s)}" if delay_s else ""
            return [f"{name_of(subject)}: round {subject.round} done in {duration(event.measure.duration_s)}{wait}"]
        case TaskProgressed(subject):
            from flowpar.report.picture import progress_of  # late: few tasks tell of any

            return [f"{name_of(subject)}: {progress_of(event)}"]
        case _:
            return []


def _extent(event: TaskEnded) -> str:
    items = "" if event.items is None else f" with {counted(event.items, 'item')}"
    return items if event.measure is None else f"{_attempt(event)}{items} in {duration(event.measure.duration_s)}"


def _attempt(event: TaskEnded) -> str:
    return f" on attempt {event.subject.attempt}" if event.subject.attempt > 1 and event.measure else ""


def _warnings(event: TaskEnded) -> Iterator[str]:
    return (f"{name_of(event.subject)}: warning: {one_line(warning)}" for warning in event.warnings)
