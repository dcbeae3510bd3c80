r"""A run as a file of metrics for node_exporter's textfile collector: `--sink prometheus=FILE.prom`.

    events ─► Prometheus ─► FILE.prom, as a whole or not at all     at most every few seconds, and at the end

Samples are told by workflow and task, never by run or item: a monitoring system keeps each combination for ever.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.events import (
    RunFinished,
    RunStarted,
    TaskEnded,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.states import FAILURES, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowpar.core.events import Event, Measure, Subject
    from flowpar.core.sink import SinkSetting

    Sample = tuple[Mapping[str, str], float]

_EVERY_S = 5.0
_MOST_TASKS = 1000
_READABLE_BY_ALL = 0o644  # node_exporter is another user
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def open_sink(target: str, setting: SinkSetting) -> Prometheus:
    """Return the sink for a file; raises UsageError where none is named, or it cannot be put in its place."""
    del setting
    if not target:
        raise UsageError("the sink prometheus needs a file", hint="--sink prometheus=FILE.prom")
    path = Path(target).absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise UsageError(f'the sink prometheus cannot write "{target}"', hint="name a file in a folder that is there")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        hint = "it would be replaced by a file; name a regular file, or none that is there"
        raise UsageError(f'the sink prometheus writes no "{target}": it is no regular file', hint=hint)
    return Prometheus(path)


class Prometheus:
    """An event sink that counts, and writes its file anew when it has not for a while."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to `path`."""
        self._path = path
        self._clock = clock
        self._written_at = float("-inf")
        self._run: RunStarted | None = None
        self._finished: RunFinished | None = None
        self._running: set[tuple[str, int | None]] = set()
        self._attempts: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._ends: dict[str, dict[str, float]] = {}

    def emit(self, event: Event) -> None:
        """Count an event; OSError where the file cannot be written."""
        match event:
            case RunStarted():
                self._run = event
            case TaskStarted(subject=subject):
                self._running.add((subject.task, subject.item))
            case TaskEnded() | TaskRetrying() | TaskRepeating():
                self._end(event)
            case TaskSkipped(subject=subject) if subject.item is None:
                self._states["skipped"] += 1
            case RunFinished():
                self._finished = event
            case _:
                return
        if isinstance(event, RunFinished) or self._clock() - self._written_at >= _EVERY_S:
            self._write()

    def commit(self) -> None:
        """Do nothing: the file is no record."""

    def close(self) -> None:
        """Write the file a last time, should the run have been cut off."""
        if self._run is not None and self._finished is None:
            self._write()

    def _end(self, event: TaskEnded | TaskRetrying | TaskRepeating) -> None:
        subject = event.subject
        self._running.discard((subject.task, subject.item))
        is_whole = subject.item is None
        if isinstance(event, TaskEnded):
            if is_whole:
                self._states[event.state.value] += 1
            if event.measure is not None and event.measure.pid is not None:
                self._attempts[event.state.value] += 1
                if event.state in FAILURES:
                    self._failed[subject.task] += 1
            if event.measure is not None:
                self._measure(subject, event.measure)
        else:
            self._attempts["retried" if isinstance(event, TaskRetrying) else "repeated"] += 1
            self._measure(subject, event.measure)

    def _measure(self, subject: Subject, measure: Measure) -> None:
        if subject.task not in self._ends and len(self._ends) >= _MOST_TASKS:
            return
        sums = self._ends.setdefault(subject.task, {"attempts": 0.0, "seconds": 0.0, "cpu": 0.0, "memory": 0.0})
        sums["attempts"] += 1
        sums["seconds"] += measure.duration_s
        sums["cpu"] += measure.cpu_s or 0.0
        sums["memory"] = max(sums["memory"], measure.max_rss_bytes or 0)

    def _write(self) -> None:
        if self._run is None:
            return
        self._written_at = self._clock()
        # Not *.prom: the collector reads all that are.
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.draft")
        try:
            draft.write_text("".join(self._lines(self._run)), encoding="utf-8")
            draft.chmod(_READABLE_BY_ALL)
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _lines(self, run: RunStarted) -> Iterable[str]:
        own, done = {"workflow": run.workflow}, self._finished
        info = {**own, "flowpar": run.versions.get("flowpar", ""), "python": run.versions.get("python", "")}
        yield from _metric("flowpar_run_info", "Versions that the last run had.", [(info, 1)])
        yield from _metric("flowpar_run_start_time_seconds", "When the last run began or went on.", [(own, run.at)])
        yield from _metric("flowpar_run_running", "Whether a run goes on.", [(own, int(done is None))])
        yield from _metric("flowpar_workers", "How many tasks may run at once.", [(own, run.workers)])
        if done is not None:
            yield from _metric("flowpar_run_end_time_seconds", "When the last run ended.", [(own, done.at)])
            yield from _metric("flowpar_run_duration_seconds", "How long it took.", [(own, done.duration_s)])
            yield from _metric("flowpar_run_exit_code", "Its exit code.", [(own, int(done.exit_code))])
            states: list[Sample] = [({**own, "status": s.value}, int(s is done.status)) for s in RunStatus]
            yield from _metric("flowpar_run_status", "How it ended: 1 for that status.", states)
        yield from _metric("flowpar_running_attempts", "Attempts that run.", [(own, len(self._running))])
        tasks: list[Sample] = [({**own, "state": state}, count) for state, count in sorted(self._states.items())]
        yield from _metric("flowpar_tasks", "Tasks of the run that ended, by state.", tasks)
        ends: list[Sample] = [({**own, "state": state}, count) for state, count in sorted(self._attempts.items())]
        yield from _metric("flowpar_attempts", "Attempts of the run that ended, by state.", ends)
        for name, key, text in _OF_TASKS:
            samples: list[Sample] = [({**own, "task": task}, sums[key]) for task, sums in self._ends.items()]
            yield from _metric(f"flowpar_task_{name}", text, samples)
        failed: list[Sample] = [({**own, "task": task}, count) for task, count in self._failed.items()]
        yield from _metric("flowpar_task_failed_attempts", "Attempts of a task that failed for good.", failed)


_OF_TASKS = (
    ("attempts", "attempts", "Attempts of a task in the run."),
    ("duration_seconds", "seconds", "How long the attempts of a task took together."),
    ("cpu_seconds", "cpu", "The CPU time of the attempts of a task together."),
    ("max_rss_bytes", "memory", "The peak memory of the largest attempt of a task."),
)


def _metric(name: str, text: str, samples: Iterable[Sample]) -> Iterable[str]:
    """Give the lines of one metric, all of them a gauge: a run begins anew each time."""
    lines = [f"{name}{{{_labels(labels)}}} {value!r}\n" for labels, value in samples]
    return [f"# HELP {name} {text}\n# TYPE {name} gauge\n", *lines] if lines else []


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_label(value)}"' for name, value in labels.items())


def _label(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode().translate(_ESCAPES)
