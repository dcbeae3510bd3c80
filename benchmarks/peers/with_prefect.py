"""prefect: a flow that submits tasks to its thread pool, with a server of its own for the run."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

FOLDER = tempfile.TemporaryDirectory()
# Read when prefect is imported: nothing of the user's prefect is touched.
os.environ |= {
    "PREFECT_HOME": FOLDER.name,
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

from prefect import flow, task  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

from benchmarks.peers.task import WORK, checked, read  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


@task
def call(work: str, values: list[Any]) -> object:
    """Do one task's work with the values of its needs."""
    return WORK[work](values)


def run(tasks: list[Task], workers: int) -> tuple[object, float]:
    """Run the graph as a flow; return the last value and the seconds from its first task on."""

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=workers))
    def graph() -> tuple[object, float]:
        started = time.perf_counter()
        futures: dict[str, Any] = {}
        for name, work, needs in tasks:
            futures[name] = call.submit(work, [futures[need] for need in needs])
        return futures[tasks[-1][0]].result(), time.perf_counter() - started

    return graph()


def main() -> None:
    """Run the graph and check it."""
    tasks, expected = read(sys.argv[1])
    result, elapsed = run(tasks, int(sys.argv[2]))
    checked(result, expected, elapsed)


if __name__ == "__main__":
    main()
