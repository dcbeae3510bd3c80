"""The yardstick of W5: forked processes, pipes and mapped files by hand, nothing of flowpar, no record and no checksum.

`python bare_data.py {numpy,bytes,chain} MEGABYTES WORKERS` prints the seconds that it took, the one import of numpy
included. A value is written once to a file of a new folder in the current one; its name goes by a pipe to the parent,
and readers map it (`np.load`), or read it where they need `bytes`.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Work = Callable[..., Any]


def save(value: Any, path: Path) -> object:
    """Write a large value to a file and return its path; a small one is returned as it is."""
    numpy = import_module("numpy")
    if isinstance(value, bytes):
        path.write_bytes(value)
        return path
    if isinstance(value, numpy.ndarray):
        numpy.save(path.with_suffix(".npy"), value)
        return path.with_suffix(".npy")
    return value


def load(value: object) -> object:
    """Return what was saved."""
    if not isinstance(value, Path):
        return value
    return import_module("numpy").load(value, mmap_mode="c") if value.suffix else value.read_bytes()


def child(work: Work, given: Sequence[object], path: Path, out: Connection) -> None:
    """Do the work of one task and say where its value is."""
    out.send(save(work(*map(load, given)), path))
    out.close()


def run(graph: Mapping[str, tuple[Work, Sequence[str]]], folder: Path, workers: int) -> object:
    """Run a graph {task: (function, needs)}, at most `workers` tasks at a time, and return what the last one gave."""
    context = multiprocessing.get_context("fork")
    results: dict[str, object] = {}
    waiting = dict(graph)
    running: dict[Connection, tuple[str, multiprocessing.context.ForkProcess]] = {}
    while len(results) < len(graph):
        ready = [name for name, (_, needs) in waiting.items() if all(need in results for need in needs)]
        for name in ready[: workers - len(running)]:
            work, needs = waiting.pop(name)
            reader, writer = context.Pipe(duplex=False)
            given = [results[need] for need in needs]
            process = context.Process(target=child, args=(work, given, folder / name, writer))
            process.start()
            writer.close()
            running[reader] = (name, process)
        for end in wait(list(running)):
            assert isinstance(end, Connection)
            name, process = running.pop(end)
            results[name] = end.recv()
            end.close()
            process.join()
    return results[list(graph)[-1]]


def main(kind: str, megabytes: int, workers: int) -> float:
    """Return the seconds of one way."""
    started = time.perf_counter()
    graph = import_module("values").graph  # written by the benchmark; with numpy, which is a part of the time
    with tempfile.TemporaryDirectory(dir=".") as folder:
        run(graph(kind, megabytes), Path(folder).absolute(), workers)
        return time.perf_counter() - started


if __name__ == "__main__":
    sys.path.insert(0, ".")
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
