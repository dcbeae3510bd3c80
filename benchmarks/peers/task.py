"""What each program here runs: the functions of the graphs' tasks, the file that has a graph, and the one clock.

A graph's file is JSON: `{"tasks": [[id, function, [id of a need, …]], …], "expected": value}`, needs first, and the
last task's value is the result. A function gets the values of its needs in their order.

Nothing but light modules of the standard library: this stands in the lean parent that the yardsticks fork.
"""

from __future__ import annotations

import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Task = tuple[str, str, list[str]]


def one(values: list[None]) -> int:
    """Return what the others of W1 get."""
    return len(values) + 1


def noop(values: list[int]) -> None:
    """Do nothing."""


def count(values: list[None]) -> int:
    """Say how many came."""
    return len(values)


def hop(values: list[int]) -> int:
    """Pass one more on."""
    return sum(values) + 1


def record(values: list[dict[str, int]]) -> dict[str, int]:
    """Return a small mapping made of those that came."""
    return {"sum": sum(value["sum"] for value in values) % 1_000_003 + 1, "needs": len(values), "kind": 3}


WORK: Mapping[str, Callable[[list[Any]], object]] = {
    "one": one,
    "noop": noop,
    "count": count,
    "hop": hop,
    "record": record,
}


def read(path: str) -> tuple[list[Task], object]:
    """Return a graph's tasks, needs first, and the result that they must have."""
    with open(path) as file:  # noqa: PTH123 (pathlib is heavy)
        graph = json.load(file)
    return [(task, work, needs) for task, work, needs in graph["tasks"]], graph["expected"]


def timed(run: Callable[[list[Task], int], object]) -> None:
    """Run the graph named on the command line, check its result and print the seconds."""
    tasks, expected = read(sys.argv[1])
    started = time.perf_counter()
    result = run(tasks, int(sys.argv[2]))
    checked(result, expected, time.perf_counter() - started)


def checked(result: object, expected: object, seconds: float) -> None:
    """Print the seconds of a run with the right result; end with 1 for another one."""
    if result != expected:
        sys.exit(f"the result is {result!r}, not {expected!r}")
    print(seconds)
