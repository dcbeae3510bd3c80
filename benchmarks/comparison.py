"""Peers and flowpar in turn on the same graphs: W1's cost of a further task, W2, W3, and W7, one noop, cold.

A peer with fresh processes is set against `process`, one with warm workers against `pool`. Within the engine by each
one's own clock, where it has one that leaves its start-up out; W7 is the whole command. A peer that can't be had on
this machine, or fails, is left out and named.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.environments import interpreter_for, release_of
from benchmarks.graph import chain, fan, layered
from benchmarks.graphs import in_engine_s
from benchmarks.measure import Failed, Figure, fresh, peer_command, peer_seconds, seconds, versus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.graph import Graph

    Times = dict[str, list[float]]  # by workload, one a round

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Peer:
    """Another engine: which of ours it is set against, W1's two sizes, what else it can run, our goal if any."""

    beside: str
    few: int
    many: int
    passes_values: bool = True
    knows_chains: bool = True
    goal: float | None = None


PEERS: Mapping[str, Peer] = {
    "luigi": Peer("process", 20, 220, goal=4),
    "snakemake": Peer("process", 20, 120, passes_values=False, goal=15),
    "doit": Peer("pool", 100, 1_000, goal=6),
    "dask": Peer("pool", 100, 1_000, goal=10),
    "ray": Peer("pool", 100, 1_000, goal=20),
    "prefect": Peer("pool", 20, 120, passes_values=False),
    "loky": Peer("pool", 100, 1_000),
    "parsl": Peer("pool", 100, 1_000),
    "metaflow": Peer("process", 5, 25, passes_values=False, knows_chains=False),
    "make": Peer("process", 20, 120, passes_values=False),
    "ninja": Peer("process", 20, 120, passes_values=False),
}
OURS: Mapping[str, tuple[int, int]] = {"process": (100, 1_000), "pool": (500, 5_000)}
TINY = (1, 2)


@dataclass(frozen=True, slots=True)
class Course:
    """The graphs of all workloads in a folder, and who has which sizes."""

    folder: Path
    tiny: bool
    files: dict[str, Path] = field(default_factory=dict)

    def ready(self, graph: Graph) -> Graph:
        """Write a graph that is not there yet."""
        if graph.name not in self.files:
            self.files[graph.name] = graph.write(self.folder)
        return graph

    def fans(self, few: int, many: int) -> tuple[Graph, Graph, int]:
        """Return W1 twice, and by how many tasks the second one has more."""
        few, many = TINY if self.tiny else (few, many)
        return self.ready(fan(few)), self.ready(fan(many)), many - few

    def rest(self) -> dict[str, Graph]:
        """Return W2 and W3."""
        layers = layered(2, 2, 6) if self.tiny else layered(27, 37, 3_000)
        return {"W2": self.ready(chain(2 if self.tiny else 200)), "W3": self.ready(layers)}

    def single(self) -> Graph:
        """Return W7."""
        return self.ready(chain(1))


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Measure all that can be had, in turn; in a tiny course only what needs no environment of its own."""
    course = Course(folder, tiny)
    present = _present(["make"] if tiny else list(PEERS))
    times: dict[str, Times] = defaultdict(lambda: defaultdict(list))
    for turn in range(repeats):
        for name in sorted({PEERS[name].beside for name in present}):
            _measure_ours(name, course, times[name])
        for name in list(present):
            began = time.monotonic()
            try:
                _measure_peer(name, present[name], course, times[name])
            except Failed as failure:
                _left_out(name, failure)
                del present[name], times[name]
            else:
                took = f"{name}, {time.monotonic() - began:.0f} s"
                print(f"  round {turn + 1} of {repeats}: {took}", file=sys.stderr, flush=True)
    for name in present:
        yield from _compared(name, times[name], times[PEERS[name].beside])


def _present(names: list[str]) -> dict[str, str]:
    """Return the interpreters of those that can be had."""
    present = {}
    for name in names:
        try:
            present[name] = interpreter_for(name)
        except Failed as failure:
            _left_out(name, failure)
    return present


def _left_out(name: str, failure: Failed) -> None:
    print(f"{name} is left out: {failure}", flush=True)


def _measure_ours(executor: str, course: Course, times: Times) -> None:
    few, many, further = course.fans(*OURS[executor])
    cost = in_engine_s(many, executor, course.folder) - in_engine_s(few, executor, course.folder)
    times["W1"].append(cost / further)
    for workload, graph in course.rest().items():
        times[workload].append(in_engine_s(graph, executor, course.folder))
    command = fresh("run", f"{course.single().name}.yaml", "-q", "-w", str(WORKERS), "--executor", executor)
    times["W7"].append(seconds(command, folder=course.folder))


def _measure_peer(name: str, interpreter: str, course: Course, times: Times) -> None:
    peer = PEERS[name]

    def own_s(graph: Graph) -> float:
        return peer_seconds(name, course.files[graph.name], WORKERS, interpreter=interpreter)

    few, many, further = course.fans(peer.few, peer.many)
    times["W1"].append((own_s(many) - own_s(few)) / further)
    for workload, graph in course.rest().items():
        if peer.knows_chains and (peer.passes_values or workload == "W2"):
            times[workload].append(own_s(graph))
    single = few if not peer.knows_chains else course.single()
    command = peer_command(name, course.files[single.name], WORKERS, interpreter=interpreter)
    times["W7"].append(seconds(command, folder=course.folder))


def _compared(name: str, theirs: Times, ours: Times) -> Iterator[Figure]:
    beside = PEERS[name].beside
    for workload, what in {"W1": "a further task", "W2": "200 hops", "W3": "layers", "W7": "one noop, cold"}.items():
        if not theirs[workload]:
            continue
        best = f"{_told(min(theirs[workload]))} against {_told(min(ours[workload]))}"
        is_p = workload == "W1" and PEERS[name].goal is not None
        goal = PEERS[name].goal if is_p else None
        head = {"process": "P1", "pool": "P2"}[beside] if is_p else "--"
        yield Figure(
            f"{head}  {workload}, {what}: {release_of(name)} / flowpar {beside}",
            versus(theirs[workload], ours[workload]),
            goal,
            f"{best} (best of each)",
            is_more_better=True,
        )


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
