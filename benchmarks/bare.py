"""The yardstick: N noops, each a bare `multiprocessing.Process` (fork) with a Pipe, from a lean parent.

`python bare.py N WORKERS` prints the seconds it took; nothing of flowpar is imported.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from multiprocessing.connection import Connection, wait


def child(number: int, out: Connection) -> None:
    """Do nothing and say so."""
    out.send((number, None))
    out.close()


def main(count: int, workers: int) -> float:
    """Run all noops, at most `workers` at a time."""
    context = multiprocessing.get_context("fork")
    started = time.perf_counter()
    waiting = iter(range(count))
    results: dict[int, None] = {}
    running: dict[Connection, multiprocessing.process.BaseProcess] = {}
    while len(results) < count:
        while len(running) < workers and (number := next(waiting, None)) is not None:
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(number, writer))
            process.start()
            writer.close()
            running[reader] = process
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            number, value = ready.recv()
            results[number] = value
            ready.close()
            running.pop(ready).join()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2])))
