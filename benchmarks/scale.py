"""W6: 10,000 and 100,000 tasks and 1,000,000 items in warm workers, with what the engine then holds in memory.

A run of many minutes tells nothing that a tenth of it doesn't, so each large run is made once, and one that would take
longer than `PATIENCE_S` at the rate of the run before it is not made: its time is told from that rate.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.launch import STEPS, document
from benchmarks.measure import Failed, Figure, fresh, logged_s
from benchmarks.warm import SQUARE, squares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORKERS = 2
PATIENCE_S = 240.0
TASKS, MANY_TASKS = 10_000, 100_000
ITEMS, MANY_ITEMS = 100_000, 1_000_000
TINY = (2, 20)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of `count` tasks or items: its seconds by its own log, and the most memory that its engine held."""

    count: int
    seconds: float
    megabytes: float
    is_predicted: bool = False

    @property
    def each_ms(self) -> float:
        """Return what one task or item took."""
        return self.seconds / self.count * 1e3

    def detail(self) -> str:
        """Return the cost of each, and whether the run was made."""
        told = f"; told from {self.each_ms:.2f} ms each of a tenth of it, not run" if self.is_predicted else ""
        return f"{self.each_ms:.3f} ms each, {self.megabytes:.0f} MB in the engine{told}"


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Measure tasks, then items; the smaller number of tasks each round, the others once."""
    (folder / "noops.py").write_text(STEPS + SQUARE)
    tasks, many_tasks = TINY if tiny else (TASKS, MANY_TASKS)
    runs = [measured(document(tasks), tasks, folder) for _ in range(repeats)]
    times = tuple(run.seconds for run in runs)
    yield Figure(f"P8  {tasks:,} tasks of W1 in pool, in the engine", times, 2.0, runs[-1].detail(), "s")
    most = larger(document, runs[-1], many_tasks, folder)
    title = f"P8  {many_tasks:,} tasks of W1 in pool, in the engine"
    yield Figure(title, (most.seconds,), 25.0, most.detail(), "s")
    if not most.is_predicted:
        flat = tuple(most.each_ms / run.each_ms for run in runs)
        yield Figure(f"P8  a task of {many_tasks:,} / one of {tasks:,}", flat, 1.2, "cost of each, whole runs")
    items, many_items = TINY if tiny else (ITEMS, MANY_ITEMS)
    every = larger(squares, measured(squares(items), items, folder), many_items, folder)
    title = f"P8  {many_items:,} items in pool, in the engine"
    yield Figure(title, (every.seconds,), 60.0, every.detail(), "s")
    if not every.is_predicted:
        title = f"P8  {many_items:,} items, the most memory of the engine"
        yield Figure(title, (every.megabytes,), 400.0, every.detail(), "MB")


def larger(write: Callable[[int], str], before: Run, count: int, folder: Path) -> Run:
    """Make the larger run, or say what it would take where that is too long."""
    expected_s = before.seconds / before.count * count
    if expected_s > PATIENCE_S:
        return Run(count, expected_s, before.megabytes, is_predicted=True)
    return measured(write(count), count, folder)


def measured(text: str, count: int, folder: Path) -> Run:
    """Run a workflow once in warm workers."""
    run_dir = folder / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    (folder / "scale.yaml").write_text(text)
    command = fresh("run", "scale.yaml", "-q", "-w", str(WORKERS), "--executor", "pool", "--run-dir", str(run_dir))
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{(folder / 'said').read_text()}")
    return Run(count, logged_s(run_dir), usage.ru_maxrss / 1024)
