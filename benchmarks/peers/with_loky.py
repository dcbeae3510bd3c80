"""Warm workers of loky, and graphlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loky import get_reusable_executor

from benchmarks.peers.task import timed
from benchmarks.peers.with_executor import submitted

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


def run(tasks: list[Task], workers: int) -> object:
    """Run the graph in loky's reusable workers."""
    return submitted(tasks, get_reusable_executor(max_workers=workers))


if __name__ == "__main__":
    timed(run)
