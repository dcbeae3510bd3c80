"""W7: one noop task, cold and unchanged: the whole command against importing the four libraries it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import Figure, fresh, python, rounds, versus

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """\
flowpar: 1
name: w7
tasks:
  noop: {python: 'nothing:noop'}
"""


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure the whole command and set it against the imports."""
    (folder / "w7.yaml").write_text(DOCUMENT)
    (folder / "nothing.py").write_text("def noop() -> None:\n    return None\n")
    commands = {
        "cold": fresh("run", "w7.yaml", "-q"),
        "unchanged": python("-m", "flowpar", "run", "w7.yaml", "-q"),
        "imports": python("-c", "import yaml, pydantic, networkx, structlog"),
    }
    times = rounds(commands, folder=folder, repeats=1 if tiny else repeats * 2)
    return [
        _figure("P7  one noop task, cold, whole command / four imports", times, "cold", goal=1.1),
        _figure("P7  the same, unchanged since the last run", times, "unchanged", goal=0.4),
    ]


def _figure(title: str, times: dict[str, list[float]], name: str, *, goal: float) -> Figure:
    detail = f"{min(times[name]) * 1e3:.0f} ms against {min(times['imports']) * 1e3:.0f} ms (best of each)"
    return Figure(title, versus(times[name], times["imports"]), goal, detail)
