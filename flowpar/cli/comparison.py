"""A run beside the earlier runs of its workflow: what it usually takes, and which of its tasks were slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.record.index import RunIndex
from flowpar.record.overview import durations_in
from flowpar.record.usual import compared_s, is_slow_run, usual_runs
from flowpar.report.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.record.overview import Overview, TaskDuration
    from flowpar.record.settled import Settled
    from flowpar.record.usual import Usual

_SLOW = " (slow)"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run and its tasks took, and what is usual; empty where there is no earlier run."""

    run: Usual | None = None
    took: Mapping[str, TaskDuration] = field(default_factory=dict)
    usual: Mapping[str, Usual] = field(default_factory=dict)

    @classmethod
    def of(cls, settled: Settled, run_dir: Path, state_dir: Path) -> Comparison:
        """Compare a run with those of a state folder."""
        index = RunIndex(state_dir)
        runs = usual_runs(one for one in index.overviews() if one.workflow == settled.run.workflow)
        usual = index.usual(settled.run.workflow, run_dir.name)
        return cls(runs.get(run_dir.name), durations_in(settled), usual)

    def is_slow(self, task: str) -> bool:
        """Whether a task, or its items, took much longer than usual."""
        took, usual = self.took.get(task), self.usual.get(task)
        return took is not None and usual is not None and usual.is_slow(compared_s(took), times=took.items or 1)

    def mark(self, task: str) -> str:
        """Return what stands behind the duration of a task that is slow."""
        return _SLOW if self.is_slow(task) else ""

    def text(self, task: str) -> str:
        """Return what a task usually takes, of a fan-out one item."""
        usual = self.usual.get(task)
        if usual is None:
            return ""
        return f"{duration(usual.seconds)} an item" if usual.is_of_items else duration(usual.seconds)

    def head(self, overview: Overview) -> str:
        """Return what stands behind the duration of the run."""
        if self.run is None:
            return ""
        usual = f", usually {duration(self.run.seconds)} ({counted(self.run.runs, 'earlier run')})"
        return f"{slow_mark(overview, self.run)}{usual}"

    def record(self, task: str) -> dict[str, object]:
        """Return the comparison of a task for programs."""
        return {**usual_record(self.usual.get(task)), "is_slow": self.is_slow(task)}


def slow_mark(overview: Overview, usual: Usual | None) -> str:
    """Return what stands behind the duration of a run that is slow."""
    return _SLOW if is_slow_run(overview, usual) else ""


def usual_record(usual: Usual | None) -> dict[str, object]:
    """Return what is usual for programs."""
    return {
        "usual_s": None if usual is None else round(usual.seconds, 6),
        "usual_runs": 0 if usual is None else usual.runs,
    }
