"""Graphs of small tasks, W1 to W3 and those of files, as what the peers read and as workflows.

A graph is its tasks in an order in which needs come first, with the function of `peers/task.py` that each runs, and
what its last task must return.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.peers import task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks as (id, function, needs), needs first; the last one has the result."""

    name: str
    tasks: tuple[tuple[str, str, tuple[str, ...]], ...]

    @property
    def expected(self) -> object:
        """Return the result, by calling the functions one after another."""
        values: dict[str, Any] = {}
        for name, work, needs in self.tasks:
            values[name] = task.WORK[work]([values[need] for need in needs])
        return values[self.tasks[-1][0]]

    def write(self, folder: Path) -> Path:
        """Put the graph where a peer reads it, the workflow where flowpar does, with its module; return the graph."""
        shutil.copy(task.__file__, folder / "task.py")
        (folder / f"{self.name}.yaml").write_text(self.workflow())
        file = folder / f"{self.name}.json"
        file.write_text(json.dumps({"tasks": self.tasks, "expected": self.expected}))
        return file

    def workflow(self) -> str:
        """Return the graph as a workflow whose output `result` is what the last task returned."""
        lines = ["flowpar: 1", f"name: {self.name}", "tasks:"]
        for name, work, needs in self.tasks:
            values = ", ".join(f'"${{{{ tasks.{need}.output }}}}"' for need in needs)
            lines.append(f"  {name}: {{python: 'task:{work}', with: {{values: [{values}]}}}}")
        return "\n".join([*lines, "outputs:", f"  result: ${{{{ tasks.{self.tasks[-1][0]}.output }}}}", ""])


def fan(count: int) -> Graph:
    """Return W1: one source, `count` noops that get its output, one sink that gets all of theirs."""
    noops = [f"noop{n}" for n in range(count)]
    middle = [(noop, "noop", ("source",)) for noop in noops]
    return Graph(f"fan-{count}", (("source", "one", ()), *middle, ("sink", "count", tuple(noops))))


def chain(count: int) -> Graph:
    """Return W2: `count` tasks, each of which needs the one before it."""
    return Graph(f"chain-{count}", tuple((f"hop{n}", "hop", (f"hop{n - 1}",) if n else ()) for n in range(count)))


def layered(layers: int, width: int, edges: int) -> Graph:
    """Return W3: each task needs random ones of the layer before, `edges` in all; the last task needs a whole layer."""
    choose = random.Random(3)
    tasks: list[tuple[str, str, tuple[str, ...]]] = [(f"t0x{n}", "record", ()) for n in range(width)]
    rest = (layers - 1) * width
    for number in range(rest):
        layer, place = divmod(number, width)
        # What is left of the edges is spread evenly over what is left of the tasks.
        share = (edges - width - _edges(tasks)) // (rest - number)
        needs = choose.sample(range(width), min(share, width))
        tasks.append((f"t{layer + 1}x{place}", "record", tuple(f"t{layer}x{need}" for need in sorted(needs))))
    tasks.append(("last", "record", tuple(f"t{layers - 1}x{n}" for n in range(width))))
    return Graph(f"layered-{len(tasks)}", tuple(tasks))


def _edges(tasks: Sequence[tuple[str, str, tuple[str, ...]]]) -> int:
    return sum(len(needs) for _, _, needs in tasks)
