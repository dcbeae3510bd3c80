"""W7: one noop task, cold: the whole command against importing the four libraries it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import Figure, python, rounds

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """\
flowpar: 1
name: w7
tasks:
  noop: {python: 'nothing:noop'}
"""


def figures(folder: Path, *, repeats: int) -> list[Figure]:
    """Measure the whole command and set it against the imports."""
    (folder / "w7.yaml").write_text(DOCUMENT)
    (folder / "nothing.py").write_text("def noop() -> None:\n    return None\n")
    commands = {
        "flowpar": python("-m", "flowpar", "run", "w7.yaml", "-q"),
        "imports": python("-c", "import yaml, pydantic, networkx, structlog"),
    }
    times = rounds(commands, folder=folder, repeats=repeats * 2)
    ratios = tuple(our / other for our, other in zip(times["flowpar"], times["imports"], strict=True))
    best = {name: min(series) * 1e3 for name, series in times.items()}
    detail = f"{best['flowpar']:.0f} ms against {best['imports']:.0f} ms (best of each)"
    return [Figure("P7  one noop task, cold, whole command / four imports", ratios, 2.5, detail)]
