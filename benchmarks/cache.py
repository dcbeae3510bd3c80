"""The cache: what an attempt costs that need not be made, and a second run of each workflow that ships."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, Failed, Figure, fresh, python, rounds, versus

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = ("quickstart", "shell_etl", "pi", "gil", "mandelbrot", "digits", "kmeans")
ITEMS = """\
flowpar: 1
name: cached
tasks:
  square:
    python: nothing:square
    for_each: ${{ range(COUNT) }}
    with: {n: "${{ each.item }}"}
    executor: pool
    cache: true
"""
FUNCTIONS = """\
def noop() -> None:
    return None


def square(n: int) -> int:
    return n * n
"""
EMPTY = """\
flowpar: 1
name: empty
tasks:
  noop: {python: 'nothing:noop'}
"""


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure cached items, and second runs against the cold start of a run that does nothing."""
    (folder / "nothing.py").write_text(FUNCTIONS)
    (folder / "empty.yaml").write_text(EMPTY)
    return [_items(folder, 20 if tiny else 10_000, 1 if tiny else repeats), *_again(folder, repeats, tiny=tiny)]


def _items(folder: Path, count: int, repeats: int) -> Figure:
    (folder / "cached.yaml").write_text(ITEMS.replace("COUNT", str(count)))
    command = {"run": python("-m", "flowpar", "run", "cached.yaml", "-q")}
    rounds(command, folder=folder, repeats=1)
    found = []
    for _ in range(repeats):
        rounds(command, folder=folder, repeats=1)
        found.append(_took(folder, count) * 1e3 / count)
    return Figure(
        f"    {count:,} cached items, each", tuple(found), 1.0, "as the journal has it, key and commit included", "ms"
    )


def _took(folder: Path, count: int) -> float:
    """Return how long the items took together in the newest run, of which none may have been made."""
    journal = max((folder / ".flowpar" / "runs").iterdir()) / "events.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    cached = [line for line in lines if line["event"] == "task.cached"]
    if len(cached) != count + 1:
        raise Failed(f"{len(cached)} of {count} items were cached")
    return float(cached[-1]["duration_s"])


def _again(folder: Path, repeats: int, *, tiny: bool) -> list[Figure]:
    names = WORKFLOWS[:1] if tiny else WORKFLOWS
    home = folder / "workflows"
    shutil.copytree(ROOT / "workflows", home, ignore=shutil.ignore_patterns("__pycache__", ".flowpar"))
    shutil.copy(folder / "nothing.py", home)
    shutil.copy(folder / "empty.yaml", home)
    for file in home.glob("*.yaml"):
        if file.name != "empty.yaml":
            text = file.read_text()
            file.write_text(text.replace("\ntasks:\n", "\ndefaults: {cache: true}\ntasks:\n", 1))
    commands = {name: python("-m", "flowpar", "run", f"{name}.yaml", "-q") for name in names}
    rounds(commands, folder=home, repeats=1)
    times = rounds({**commands, "empty": fresh("run", "empty.yaml", "-q")}, folder=home, repeats=1 if tiny else repeats)
    return [_figure(name, times) for name in names]


def _figure(name: str, times: dict[str, list[float]]) -> Figure:
    detail = f"{min(times[name]) * 1e3:.0f} ms against {min(times['empty']) * 1e3:.0f} ms (best of each)"
    return Figure(f"    {name} again / a cold run of nothing", versus(times[name], times["empty"]), 2.0, detail)
