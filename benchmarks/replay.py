"""W8: recorded executions in WfFormat, replayed as sleeps in their order: the makespan against its lower bound.

Each task passes on the digest of its id and of what its needs passed on, so the digest of the whole, which must be the
one that the manifest has, comes out only if each task ran after its needs and got their values.
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
LENGTH_S, TINY_S = 3.0, 0.01
STEPS = """\
import time
from hashlib import sha256


def replay(name: str, seconds: float, values: list[str]) -> str:
    time.sleep(seconds)
    return digest([name, *sorted(values)])


def whole(values: list[str]) -> str:
    return digest(sorted(values))


def digest(lines: list[str]) -> str:
    return sha256("\\n".join(lines).encode()).hexdigest()[:16]
"""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded: tasks as (id, seconds, needs), the graph's digest, and what no schedule is shorter than."""

    name: str
    tasks: tuple[tuple[str, float, tuple[str, ...]], ...]
    digest: str
    lower_bound_s: float

    def workflow(self, scale: float) -> str:
        """Return it as a workflow of sleeps, each `scale` times what was recorded."""
        numbers = {name: number for number, (name, _, _) in enumerate(self.tasks)}
        needed = {need for _, _, needs in self.tasks for need in needs}
        lines = ["flowpar: 1", f"name: {self.name}", "tasks:"]
        for name, seconds, needs in self.tasks:
            values = _outputs([numbers[need] for need in needs])
            given = f'name: "{name}", seconds: {seconds * scale:.6f}, values: {values}'
            lines.append(f"  t{numbers[name]}: {{python: 'recorded:replay', with: {{{given}}}}}")
        leaves = _outputs([number for name, number in numbers.items() if name not in needed])
        lines.append(f"  whole: {{python: 'recorded:whole', with: {{values: {leaves}}}}}")
        return "\n".join([*lines, "outputs:", "  digest: ${{ tasks.whole.output }}", ""])


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Replay each recording, shortened to some seconds, in fresh processes and in warm workers."""
    recordings = read(workloads("wfformat"))
    (folder / "recorded.py").write_text(STEPS)
    for recording in recordings[:1] if tiny else recordings:
        bound_s = TINY_S if tiny else LENGTH_S
        (folder / "replay.yaml").write_text(recording.workflow(bound_s / recording.lower_bound_s))
        for executor in EXECUTORS:
            took = tuple(run_s(recording, executor, folder) for _ in range(repeats))
            ratios = tuple(seconds / bound_s for seconds in took)
            detail = f"{len(recording.tasks)} tasks in {min(took):.2f} s; the digest came out {repeats} times"
            yield Figure(f"W8  replay {recording.name}, {executor} / lower bound", ratios, None, detail)


def read(folder: Path) -> list[Recording]:
    """Return the recordings that a folder's manifest names."""
    return [
        Recording(entry["file"].partition("-")[0], _tasks(folder / entry["file"]), entry["dag_digest"], bound)
        for entry in json.loads((folder / "MANIFEST.json").read_text())
        if (bound := entry["lower_bound_2cpu_s"])
    ]


def run_s(recording: Recording, executor: str, folder: Path) -> float:
    """Replay once and return the seconds in the engine; a wrong digest is a failure."""
    command = fresh("run", "replay.yaml", "-q", "--json", "-w", str(WORKERS), "--executor", executor)
    output, seconds = run_output(folder, command)
    if output["digest"] != recording.digest:
        raise Failed(f"the digest of {recording.name} in {executor} is {output['digest']}, not {recording.digest}")
    return seconds


def _tasks(file: Path) -> tuple[tuple[str, float, tuple[str, ...]], ...]:
    workflow = json.loads(file.read_text())["workflow"]
    seconds = {task["id"]: task["runtimeInSeconds"] for task in workflow["execution"]["tasks"]}
    return tuple(
        (task["id"], seconds[task["id"]], tuple(task["parents"])) for task in workflow["specification"]["tasks"]
    )


def _outputs(numbers: list[int]) -> str:
    return "[" + ", ".join(f'"${{{{ tasks.t{number}.output }}}}"' for number in numbers) + "]"
