"""W1: one source, N noop tasks, one sink that gets all N outputs; the cost of a further task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.graph import fan
from benchmarks.measure import Figure, fresh, peer_command, peer_seconds, rounds, run_seconds, versus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEW, MANY, WORKERS = 100, 1000, 2
TINY = (2, 4)

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
    """Run W1 once and return the seconds from its first event to its last, by its own log."""
    return run_seconds(folder, run_command(count))


def bare_s(folder: Path, count: int) -> float:
    """Run the yardstick once and return the seconds that it took by its own clock."""
    return peer_seconds("bare", folder / f"fan-{count}.json", WORKERS)


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


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure the marginal cost of a task, in the engine and of the whole command."""
    few, many = TINY if tiny else (FEW, MANY)
    (folder / "noops.py").write_text(STEPS)
    commands = {}
    for count in (few, many):
        (folder / f"w1-{count}.yaml").write_text(document(count))
        commands[f"flowpar {count}"] = run_command(count)
        commands[f"bare {count}"] = peer_command("bare", fan(count).write(folder), WORKERS)
    for name, batch in (("items", ""), ("batch", "batch: auto")):
        (folder / f"{name}.yaml").write_text(items(many, batch=batch))
        commands[name] = fresh("run", f"{name}.yaml", "-q", "-w", str(WORKERS))
    times = rounds(commands, folder=folder, repeats=repeats)

    def further_s(measure: Callable[[Path, int], float]) -> float:
        return (measure(folder, many) - measure(folder, few)) / (many - few)

    def marginal(name: str) -> list[float]:
        pairs = zip(times[f"{name} {many}"], times[f"{name} {few}"], strict=True)
        return [(high - low) / (many - few) for high, low in pairs]

    # In turn, too: a machine that is shared is another one a minute later.
    pairs = [(further_s(in_engine_s), further_s(bare_s)) for _ in range(repeats)]
    engine, beside = map(list, zip(*pairs, strict=True))
    return [
        compare("P1  process, per further task, in the engine / bare", engine, beside),
        compare("P1  process, per further task, whole command / bare", marginal("flowpar"), marginal("bare")),
        batched(times, many),
    ]


def batched(times: dict[str, list[float]], count: int) -> Figure:
    """Set a fan-out whose items share processes against one whose items don't."""
    detail = f"{min(times['batch']):.2f} s against {min(times['items']):.2f} s for {count} items (best of each)"
    title = "P1  batch: auto / a process for each item, whole command"
    return Figure(title, versus(times["batch"], times["items"]), 0.3, detail)


def compare(title: str, ours: list[float], bare: list[float]) -> Figure:
    """Set our cost of a task against the bare one."""
    detail = f"{min(ours) * 1e3:.2f} ms against {min(bare) * 1e3:.2f} ms (best of each)"
    return Figure(title, versus(ours, bare), 1.4, detail)
