"""parsl: one Python app, futures as arguments, the high-throughput executor on this machine."""

from __future__ import annotations

import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

from benchmarks.peers.task import checked, read

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


@parsl.python_app
def call(work: str, *values: Any) -> object:
    """Do one task's work with the values of its needs; an app imports what it uses."""
    from benchmarks.peers.task import WORK

    return WORK[work](list(values))


def run(tasks: list[Task]) -> object:
    """Call all tasks and wait for the last one."""
    futures: dict[str, Any] = {}
    for task, work, needs in tasks:
        futures[task] = call(work, *(futures[need] for need in needs))
    return futures[tasks[-1][0]].result()


def main() -> None:
    """Load the executor, run one task on it, then start the clock."""
    tasks, expected = read(sys.argv[1])
    provider = LocalProvider(init_blocks=1, max_blocks=1)
    executor = HighThroughputExecutor(
        max_workers_per_node=int(sys.argv[2]), provider=provider, address="127.0.0.1", encrypted=False
    )
    with tempfile.TemporaryDirectory() as folder:
        with parsl.load(Config(executors=[executor], run_dir=folder)):
            call("noop", 1).result()
            started = time.perf_counter()
            result = run(tasks)
            elapsed = time.perf_counter() - started
        checked(result, expected, elapsed)


if __name__ == "__main__":
    main()
