"""ray: one remote function, object references as arguments."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import ray

from benchmarks.peers.task import WORK, checked, read

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


@ray.remote
def call(work: str, *values: Any) -> object:
    """Do one task's work with the values of its needs."""
    return WORK[work](list(values))


def run(tasks: list[Task]) -> object:
    """Call all tasks and get the last one's value."""
    references: dict[str, Any] = {}
    for task, work, needs in tasks:
        references[task] = call.remote(work, *(references[need] for need in needs))
    return ray.get(references[tasks[-1][0]])


def main() -> None:
    """Start ray, then the clock."""
    tasks, expected = read(sys.argv[1])
    ray.init(num_cpus=int(sys.argv[2]), include_dashboard=False, log_to_driver=False, logging_level="error")
    started = time.perf_counter()
    result = run(tasks)
    elapsed = time.perf_counter() - started
    ray.shutdown()
    checked(result, expected, elapsed)


if __name__ == "__main__":
    main()
