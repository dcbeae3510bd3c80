"""The yardstick of threads: `ThreadPoolExecutor` and graphlib, nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.peers.task import timed
from benchmarks.peers.with_executor import submitted

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


def run(tasks: list[Task], workers: int) -> object:
    """Run the graph in threads, which are started and ended here."""
    with ThreadPoolExecutor(workers) as pool:
        return submitted(tasks, pool)


if __name__ == "__main__":
    timed(run)
