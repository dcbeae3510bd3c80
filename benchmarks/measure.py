"""Commands timed in turn, so that a machine that slows down slows all of them.

Series   the wall seconds of one command over several rounds
Figure   one line of the result: what, the ratio's median, minimum and spread, its goal
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured ratio against its goal (both without unit), with what it was made from."""

    title: str
    ratios: tuple[float, ...]
    goal: float
    detail: str

    def line(self) -> str:
        """Return the figure as one line of text."""
        median = statistics.median(self.ratios)
        verdict = "reached" if median <= self.goal else "NOT reached"
        spread = f"min {min(self.ratios):.2f}, max {max(self.ratios):.2f}"
        return f"{self.title:<58} {median:5.2f}  ({spread})  goal {self.goal:.2f} {verdict}\n    {self.detail}"


def seconds(command: Sequence[str], *, folder: Path) -> float:
    """Run a command to its end and return its wall time; a command that fails ends the benchmark."""
    # Where no bytecode is kept, each process would compile what was edited last, and that is measured.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLOWPAR_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return elapsed


def run_seconds(folder: Path, command: Sequence[str]) -> float:
    """Run a workflow once and return the seconds from its first event to its last, by its own log."""
    run_dir = folder / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    subprocess.run([*command, "--run-dir", str(run_dir)], cwd=folder, check=True, capture_output=True)
    with (run_dir / "run.log.jsonl").open() as lines:
        last = deque(lines, maxlen=1)[0]
    return float(json.loads(last)["duration_s"])


def rounds(commands: Mapping[str, Sequence[str]], *, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Time each command `repeats` times, all of them in turn, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            took = seconds(command, folder=folder)
            if turn:
                times[name].append(took)
    return times


def python(*arguments: str) -> list[str]:
    """Return a command for the interpreter that runs the benchmark."""
    return [sys.executable, *arguments]


def fresh(*arguments: str) -> list[str]:
    """Return a command of flowpar's that finds nothing of earlier runs, so no plan that was kept."""
    forget = 'rm -rf fresh-state && exec "$@" --state-dir fresh-state'
    return ["sh", "-c", forget, "sh", *python("-m", "flowpar", *arguments)]
