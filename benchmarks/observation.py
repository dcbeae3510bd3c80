"""P10: what journal, log and live view cost together: W3 in `pool` on a terminal, against a run that tells nobody."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.graph import layered
from benchmarks.measure import ROOT, Failed, Figure, python, versus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKERS = 2
SCRIPT = Path(__file__).with_name("watched_run.py")
PATIENCE_S = 120
# Each way: whether anybody is told, and the options of the command.
WAYS: Mapping[str, tuple[str, Sequence[str]]] = {
    "all": ("on", ()),
    "no view": ("on", ("-q",)),
    "no sync, no view": ("on", ("-q", "--no-sync")),
    "nobody": ("off", ("-q", "--no-sync")),
}


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure all ways in turn."""
    graph = layered(2, 2, 6) if tiny else layered(27, 37, 3_000)
    graph.write(folder)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(repeats + (not tiny)):  # the first one warms up
        for name in WAYS:
            took = run_s(name, f"{graph.name}.yaml", folder)
            if turn or tiny:
                times[name].append(took)
    best = {name: f"{min(took):.3f} s" for name, took in times.items()}
    detail = ", ".join(f"{name}: {took}" for name, took in best.items()) + " (best of each)"
    return [
        Figure(
            "P10 W3, pool: journal, log and live view / nobody told, the run",
            versus(times["all"], times["nobody"]),
            1.05,
            detail,
        ),
        Figure(
            "    journal and log, never synced, no view / nobody told",
            versus(times["no sync, no view"], times["nobody"]),
            None,
            "what is made and written of events, without the disk's and the terminal's part",
        ),
    ]


def run_s(way: str, file: str, folder: Path) -> float:
    """Run a workflow on a terminal of its own, and return the seconds of the run without its start-up."""
    tells, options = WAYS[way]
    took = folder / "took"
    took.unlink(missing_ok=True)
    command = python(str(SCRIPT), tells, str(took), "run", file, "-w", str(WORKERS), "--executor", "pool", *options)
    environment = {
        name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"}
    }
    environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    ours, theirs = pty.openpty()
    said = bytearray()
    reader = threading.Thread(target=_drain, args=(ours, said))
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        reader.start()
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = -9
    reader.join(PATIENCE_S)
    os.close(ours)
    if code or not took.exists():
        raise Failed(f"{' '.join(command)} ended with {code}:\n{said.decode(errors='replace')}")
    return float(took.read_text())


def _drain(terminal: int, said: bytearray) -> None:
    with suppress(OSError):  # nobody holds the other end any more
        while content := os.read(terminal, 1 << 16):
            said += content
