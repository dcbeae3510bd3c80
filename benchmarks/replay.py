"""W8: recordings in WfFormat, imported and replayed as sleeps in their order: the makespan against its lower bound.

Each task passes on the digest of its id and of what its needs passed on, so the digest of the whole, which must be the
one that the manifest has, comes out only if each task ran after its needs and got their values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import Failed, Figure, fresh, run_output
from benchmarks.workloads import workloads
from flowpar.core.source import Source
from flowpar.lang.importers.wfformat import WfFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WORKERS = 2
EXECUTORS = ("process", "pool")
LENGTH_S, TINY_S = 3.0, 0.01


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded: the files that replay it, how, the graph's digest, and what no schedule is shorter than."""

    name: str
    files: Mapping[str, str]
    told: str
    digest: str
    lower_bound_s: float


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Replay each recording, shortened to some seconds, in fresh processes and in warm workers."""
    recordings = read(workloads("wfformat"))
    for recording in recordings[:1] if tiny else recordings:
        bound_s = TINY_S if tiny else LENGTH_S
        for name, text in recording.files.items():
            (folder / name).write_text(text)
        for executor in EXECUTORS:
            scale = bound_s / recording.lower_bound_s
            took = tuple(run_s(recording, executor, folder, scale=scale) for _ in range(repeats))
            ratios = tuple(seconds / bound_s for seconds in took)
            detail = f"{recording.told}, in {min(took):.2f} s; the digest came out {repeats} times"
            yield Figure(f"W8  replay {recording.name}, {executor} / lower bound", ratios, None, detail)


def read(folder: Path) -> list[Recording]:
    """Return the recordings that a folder's manifest names."""
    return [
        _recording(folder / entry["file"], entry["dag_digest"], bound)
        for entry in json.loads((folder / "MANIFEST.json").read_text())
        if (bound := entry["lower_bound_2cpu_s"])
    ]


def run_s(recording: Recording, executor: str, folder: Path, *, scale: float) -> float:
    """Replay once and return the seconds in the engine; a wrong digest is a failure."""
    options = ("-q", "--json", "-w", str(WORKERS), "--executor", executor, "-i", f"scale={scale!r}")
    output, seconds = run_output(folder, fresh("run", "workflow.yaml", *options))
    if output["digest"] != recording.digest:
        raise Failed(f"the digest of {recording.name} in {executor} is {output['digest']}, not {recording.digest}")
    return seconds


def _recording(file: Path, digest: str, lower_bound_s: float) -> Recording:
    translation = WfFormat().translate(Source(file.name, file.read_text()))
    return Recording(file.name.partition("-")[0], translation.files, translation.told, digest, lower_bound_s)
