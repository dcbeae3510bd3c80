"""The yardstick of warm workers: `ProcessPoolExecutor` and graphlib, nothing else."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from benchmarks.peers.task import WORK, timed

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from benchmarks.peers.task import Task


def submitted(tasks: list[Task], pool: Executor) -> object:
    """Submit each task when its needs are done."""
    graph = {task: (work, needs) for task, work, needs in tasks}
    sorter = TopologicalSorter({task: needs for task, _, needs in tasks})
    sorter.prepare()
    results: dict[str, Any] = {}
    # Not `concurrent.futures.wait`: it looks at all that is outstanding for each completion.
    finished: SimpleQueue[Future[Any]] = SimpleQueue()
    running: dict[Future[Any], str] = {}
    while sorter.is_active():
        for task in sorter.get_ready():
            work, needs = graph[task]
            future = pool.submit(WORK[work], [results[need] for need in needs])
            running[future] = task
            future.add_done_callback(finished.put)
        done = finished.get()
        task = running.pop(done)
        results[task] = done.result()
        sorter.done(task)
    return results[tasks[-1][0]]


def run(tasks: list[Task], workers: int) -> object:
    """Run the graph in warm workers, which are started and ended here."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        return submitted(tasks, pool)


if __name__ == "__main__":
    timed(run)
