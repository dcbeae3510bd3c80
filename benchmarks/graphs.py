"""W2 and W3: a chain of hops and a layered random graph, against bare processes and bare warm workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.graph import chain, layered
from benchmarks.measure import Figure, fresh, peer_seconds, run_seconds, versus

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.graph import Graph

WORKERS = 2


def chain_figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure W2: what a hop costs."""
    return _figures(chain(3 if tiny else 200), folder, "P3  W2", goal=1.5, repeats=repeats)


def layer_figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure W3: 1,000 tasks that pass small mappings along 3,000 edges."""
    graph = layered(2, 2, 6) if tiny else layered(27, 37, 3_000)
    return _figures(graph, folder, "P4  W3", goal=1.4, repeats=repeats)


def in_engine_s(graph: Graph, executor: str, folder: Path) -> float:
    """Run a graph that was written once and return the seconds from its first event to its last."""
    command = fresh("run", f"{graph.name}.yaml", "-q", "-w", str(WORKERS), "--executor", executor)
    return run_seconds(folder, command)


def _figures(graph: Graph, folder: Path, title: str, *, goal: float, repeats: int) -> list[Figure]:
    file = graph.write(folder)
    times: dict[str, list[float]] = {"process": [], "bare": [], "pool": [], "executor": []}
    for _ in range(repeats):
        for executor, yardstick in (("process", "bare"), ("pool", "executor")):
            times[executor].append(in_engine_s(graph, executor, folder))
            times[yardstick].append(peer_seconds(yardstick, file, WORKERS))

    def against(executor: str, yardstick: str, goal: float) -> Figure:
        ours, bare = times[executor], times[yardstick]
        each = len(graph.tasks)
        detail = f"{min(ours):.3f} s against {min(bare):.3f} s for {each} tasks, {min(ours) / each * 1e3:.2f} ms each"
        return Figure(f"{title}, {executor} / {yardstick}, in the engine", versus(ours, bare), goal, detail)

    return [against("process", "bare", goal), against("pool", "executor", 1.0)]
