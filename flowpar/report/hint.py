"""What the times of a run's tasks say about where they had better run: one line, where that is clear.

    Times.take(TaskEnded)*  ──►  hint(times, workers, wall_s)  ──►  "120 tasks … ; executor: thread …", or ""

All figures are measured: by the worker around the import and the call of a function, and by the system for
the processor. Only attempts in a process of their own count, and only good ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.report.wording import duration

if TYPE_CHECKING:
    from flowpar.core.events import TaskEnded

_MANY = 100  # tasks, of which a start is worth to be saved
_SHORT_SHARE, _SHORT_S = 0.2, 0.5  # the most that calls take of all, and the least that is lost
_SEVERAL = 8  # tasks, of which the imports are
_IMPORT_SHARE, _IMPORT_S = 0.5, 2.0  # the least that imports take of all
_BUSY_SHARE = 0.1  # the most of the time in which what waits has the processor
_WAITING_S, _LONG_S = 5.0, 0.1  # the shortest run, and the shortest task of it, that is worth a word about waiting
_FULL, _OVERFULL = 0.7, 1.1  # how much of all workers' time is taken where these are what tasks wait for


@dataclass(slots=True)
class Times:
    """Sums over the attempts that a run made in processes of their own; whoever feeds it owns it.

    `calls` are those that called a function of the user's, `items` those of them that belong to fan-outs.
    """

    attempts: int = 0
    duration_s: float = 0.0
    cpu_s: float = 0.0
    calls: int = 0
    items: int = 0
    of_calls_s: float = 0.0
    import_s: float = 0.0
    call_s: float = 0.0

    def take(self, event: TaskEnded) -> None:
        """Add a good end, unless it is one of a fan-out as a whole or tells too little."""
        measure = event.measure
        if measure is None or measure.pid is None or measure.cpu_s is None or event.subject.executor != "process":
            return
        self.attempts += 1
        self.duration_s += measure.duration_s
        self.cpu_s += measure.cpu_s
        if measure.spent is not None:
            self.calls += 1
            self.items += event.subject.item is not None
            self.of_calls_s += measure.duration_s
            self.import_s += measure.spent.import_s
            self.call_s += measure.spent.call_s

    @property
    def start_s(self) -> float:
        """What starting and ending took, beside imports and calls."""
        return max(0.0, self.of_calls_s - self.import_s - self.call_s)


def hint(times: Times, *, workers: int, wall_s: float) -> str:
    """Return the one line that would have saved most; empty where no other executor is clearly better."""
    found = [_of_imports(times, workers), _of_starts(times), _of_waiting(times, workers, wall_s)]
    saved_s, text = max(found, key=lambda one: one[0])
    return f"hint: {text}" if saved_s > 0 else ""


_NOTHING = (0.0, "")


def _of_imports(times: Times, workers: int) -> tuple[float, str]:
    spent = times.import_s
    if times.calls < max(_SEVERAL, 2 * workers) or spent < max(_IMPORT_S, _IMPORT_SHARE * times.of_calls_s):
        return _NOTHING
    subject = f"{times.calls} tasks spent {duration(spent)} of their {duration(times.of_calls_s)} on imports"
    how = "executor: pool imports once for each worker, and preload: auto what is installed once for all"
    return spent / workers, f"{subject}; {how}"


def _of_starts(times: Times) -> tuple[float, str]:
    spent = times.start_s
    is_short = times.calls >= _MANY and times.call_s <= _SHORT_SHARE * times.of_calls_s
    if not is_short or spent < max(_SHORT_S, times.import_s):
        return _NOTHING
    subject = f"{times.calls} tasks worked for {duration(times.call_s)}, and starting a process for each took "
    how = (
        "batch: auto makes several items in one process"
        if times.items == times.calls
        else "executor: pool keeps its processes"
    )
    return spent, f"{subject}{duration(spent)}; {how}"


def _of_waiting(times: Times, workers: int, wall_s: float) -> tuple[float, str]:
    if wall_s < _WAITING_S or times.attempts < 2 * workers or times.duration_s < _LONG_S * times.attempts:
        return _NOTHING
    filled = times.duration_s / (workers * wall_s)
    if times.cpu_s > _BUSY_SHARE * times.duration_s or not _FULL <= filled <= _OVERFULL:
        return _NOTHING
    share = max(1, round(100 * times.cpu_s / times.duration_s))
    subject = f"{times.attempts} tasks had the processor for {share} % of their {duration(times.duration_s)}"
    saved_s = wall_s - times.duration_s / times.attempts
    how = f"a larger -w lets more than {workers} wait at once, and with executor: thread none of them needs a process"
    return saved_s, f"{subject}; {how}"
