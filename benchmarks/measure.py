"""Commands timed in turn, so that a machine that slows down slows all of them.

Figure     what one line of the result says: a number measured several times, its median, minimum and spread, its goal
Failed     a command of a benchmark did not do what is measured; the other benchmarks go on
LeftOut    a benchmark needs what is not here; that is no failure
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
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
TITLE_WIDTH = 68
YARDSTICK_PATIENCE_S = 300


class Failed(Exception):  # noqa: N818 (it names an outcome)
    """A command of a benchmark failed; the message says which and what it wrote."""


class LeftOut(Exception):  # noqa: N818 (the same)
    """A benchmark needs what is not here; the message says what."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, once a round, against its goal, with what it was made from."""

    title: str
    values: tuple[float, ...]
    goal: float | None
    detail: str
    unit: str = ""  # none for a ratio
    is_more_better: bool = False

    @property
    def is_reached(self) -> bool | None:
        """Whether the median is as good as the goal; None where there is no goal."""
        if self.goal is None:
            return None
        median = statistics.median(self.values)
        return median >= self.goal if self.is_more_better else median <= self.goal

    def line(self, *, is_judged: bool = True) -> str:
        """Return the figure as two lines of text, with its goal where it is judged."""
        unit = f" {self.unit}" if self.unit else ""
        median = f"{statistics.median(self.values):8.2f}{unit}"
        spread = f"min {min(self.values):.2f}, max {max(self.values):.2f}"
        verdict = ""
        if self.goal is not None and is_judged:
            bound = "at least" if self.is_more_better else "at most"
            verdict = f"goal {bound} {self.goal:g}{unit}: {'reached' if self.is_reached else 'NOT reached'}"
        return f"{self.title:<{TITLE_WIDTH}} {median}  ({spread})  {verdict}\n    {self.detail}"


def seconds(command: Sequence[str], *, folder: Path) -> float:
    """Run a command to its end and return its wall time."""
    started = time.perf_counter()
    _said(command, folder)
    return time.perf_counter() - started


def run_seconds(folder: Path, command: Sequence[str]) -> float:
    """Run a workflow once and return the seconds from its first event to its last, by its own log."""
    _, elapsed = _run(folder, command)
    return elapsed


def run_output(folder: Path, command: Sequence[str]) -> tuple[dict[str, object], float]:
    """Run a workflow with `--json` once and return its outputs, and the seconds as `run_seconds` does."""
    said, elapsed = _run(folder, command)
    return json.loads(said), elapsed


def _run(folder: Path, command: Sequence[str]) -> tuple[str, float]:
    run_dir = folder / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    said = _said([*command, "--run-dir", str(run_dir)], folder)
    return said, logged_s(run_dir)


def _said(command: Sequence[str], folder: Path) -> str:
    # Where no bytecode is kept, each process would compile what was edited last, and that is measured.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLOWPAR_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"{' '.join(command)} can't be started: {error}") from error
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout


def logged_s(run_dir: Path) -> float:
    """Return the seconds from a run's first event to its last."""
    with (run_dir / "run.log.jsonl").open() as lines:
        last = deque(lines, maxlen=1)[0]
    return float(json.loads(last)["duration_s"])


def own_seconds(command: Sequence[str], *, folder: Path) -> float:
    """Run a yardstick once and return the seconds that it prints last, by its own clock."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=YARDSTICK_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)} had no end after {YARDSTICK_PATIENCE_S} s") from error
    except OSError as error:
        raise Failed(f"{' '.join(command)} can't be started: {error}") from error
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    try:
        return float(done.stdout.split()[-1])
    except (IndexError, ValueError) as error:
        raise Failed(f"{' '.join(command)} did not say what it took:\n{done.stdout}\n{done.stderr}") from error


def peer_seconds(peer: str, graph: Path, workers: int, *, interpreter: str = sys.executable) -> float:
    """Run a graph's file once in another engine, or by a yardstick, and return the seconds by its own clock."""
    return own_seconds(peer_command(peer, graph, workers, interpreter=interpreter), folder=graph.parent)


def peer_command(peer: str, graph: Path, workers: int, *, interpreter: str = sys.executable) -> list[str]:
    """Return the command that runs a graph's file in another engine, or by a yardstick."""
    # A peer starts programs of its own by name.
    path = f"{Path(interpreter).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return [
        "env",
        f"PYTHONPATH={ROOT}",
        f"PATH={path}",
        interpreter,
        "-m",
        f"benchmarks.peers.with_{peer}",
        str(graph),
        str(workers),
    ]


def rounds(commands: Mapping[str, Sequence[str]], *, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Time each command `repeats` times, all of them in turn, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            took = seconds(command, folder=folder)
            if turn:
                times[name].append(took)
    return times


def versus(ours: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """Return the ratios of two ways, round by round."""
    return tuple(our / their for our, their in zip(ours, other, strict=True))


def python(*arguments: str) -> list[str]:
    """Return a command for the interpreter that runs the benchmark."""
    return [sys.executable, *arguments]


def fresh(*arguments: str) -> list[str]:
    """Return a command of flowpar's that finds nothing of earlier runs, so no plan that was kept."""
    forget = 'rm -rf fresh-state && exec "$@" --state-dir fresh-state'
    return ["sh", "-c", forget, "sh", *python("-m", "flowpar", *arguments)]
