"""What went wrong, told once at the end: each failure with the user's frames, its last output and its log."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.events import RunFinished, RunStarted, TaskEnded, TaskStarted
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.report.first_failures import FirstFailures
from flowpar.report.hint import Times, hint
from flowpar.report.terminal import one_line, strip_controls
from flowpar.report.wording import duration, name_of, near, reason_of, tallied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flowpar.core.events import Event

    Paint = Callable[[str, str], str]

_TAIL_LINES = 15
TAIL_BYTES = 16_384
# A frame of the stack that faulthandler writes at a crash, innermost first; a traceback has a comma before "in".
_CRASH_FRAME = re.compile(r'  File "(?P<file>.*)", line \d+ in ')
_ENDS: Mapping[int, str] = {ExitCode.TERMINATED: "terminated", ExitCode.HUNG_UP: "hung up"}  # both are interrupted runs
_OUR_INNERMOST = os.path.join("flowpar", "execute", "attempt.py")  # noqa: PTH118 - as it ends in a text


class SummarySink:
    """An event sink that keeps what the summary needs: the first failures, how many, and what good ends took."""

    def __init__(self, state_dir: str = ".flowpar", *, leave_word: Callable[[str], object] | None = None) -> None:
        """Start with nothing to tell; `state_dir` is where a command looks for runs that is not told otherwise.

        `leave_word` gets the way on as soon as the run has begun, for whoever outlives this process.
        """
        self._state_dir = state_dir
        self._leave_word = leave_word
        self.run: RunStarted | None = None
        self.finished: RunFinished | None = None
        self._failures = FirstFailures()
        self._times = Times()

    @property
    def failures(self) -> list[TaskEnded]:
        """The failures to be told in full: the first ones, a few of each task."""
        return self._failures.told

    def rest(self) -> str:
        """Return how many more there are and of which tasks, on one line; empty where there are none."""
        rest = self._failures.rest()
        return f"… and {rest}" if rest else ""

    def emit(self, event: Event) -> None:
        """Keep failures, and how the run began and ended."""
        match event:
            case TaskStarted():  # half of all that happens
                return
            case TaskEnded(outcome=Failure(kind=kind)):
                # A fan-out fails by its items, a sub-workflow by its tasks, and those speak for themselves.
                if kind not in (FailureKind.ITEMS, FailureKind.TASKS, FailureKind.CANCELLED) and not event.is_tolerated:
                    self._failures.take(event)
            case TaskEnded():
                self._times.take(event)
            case RunStarted():
                self.run = event
                if self._leave_word is not None:
                    self._leave_word(self.way_on())
            case RunFinished():
                self.finished = event
            case _:
                return

    def commit(self) -> None:
        """Do nothing: the summary is asked for when all is over."""

    def close(self) -> None:
        """Do nothing, for the same reason."""

    def text(self, paint: Paint = lambda text, _: text) -> str:
        """Return the summary: failures, then one line on the run; empty where no run took place."""
        if self.run is None or self.finished is None:
            return ""
        folder = near(self.run.run_dir)
        parts = []
        for event in self.failures:
            head, _, rest = failure_text(event, self.run.run_dir, folder).partition("\n")
            parts.append(f"{paint(head, 'error')}\n{rest}")
        if rest := self.rest():
            parts.append(f"{rest}; {folder}/run.log.jsonl has them all\n")
        parts.append(self.closing(paint))
        return "\n".join(parts)

    def closing(self, paint: Paint = lambda text, _: text) -> str:
        """Return how the run ended and how to go on where it did not end well; for one that has no end the way on."""
        if self.run is None or self.finished is None:
            return self.way_on()
        state = paint(state_of(self.finished), "error" if self.finished.exit_code else "good")
        ways = f"{self._way_in()}{self.way_on()}" if self.finished.exit_code else ""
        return f"{state}{_last_line(self.finished, near(self.run.run_dir))}{ways}"

    def hint(self) -> str:
        """Return a line on where the tasks would have run better, by what was measured; mostly empty."""
        if self.run is None or self.finished is None or self.finished.exit_code:
            return ""
        told = hint(self._times, workers=self.run.workers, wall_s=self.finished.duration_s)
        return f"{told}\n" if told else ""

    def way_on(self) -> str:
        """Return a line with the command that goes on with the run; empty where it did not begin."""
        if self.run is None:
            return ""
        run, where = typed(self.run.run_id, self.run.run_dir, self._state_dir)
        return f"continue with: flowpar resume {run}{where}\n"

    def _way_in(self) -> str:
        """Return a line with the command that looks into the first failure; empty where there is none."""
        if self.run is None or not self.failures:
            return ""
        run, where = typed(self.run.run_id, self.run.run_dir, self._state_dir)
        subject = self.failures[0].subject
        place = subject.task if subject.item is None else f"{subject.task}[{subject.item}]"
        return f"debug with: flowpar debug {run} {one_line(shlex.quote(place), limit=4096)}{where}\n"


def verb_of(event: TaskEnded) -> str:
    """Return what became of a task that did not end well."""
    return "timed out" if event.state is TaskState.TIMED_OUT else "failed"


def typed(run_id: str, run_dir: str, usual_state_dir: str) -> tuple[str, str]:
    """Return how a command names a run, and the option that says where it is, if it takes one."""
    folder = Path(run_dir)
    if folder.name != run_id or folder.parent.name != "runs":
        return _typed(folder), ""
    state_dir = folder.parent.parent
    is_usual = os.path.realpath(usual_state_dir) == os.path.realpath(state_dir)
    named = one_line(shlex.quote(run_id), limit=4096)  # a folder that somebody sent may have any name
    return named, "" if is_usual else f" --state-dir {_typed(state_dir)}"


def last_lines(text: str, lines: int = _TAIL_LINES) -> list[str]:
    """Return the end of what an attempt printed, without the frames of ours that called the user's function."""
    return list(_without_our_frames(text.rstrip().splitlines()))[-lines:]


def failure_text(
    event: TaskEnded, run_dir: str, folder: str, *, lines: int = _TAIL_LINES, size_bytes: int = TAIL_BYTES
) -> str:
    """Return a failure with its frames and the end of its output: so many lines and bytes of it."""
    failure = event.outcome
    if not isinstance(failure, Failure):
        return ""
    attempt = f" on attempt {event.subject.attempt}" if event.subject.attempt > 1 else ""
    text = [f"{name_of(event.subject)} {verb_of(event)}{attempt}: {reason_of(failure, limit=1000)}"]
    text += [f"  {line}" for line in strip_controls(failure.traceback).rstrip().splitlines()]
    if event.log_file is not None:
        tail = _tail(os.path.join(run_dir, event.log_file), lines, size_bytes)  # noqa: PTH118 - texts of an event
        text += ["  its output ended with:", *(f"  | {line}" for line in tail)] if tail else []
        text.append(f"  log: {folder}/{event.log_file}")
    return "\n".join(text) + "\n"


def _tail(path: str, lines: int, size_bytes: int) -> list[str]:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - as above
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - size_bytes))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []  # the log is an extra: that it is gone must not hide the failure
    return last_lines(strip_controls(text), lines)


def _without_our_frames(lines: Iterable[str]) -> Iterator[str]:
    """Leave out what called the user's function: a crash shows far more of it than the tail has lines."""
    is_ours = False
    for line in lines:
        frame = _CRASH_FRAME.match(line)
        is_ours = frame is not None and (is_ours or frame["file"].endswith(_OUR_INNERMOST))
        if not is_ours:
            yield line


def state_of(finished: RunFinished) -> str:
    """Return how a run ended, in words."""
    return _ENDS.get(finished.exit_code) or finished.status.value.replace("_", " ")


def _last_line(finished: RunFinished, folder: str) -> str:
    counts = tallied(finished.counts)
    took = duration(finished.duration_s)
    return f" in {took}: {counts or 'no tasks'}\nrun folder: {one_line(folder, limit=4096)}\n"


def _typed(path: Path) -> str:
    """Return a path as one types it in a shell, harmless on a terminal."""
    return one_line(shlex.quote(near(os.fspath(path))), limit=4096)
