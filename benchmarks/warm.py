"""P2 and a fan-out of short items: what a further task costs in warm workers, against bare ones and processes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.graph import fan
from benchmarks.launch import STEPS, document
from benchmarks.measure import Figure, fresh, own_seconds, peer_seconds, python, run_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    Measure = Callable[[int], float]

FEW, MANY, WORKERS = 1_000, 10_000, 2
TINY = (2, 4)
# A process for each of ten thousand would take a minute a round.
FEW_PROCESSES, MANY_PROCESSES = 100, 1_000
BARE = Path(__file__).with_name("bare_map.py")
SQUARE = """

def square(number: int) -> int:
    return number * number
"""


def squares(count: int) -> str:
    """Return a workflow of `count` short items."""
    return f"""flowpar: 1
tasks:
  each:
    for_each: ${{{{ range({count}) }}}}
    python: noops:square
    with: {{number: "${{{{ each.item }}}}"}}
"""


def map_s(count: int, *, folder: Path) -> float:
    """Return the seconds of the yardstick of items, by its own clock."""
    return own_seconds(python(str(BARE), str(count), str(WORKERS)), folder=folder)


def bare_s(yardstick: str, count: int, *, folder: Path) -> float:
    """Return the seconds of a yardstick of W1, by its own clock."""
    return peer_seconds(yardstick, folder / f"fan-{count}.json", WORKERS)


def ours_s(name: str, executor: str, count: int, *, folder: Path) -> float:
    """Return the seconds of a run, by its own log."""
    return run_seconds(folder, fresh("run", f"{name}-{count}.yaml", "-q", "-w", str(WORKERS), "--executor", executor))


def further_s(measure: Measure, few: int, many: int) -> float:
    """Return the seconds of one further task."""
    return (measure(many) - measure(few)) / (many - few)


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure all ways in turn, so that a machine that slows down slows all of them."""
    few, many = TINY if tiny else (FEW, MANY)
    few_processes, many_processes = TINY if tiny else (FEW_PROCESSES, MANY_PROCESSES)
    (folder / "noops.py").write_text(STEPS + SQUARE)
    for count in {few_processes, many_processes, few, many}:
        (folder / f"squares-{count}.yaml").write_text(squares(count))
        (folder / f"w1-{count}.yaml").write_text(document(count))
        fan(count).write(folder)
    ways: dict[str, tuple[Measure, int, int]] = {
        "graph": (partial(bare_s, "executor", folder=folder), few, many),
        "threads": (partial(bare_s, "threads", folder=folder), few, many),
        "map": (partial(map_s, folder=folder), few, many),
        "w1": (partial(ours_s, "w1", "pool", folder=folder), few, many),
        "thread": (partial(ours_s, "w1", "thread", folder=folder), few_processes, many_processes),
        "squares": (partial(ours_s, "squares", "pool", folder=folder), few, many),
        "processes": (partial(ours_s, "squares", "process", folder=folder), few_processes, many_processes),
    }
    rounds = [{name: further_s(*way) for name, way in ways.items()} for _ in range(repeats)]
    return [
        _figure("P2  pool, per further task of W1 / executor and graphlib", rounds, "w1", "graph", goal=0.5),
        _figure("    thread, per further task of W1 / threads and graphlib", rounds, "thread", "threads", goal=None),
        _figure("P2  pool, per further item / Pool.map one by one", rounds, "squares", "map", goal=0.5),
        _figure("P2  pool, per further item / a process for each", rounds, "squares", "processes", goal=0.1),
    ]


def _figure(title: str, rounds: list[dict[str, float]], ours: str, other: str, *, goal: float | None) -> Figure:
    ratios = tuple(each[ours] / each[other] for each in rounds)
    best = {name: min(each[name] for each in rounds) * 1e3 for name in (ours, other)}
    return Figure(title, ratios, goal, f"{best[ours]:.3f} ms against {best[other]:.3f} ms (best of each)")
