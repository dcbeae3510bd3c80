"""W1: one source, N noop tasks, one sink that gets all N outputs; the cost of a further task."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, fresh, python, rounds, run_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

FEW, MANY, WORKERS = 100, 1000, 2
BARE = Path(__file__).with_name("bare.py")

STEPS = """
def source() -> int:
    return 1

def noop(seed: int) -> None:
    return None

def sink(values: list[None]) -> int:
    return len(values)
"""


def document(count: int) -> str:
    """Return W1 with `count` noops as a workflow."""
    lines = ["flowpar: 1", f"name: w1-{count}", "tasks:", "  source: {python: 'noops:source'}"]
    lines += [
        f"  noop{n}: {{python: 'noops:noop', with: {{seed: \"${{{{ tasks.source.output }}}}\"}}}}" for n in range(count)
    ]
    lines += ["  sink:", "    python: noops:sink", "    with:", "      values:"]
    lines += [f"        - ${{{{ tasks.noop{n}.output }}}}" for n in range(count)]
    return "\n".join([*lines, "outputs:", "  count: ${{ tasks.sink.output }}", ""])


def in_engine_s(folder: Path, count: int) -> float:
    """Run W1 once and return the seconds from its first event to its last, by its own journal."""
    return run_seconds(folder, run_command(count))


def bare_s(folder: Path, count: int) -> float:
    """Run the yardstick once and return the seconds that it took by its own clock."""
    done = subprocess.run(python(str(BARE), str(count), str(WORKERS)), cwd=folder, check=True, capture_output=True)
    return float(done.stdout)


def further_s(measure: Callable[[Path, int], float], folder: Path) -> float:
    """Return the seconds of one further task."""
    return (measure(folder, MANY) - measure(folder, FEW)) / (MANY - FEW)


def items(count: int, *, batch: str) -> str:
    """Return a workflow with `count` noop items."""
    return f"""flowpar: 1
tasks:
  each:
    for_each: ${{{{ range({count}) }}}}
    {batch}
    python: noops:noop
    with: {{seed: "${{{{ each.item }}}}"}}
"""


def run_command(count: int) -> list[str]:
    """Return the command that runs W1 with `count` noops."""
    return fresh("run", f"w1-{count}.yaml", "-q", "-w", str(WORKERS))


def figures(folder: Path, *, repeats: int) -> list[Figure]:
    """Measure the marginal cost of a task, in the engine and of the whole command."""
    (folder / "noops.py").write_text(STEPS)
    bare = str(BARE)
    commands = {}
    for count in (FEW, MANY):
        (folder / f"w1-{count}.yaml").write_text(document(count))
        commands[f"flowpar {count}"] = run_command(count)
        commands[f"bare {count}"] = python(bare, str(count), str(WORKERS))
    for name, batch in (("items", ""), ("batch", "batch: auto")):
        (folder / f"{name}.yaml").write_text(items(MANY, batch=batch))
        commands[name] = fresh("run", f"{name}.yaml", "-q", "-w", str(WORKERS))
    times = rounds(commands, folder=folder, repeats=repeats)
    # In turn, too: a machine that is shared is another one a minute later.
    pairs = [(further_s(in_engine_s, folder), further_s(bare_s, folder)) for _ in range(repeats)]
    engine, beside = map(list, zip(*pairs, strict=True))
    return [
        compare("P1  process, per further task, in the engine / bare", engine, beside),
        compare(
            "P1  process, per further task, whole command / bare", marginal(times, "flowpar"), marginal(times, "bare")
        ),
        batched(times),
    ]


def marginal(times: dict[str, list[float]], name: str) -> list[float]:
    """Return the seconds of one further task, round by round."""
    pairs = zip(times[f"{name} {MANY}"], times[f"{name} {FEW}"], strict=True)
    return [(many - few) / (MANY - FEW) for many, few in pairs]


def batched(times: dict[str, list[float]]) -> Figure:
    """Set a fan-out whose items share processes against one whose items don't."""
    ratios = tuple(shared / own for shared, own in zip(times["batch"], times["items"], strict=True))
    detail = f"{min(times['batch']):.2f} s against {min(times['items']):.2f} s for {MANY} items (best of each)"
    return Figure("P1  batch: auto / a process for each item, whole command", ratios, 0.8, detail)


def compare(title: str, ours: list[float], bare: list[float]) -> Figure:
    """Set our cost of a task against the bare one."""
    ratios = tuple(our / other for our, other in zip(ours, bare, strict=True))
    detail = f"{min(ours) * 1e3:.2f} ms against {min(bare) * 1e3:.2f} ms (best of each)"
    return Figure(title, ratios, 2.5, detail)
