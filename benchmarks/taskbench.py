"""W8: the dependence patterns of Task Bench without work; a checksum comes out only if every value went the right way.

The value of a task at (step, point) is (17 step + point + the sum of (their point + 1) times the values before it)
modulo 1,000,000,007; the checksum folds c = 31 c + value over the last step, or over all tasks where none need others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import Failed, Figure, fresh, run_output
from benchmarks.workloads import workloads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS = 2
EXECUTORS = ("process", "pool")
STEPS = """\
PRIME = 1_000_000_007


def node(step: int, point: int, values: list[int], points: list[int]) -> int:
    before = sum((other + 1) * value for other, value in zip(points, values, strict=True))
    return (17 * step + point + before) % PRIME


def fold(values: list[int]) -> int:
    checksum = 0
    for value in values:
        checksum = (31 * checksum + value) % PRIME
    return checksum
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One graph with the checksum that must come out."""

    name: str
    tasks: tuple[tuple[str, int, int, tuple[str, ...]], ...]
    checksum: int

    def workflow(self) -> str:
        """Return it as a workflow whose output is the checksum."""
        points = {task: point for task, _, point, _ in self.tasks}
        lines = ["flowpar: 1", f"name: {self.name}", "tasks:"]
        for task, step, point, needs in self.tasks:
            given = (
                f"step: {step}, point: {point}, points: {[points[need] for need in needs]}, values: {_outputs(needs)}"
            )
            lines.append(f"  {task}: {{python: 'pattern:node', with: {{{given}}}}}")
        lines.append(f"  fold: {{python: 'pattern:fold', with: {{values: {_outputs(self._folded())}}}}}")
        return "\n".join([*lines, "outputs:", "  checksum: ${{ tasks.fold.output }}", ""])

    def _folded(self) -> list[str]:
        last = max(step for _, step, _, _ in self.tasks)
        is_trivial = not any(needs for _, _, _, needs in self.tasks)
        chosen = [(step, point, task) for task, step, point, _ in self.tasks if is_trivial or step == last]
        return [task for _, _, task in sorted(chosen)]


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Run each pattern in fresh processes and in warm workers, and compare its checksum each time."""
    patterns = [pattern for file in sorted(workloads("taskbench").glob("*.json")) for pattern in read(file)]
    (folder / "pattern.py").write_text(STEPS)
    for pattern in patterns[:1] if tiny else patterns:
        (folder / "pattern.yaml").write_text(pattern.workflow())
        for executor in EXECUTORS:
            took = tuple(run_s(pattern, executor, folder) for _ in range(repeats))
            each_ms = tuple(seconds / len(pattern.tasks) * 1e3 for seconds in took)
            detail = (
                f"checksum {pattern.checksum} came out {repeats} times; {len(pattern.tasks)} tasks in {min(took):.2f} s"
            )
            title = f"W8  Task Bench {pattern.name}, {executor}, a task in the engine"
            yield Figure(title, each_ms, None, detail, "ms")


def read(file: Path) -> list[Pattern]:
    """Return the graphs of a file."""
    graphs = json.loads(file.read_text())["graphs"]
    return [
        Pattern(
            f"{graph['pattern']}-{graph['width']}x{len({step for _, step, _, _ in graph['tasks']})}",
            tuple((task, step, point, tuple(needs)) for task, step, point, needs in graph["tasks"]),
            graph["expected_checksum"],
        )
        for graph in graphs
    ]


def run_s(pattern: Pattern, executor: str, folder: Path) -> float:
    """Run a pattern once and return the seconds in the engine; a wrong checksum is a failure."""
    command = fresh("run", "pattern.yaml", "-q", "--json", "-w", str(WORKERS), "--executor", executor)
    output, seconds = run_output(folder, command)
    if output["checksum"] != pattern.checksum:
        raise Failed(f"the checksum of {pattern.name} in {executor} is {output['checksum']}, not {pattern.checksum}")
    return seconds


def _outputs(needs: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"${{{{ tasks.{need}.output }}}}"' for need in needs) + "]"
