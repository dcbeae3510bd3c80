"""P11, W9: tasks that each need scikit-learn, against importing it once and sharing the bare work out on two cores."""

from __future__ import annotations

import json
import statistics
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, fresh, python, run_seconds

if TYPE_CHECKING:
    from pathlib import Path

TASKS, WORKERS = 80, 2
TINY = 4
STEPS = """\
from sklearn.datasets import load_digits
from sklearn.svm import SVC


def work(number: int) -> float:
    pictures, labels = load_digits(return_X_y=True)
    return float(SVC(gamma=0.001).fit(pictures, labels).score(pictures[:100], labels[:100])) + number
"""
BARE = """\
import json, os, sys, time
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as flowpar's tasks have it
count = int(sys.argv[1])
started = time.perf_counter()
import learning
imported = time.perf_counter()
for number in range(count):
    learning.work(number)
alone = time.perf_counter()
pid = os.fork()
for number in range(0 if pid else 1, count, 2):
    learning.work(number)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
print(json.dumps([imported - started, alone - imported, time.perf_counter() - alone]))
"""
DOCUMENT = """\
flowpar: 1
name: w9
inputs: {tasks: 80}
tasks:
  work:
    python: learning:work
    for_each: {number: "${{ range(inputs.tasks) }}"}
    with: {number: "${{ each.number }}"}
"""


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure the run and the bare work in turn; nothing where scikit-learn is not installed."""
    if find_spec("sklearn") is None:
        return []
    (folder / "w9.yaml").write_text(DOCUMENT)
    (folder / "learning.py").write_text(STEPS)
    tasks = TINY if tiny else TASKS
    ratios, runs, bare, at_once = [], [], [], []
    for turn in range(repeats + 1):
        import_s, work_s, at_once_s = _bare(folder, tasks)
        run_s = run_seconds(folder, fresh("run", "w9.yaml", "-q", "-w", str(WORKERS), "-i", f"tasks={tasks}"))
        if turn:
            ratios.append((run_s - import_s) / (work_s / WORKERS))
            runs.append(run_s)
            bare.append((import_s, work_s))
            at_once.append(at_once_s / (work_s / WORKERS))
    import_s, work_s = min(bare)
    detail = (
        f"{min(runs):.2f} s; one import {import_s:.2f} s, {tasks} times the work in one process {work_s:.2f} s; "
        f"the work in {WORKERS} bare processes at once {statistics.median(at_once):.2f}"
    )
    return [Figure(f"P11 {tasks} tasks of scikit-learn less one import / work on 2 cores", tuple(ratios), 1.2, detail)]


def _bare(folder: Path, tasks: int) -> tuple[float, float, float]:
    done = subprocess.run(python("-c", BARE, str(tasks)), cwd=folder, check=True, capture_output=True, text=True)
    import_s, work_s, at_once_s = json.loads(done.stdout)
    return import_s, work_s, at_once_s
