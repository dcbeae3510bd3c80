"""The yardstick of fresh processes: a bare `multiprocessing.Process` (fork) with a Pipe a task, from a lean parent."""

from __future__ import annotations

import multiprocessing
from graphlib import TopologicalSorter
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from benchmarks.peers.task import WORK, timed

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from benchmarks.peers.task import Task


def child(work: str, values: list[Any], out: Connection) -> None:
    """Do one task's work and send what it returns."""
    out.send(WORK[work](values))
    out.close()


def run(tasks: list[Task], workers: int) -> object:
    """Start each task when its needs are done, at most `workers` at a time."""
    context = multiprocessing.get_context("fork")
    graph = {task: (work, needs) for task, work, needs in tasks}
    sorter = TopologicalSorter({task: needs for task, _, needs in tasks})
    sorter.prepare()
    results: dict[str, Any] = {}
    ready: list[str] = []
    running: dict[Connection, tuple[str, ForkProcess]] = {}
    while sorter.is_active():
        ready += sorter.get_ready()
        while ready and len(running) < workers:
            task = ready.pop()
            work, needs = graph[task]
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(work, [results[need] for need in needs], writer))
            process.start()
            writer.close()
            running[reader] = (task, process)
        for ended in wait(list(running)):
            assert isinstance(ended, Connection)
            task, process = running.pop(ended)
            results[task] = ended.recv()
            ended.close()
            process.join()
            sorter.done(task)
    return results[tasks[-1][0]]


if __name__ == "__main__":
    timed(run)
