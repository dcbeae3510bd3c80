"""What tasks and runs usually take: the median of earlier runs of the same workflow, and when one is slow beside it.

Earlier runs are the newest 20 that began before; of a run as a whole those count that succeeded and were not
resumed, of a task those in which it succeeded. A fan-out is compared by what one of its items takes.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.record.overview import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.record.overview import Overview, TaskDuration

MOST_RUNS = 20
_LEAST_RUNS = 3
_SLOW_TIMES, _SLOW_BY_S = 1.5, 1.0


@dataclass(frozen=True, slots=True)
class Usual:
    """The median of so many earlier runs; of a fan-out what one item takes."""

    seconds: float
    runs: int
    is_of_items: bool = False

    def is_slow(self, took_s: float, *, times: int = 1) -> bool:
        """Whether it took half as long again, and a second more in all, where at least three runs say what is usual."""
        is_longer = took_s > _SLOW_TIMES * self.seconds and (took_s - self.seconds) * times > _SLOW_BY_S
        return is_longer and self.runs >= _LEAST_RUNS


def usual_of(durations: Sequence[float], *, is_of_items: bool = False) -> Usual | None:
    """Return what is usual by durations in the order in which their runs began; None without any."""
    newest = durations[-MOST_RUNS:]
    return Usual(median(newest), len(newest), is_of_items) if newest else None


def compared_s(took: TaskDuration) -> float:
    """Return by what a task is compared: its duration, or that of one item."""
    return took.duration_s if took.item_s is None else took.item_s


def usual_runs(overviews: Iterable[Overview]) -> Mapping[str, Usual]:
    """Return what was usual for each run when it began; runs come newest first, the first of a workflow has none."""
    found: dict[str, Usual] = {}
    taken: dict[str, list[float]] = {}
    for overview in reversed(list(overviews)):
        before = taken.setdefault(overview.workflow, [])
        usual = usual_of(before)
        if usual is not None:
            found[overview.run_id] = usual
        if overview.status == Status.SUCCEEDED and not overview.resumes and overview.duration_s is not None:
            before.append(overview.duration_s)
    return found


def is_slow_run(overview: Overview, usual: Usual | None) -> bool:
    """Whether a run took much longer than usual; of one that was resumed only the last part is timed."""
    is_timed = overview.duration_s is not None and not overview.resumes
    return usual is not None and is_timed and usual.is_slow(overview.duration_s or 0.0)
