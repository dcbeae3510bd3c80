"""P6, W5: large values from task to task, against mapped files by hand; and what all readers of one keep resident."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Failed, Figure, fresh, own_seconds, python, run_seconds, versus

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS, WORKERS = 4, 2
MEGABYTES = {"numpy": 200, "bytes": 200, "chain": 100}
TINY = {"numpy": 1, "bytes": 1, "chain": 1}
BARE = Path(__file__).with_name("bare_data.py")
STEPS = '''\
"""What the tasks of W5 do, and its graphs for the yardstick."""

import os
import time

import numpy as np


def array(megabytes):
    return np.arange(megabytes * 1024 * 1024 // 8, dtype=np.float64)


def data(megabytes):
    return bytes(megabytes * 1024 * 1024)


def total(value):
    return float(np.frombuffer(value, dtype=np.float64).sum())


def further(value):
    return value + 1.0


def gather(*values, many=()):
    return sum(values) + sum(many)


def pss():
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def meet(name, number, readers):
    open(f"met-{name}-{number}", "w").close()
    while not all(os.path.exists(f"met-{name}-{each}") for each in range(readers)):
        time.sleep(0.01)


def resident(value, number, readers):
    """Say what this process keeps resident beside all other readers, before and after they touched all of a value."""
    meet("began", number, readers)
    before = pss()
    meet("touches", number, readers)
    total(value)
    meet("touched", number, readers)
    after = pss()
    meet("over", number, readers)
    return [before, after]


def graph(kind, megabytes):
    if kind == "chain":
        tasks = {"made": (lambda: array(megabytes), [])}
        for number in range(5):
            tasks[f"step{number}"] = (further, [list(tasks)[-1]])
        return {**tasks, "last": (total, [list(tasks)[-1]])}
    make = array if kind == "numpy" else data
    tasks = {"made": (lambda: make(megabytes), [])}
    for number in range(4):
        tasks[f"read{number}"] = (total, ["made"])
    return {**tasks, "last": (gather, list(tasks)[1:])}
'''


def fan_out(make: str) -> str:
    """Return the workflow of one value and its readers."""
    readers = "".join(
        f"  read{number}:\n    python: values:total\n    with: {{value: '${{{{ tasks.made.output }}}}'}}\n"
        for number in range(READERS)
    )
    outputs = ", ".join(f"tasks.read{number}.output" for number in range(READERS))
    return f"{_made(make)}{readers}  last:\n    python: values:gather\n    with: {{many: '${{{{ [{outputs}] }}}}'}}\n"


def chain() -> str:
    """Return the workflow of five transforms."""
    steps, before = "", "made"
    for number in range(5):
        steps += f"  step{number}:\n    python: values:further\n"
        steps += f"    with: {{value: '${{{{ tasks.{before}.output }}}}'}}\n"
        before = f"step{number}"
    last = f"  last:\n    python: values:total\n    with: {{value: '${{{{ tasks.{before}.output }}}}'}}\n"
    return f"{_made('array')}{steps}{last}"


def resident() -> str:
    """Return the workflow of readers that have all touched all of a value, and say what they keep resident."""
    return f"""{_made("array")}  read:
    python: values:resident
    for_each: {{number: "${{{{ range({READERS}) }}}}"}}
    with: {{value: "${{{{ tasks.made.output }}}}", number: "${{{{ each.number }}}}", readers: {READERS}}}
outputs:
  bytes: ${{{{ tasks.read.output }}}}
"""


def _made(make: str) -> str:
    return (
        "flowpar: 1\ninputs: {megabytes: 1}\ntasks:\n"
        f"  made:\n    python: values:{make}\n    with: {{megabytes: '${{{{ inputs.megabytes }}}}'}}\n"
    )


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> Iterator[Figure]:
    """Measure both ways in turn, so that a machine that slows down slows both; nothing where numpy is not installed."""
    if find_spec("numpy") is None:
        return
    (folder / "values.py").write_text(STEPS)
    for kind, text in (("numpy", fan_out("array")), ("bytes", fan_out("data")), ("chain", chain())):
        (folder / f"{kind}.yaml").write_text(text)
    (folder / "resident.yaml").write_text(resident())
    for kind, size in (TINY if tiny else MEGABYTES).items():
        yield _ratio(kind, size, folder, repeats=repeats)
    yield _resident(TINY["numpy"] if tiny else MEGABYTES["numpy"], folder, repeats=repeats)


def _ratio(kind: str, size: int, folder: Path, *, repeats: int) -> Figure:
    ours, bare = [], []
    command = fresh("run", f"{kind}.yaml", "-q", "-w", str(WORKERS), "-i", f"megabytes={size}")
    yardstick = python(str(BARE), kind, str(size), str(WORKERS))
    for turn in range(repeats + 1):
        times = run_seconds(folder, command), own_seconds(yardstick, folder=folder)
        if turn:
            ours.append(times[0])
            bare.append(times[1])
    what = "5 transforms" if kind == "chain" else f"{kind} to {READERS} readers"
    detail = f"{min(ours):.3f} s against {min(bare):.3f} s (best of each), one import of numpy in both"
    return Figure(f"P6  {size} MiB, {what}, in engine / files by hand", versus(ours, bare), 1.1, detail)


def _resident(megabytes: int, folder: Path, *, repeats: int) -> Figure:
    size = megabytes << 20
    command = fresh("run", "resident.yaml", "-q", "-w", str(READERS), "--json", "-i", f"megabytes={megabytes}")
    ratios, before, after = [], 0, 0
    for _ in range(repeats):
        for mark in folder.glob("met-*"):
            mark.unlink()
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr)
        before, after = (sum(each) for each in zip(*json.loads(done.stdout)["bytes"], strict=True))
        ratios.append((after - before) / size)
    detail = f"{after / 1e6:.0f} MB of {READERS} processes (PSS), {before / 1e6:.0f} MB of them before they touched it"
    return Figure(f"P6  resident memory of {READERS} readers for the value / the value", tuple(ratios), 1.1, detail)
