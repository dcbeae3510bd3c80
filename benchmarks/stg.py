"""Makespans against the best that there is: W8, graphs of tasks that wait, on identical workers.

    graphs ──► the scheduler in virtual time ──► known durations: against the optimum; none: against first-in-first-out
           ──► two of them as real runs      ──► against what `flowpar plan` predicts of them

Graphs are drawn here, so that the optimum is known: a schedule without a gap is cut into tasks. Those of the Standard
Task Graph Set, whose optima others have proved, are taken as well where STG_GRAPHS names a file of them: JSON,
{"graphs": [{"name", "tasks": [[id, duration, [need, …]], …], "optimum": {"<workers>": seconds or [bound, best]}}, …]}.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks.measure import Failed, Figure, logged_s, python, seconds
from flowpar.lang.inputs import read_given
from flowpar.planning.cost import Costs
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry
from flowpar.record.overview import TaskDuration
from flowpar.schedule.predict import predict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.planning.model import Plan

GRAPHS = "STG_GRAPHS"
STG = "STG graphs"
STEPS = "import time\n\n\ndef wait(s: float) -> None:\n    time.sleep(s)\n"
DRAWN = 6
LENGTH = 200
WORKERS = (2, 4)
REAL = 2
REAL_S = 8.0


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks as (id, duration, needs), and the shortest makespan by the number of workers."""

    name: str
    tasks: tuple[tuple[int, float, tuple[int, ...]], ...]
    optimum: dict[int, float]


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:  # noqa: ARG001 - nothing varies
    """Return the means and the worst over all graphs, and real runs beside what was predicted of them."""
    given = os.environ.get(GRAPHS, "")
    graphs = [drawn(seed, WORKERS[seed % len(WORKERS)]) for seed in range(2 if tiny else DRAWN)]
    yield from _predicted(folder, graphs, "drawn graphs")
    if given:
        graphs = read(Path(given))
        yield from _predicted(folder, graphs, STG)
    yield _real(folder, graphs[: 1 if tiny else REAL], 0.5 if tiny else REAL_S)


def drawn(seed: int, workers: int) -> Graph:
    """Cut a schedule without a gap into tasks, and let each need some that end before it begins."""
    draw = random.Random(seed)
    placed: list[tuple[float, float]] = []
    for _ in range(workers):
        cuts = sorted({0, LENGTH, *(draw.randrange(1, LENGTH) for _ in range(24))})
        placed += [(float(begin), float(end)) for begin, end in pairwise(cuts)]
    placed.sort()
    tasks = []
    for number, (begin, end) in enumerate(placed):
        before = [other for other, (_, ended) in enumerate(placed) if ended <= begin]
        tasks.append((number, end - begin, tuple(draw.sample(before, min(len(before), draw.choice([0, 1, 2, 3]))))))
    return Graph(f"drawn-{seed}", tuple(tasks), {workers: float(LENGTH)})


def read(path: Path) -> list[Graph]:
    """Read graphs from a file."""
    found = json.loads(path.read_text())["graphs"]
    return [
        Graph(
            graph["name"],
            tuple((number, float(took), tuple(needs)) for number, took, needs in graph["tasks"]),
            {int(on): float(best[-1] if isinstance(best, list) else best) for on, best in graph["optimum"].items()},
        )
        for graph in found
    ]


def _predicted(folder: Path, graphs: list[Graph], what: str) -> Iterator[Figure]:
    known, unknown = [], []
    for graph in graphs:
        plan = _plan(folder, graph, 1.0)
        costs = Costs.of({f"t{number}": TaskDuration(took) for number, took, _ in graph.tasks})
        for workers, best in graph.optimum.items():
            fifo = predict(replace(plan, weights={}), costs, workers).makespan_s
            known.append(predict(costs.timed(plan, workers), costs, workers).makespan_s / best)
            unknown.append(predict(plan, costs, workers).makespan_s / fifo)
    of = f"{len(graphs)} {what}, {len(known)} makespans"
    yield Figure(
        f"{what}, known durations: mean makespan, of the optimum",
        (fmean(known),),
        1.02,
        f"{of}; the worst is {max(known):.3f}",
    )
    yield Figure(
        f"{what}, no known durations: worst makespan, of first-in-first-out",
        (max(unknown),),
        1.0 if what == STG else None,  # where needs are drawn, paths in tasks say nothing of paths in seconds
        f"{of}; the mean is {fmean(unknown):.3f}",
    )


def _real(folder: Path, graphs: list[Graph], length_s: float) -> Figure:
    ratios, details = [], []
    for graph in graphs:
        workers, best = min(graph.optimum.items())
        plan = _plan(folder, graph, length_s / best)
        flowpar = python("-m", "flowpar")
        run = [*flowpar, "run", plan.file, "-q", "-w", str(workers)]
        seconds(run, folder=folder)
        told = subprocess.run(
            [*flowpar, "plan", plan.file, "--json", "-w", str(workers)], cwd=folder, capture_output=True, check=False
        )
        if told.returncode:
            raise Failed(f"flowpar plan ended with {told.returncode}: {told.stderr.decode()}")
        expected_s = json.loads(told.stdout)["prediction"]["makespan_s"]
        seconds(run, folder=folder)
        took_s = logged_s(max((folder / ".flowpar" / "runs").iterdir()))
        ratios.append(took_s / expected_s)
        details.append(f"{graph.name}: {took_s:.2f} s, predicted {expected_s:.2f}, at best {length_s:.2f}")
    return Figure("a real run as sleeps in processes, of its prediction", tuple(ratios), 1.05, "; ".join(details))


def _plan(folder: Path, graph: Graph, scale: float) -> Plan:
    (folder / "steps.py").write_text(STEPS)
    task = "  t{n}: {{python: 'steps:wait', needs: [{needs}], with: {{s: {s}}}}}\n"
    lines = (
        task.format(n=number, needs=", ".join(f"t{need}" for need in needs), s=took * scale)
        for number, took, needs in graph.tasks
    )
    file = folder / f"{graph.name}.yaml"
    file.write_text(f"flowpar: 1\nname: {graph.name}\ntasks:\n{''.join(lines)}")
    prepared = prepare(str(file), registry=Registry(allows_plugins=False), given=read_given(()))
    if prepared.plan is None:
        raise Failed(f"{graph.name} is no sound workflow: {prepared.diagnostics.found}")
    return prepared.plan
