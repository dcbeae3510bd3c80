"""The yardstick of warm workers: W1 or N squares by `ProcessPoolExecutor` or `multiprocessing.Pool`, nothing else.

`python bare_pool.py {graph,map} N WORKERS` prints the seconds that it took, workers started included; `graph` has a
source, N tasks that need it and a sink, in the order that graphlib gives, `map` is `Pool.map` of one item a message.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future


def source() -> int:
    """Return what all others get."""
    return 1


def noop(_seed: int) -> None:
    """Do nothing."""


def sink(values: list[None]) -> int:
    """Count."""
    return len(values)


def square(number: int) -> int:
    """Do next to nothing."""
    return number * number


def graph(count: int, workers: int) -> None:
    """Run W1: each task is submitted when what it needs is done."""
    needs: dict[str, set[str]] = {f"noop{n}": {"source"} for n in range(count)}
    sorter = TopologicalSorter({**needs, "sink": set(needs)})
    sorter.prepare()
    results: dict[str, object] = {}
    # Not `concurrent.futures.wait`: it looks at all that is outstanding for each completion, and W1 has all tasks out.
    finished: SimpleQueue[Future[object]] = SimpleQueue()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        running: dict[Future[object], str] = {}
        while sorter.is_active():
            for name in sorter.get_ready():
                future: Future[object]
                if name == "source":
                    future = pool.submit(source)
                elif name == "sink":
                    future = pool.submit(sink, [None for each in needs if results[each] is None])
                else:
                    future = pool.submit(noop, 1)
                running[future] = name
                future.add_done_callback(finished.put)
            done = finished.get()
            name = running.pop(done)
            results[name] = done.result()
            sorter.done(name)
    assert results["sink"] == count


def squares(count: int, workers: int) -> None:
    """Map one item a message."""
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        assert len(pool.map(square, range(count), chunksize=1)) == count


def main(kind: str, count: int, workers: int) -> float:
    """Return the seconds of one way."""
    started = time.perf_counter()
    (graph if kind == "graph" else squares)(count, workers)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
