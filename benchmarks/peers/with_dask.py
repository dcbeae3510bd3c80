"""dask.distributed: a local cluster, `client.submit` with futures as arguments."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import distributed

from benchmarks.peers.task import WORK, checked, read

if TYPE_CHECKING:
    from distributed import Client, Future

    from benchmarks.peers.task import Task


def run(tasks: list[Task], client: Client) -> object:
    """Submit the whole graph and wait for the last task."""
    futures: dict[str, Future[Any]] = {}
    for task, work, needs in tasks:
        futures[task] = client.submit(WORK[work], [futures[need] for need in needs], key=task)
    return futures[tasks[-1][0]].result()


def main() -> None:
    """Start the cluster, then the clock."""
    tasks, expected = read(sys.argv[1])
    options = {"n_workers": int(sys.argv[2]), "threads_per_worker": 1, "dashboard_address": None}
    of_dask: Any = distributed  # its signatures have no types
    with of_dask.LocalCluster(**options) as cluster, of_dask.Client(cluster) as client:
        started = time.perf_counter()
        result = run(tasks, client)
        checked(result, expected, time.perf_counter() - started)


if __name__ == "__main__":
    main()
