"""Where the time goes: `python -m benchmarks.profiles [--tasks N]` prints tables for W1 in two executors, and for W7.

py-spy, set up in an environment of its own, looks at every process of a run some hundred times a second and writes what
each was doing. A sample counts for the innermost function of flowpar in it, so what the standard library does for a
function counts for that. A process that waits is not counted, but for one that waits for the disk.

    Sample   what a process was found at: its role, the function, how often
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import interpreter_for
from benchmarks.launch import STEPS, document
from benchmarks.measure import Failed, logged_s, python
from benchmarks.startup import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RATE, WORKERS = 200, 2
SHOWN = 12
PATIENCE_S = 120
FRAME = re.compile(r"^(?P<function>.+) \(.*?/flowpar/(?P<file>[a-z_/]+)\.py:\d+\)$")
# The first that is found in a sample; a worker is forked from the launcher, and has its frames below its own.
ROLES = (
    ("manager of outputs", re.compile(r"^_Server\..*/flowpar/data/managed\.py", re.MULTILINE)),
    ("pool worker", re.compile(r"/flowpar/execute/(pool_worker|warm_worker)\.py")),
    ("task process", re.compile(r"/flowpar/execute/(worker|attempt)\.py")),
    ("launcher", re.compile(r"/flowpar/execute/launcher\.py|^_launch ", re.MULTILINE)),
    ("engine", re.compile(r"/flowpar/cli/")),
)
IMPORTED = re.compile(r"import time:\s+(?P<self>\d+) \|\s+\d+ \|\s+(?P<module>\S+)")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process was at, `count` times."""

    role: str
    function: str
    count: int


def samples(lines: Iterable[str]) -> Iterator[Sample]:
    """Return what py-spy's raw lines say: frames from the outermost to the innermost, parted by `;`, and a count."""
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        frames = stack.split(";")
        text = "\n".join(frames)
        role = next((role for role, pattern in ROLES if pattern.search(text)), "guard and start-up")
        own = next((found for frame in reversed(frames) if (found := FRAME.match(frame))), None)
        place = f"{own['file']}.py {own['function']}" if own else "outside flowpar"
        yield Sample(role, "imports" if "importlib._bootstrap>" in stack else place, int(count))


def table(found: Sequence[Sample], tasks: int) -> Iterator[str]:
    """Return the lines of a table: each role's milliseconds a task, and the functions that have most of them."""
    by_role: Counter[str] = Counter()
    for sample in found:
        by_role[sample.role] += sample.count
    for role, count in by_role.most_common():
        yield f"{role:<60} {_ms(count, tasks):7.3f} ms a task"
        functions: Counter[str] = Counter()
        for sample in found:
            if sample.role == role:
                functions[sample.function] += sample.count
        for function, times in functions.most_common(SHOWN):
            yield f"    {function:<56} {_ms(times, tasks):7.3f}    {times / count:4.0%}"


def imports(report: str) -> Iterator[str]:
    """Return the lines of a table of `-X importtime`: the milliseconds of each package's own modules."""
    spent: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for found in IMPORTED.finditer(report):
        package = found["module"].partition(".")[0]
        spent[package] += int(found["self"])
        modules[package] += 1
    for package, microseconds in spent.most_common(SHOWN):
        yield f"    {package:<40} {microseconds / 1e3:7.1f} ms  {modules[package]:4d} modules"
    yield f"    {'all':<40} {spent.total() / 1e3:7.1f} ms  {modules.total():4d} modules"


def main(arguments: Sequence[str]) -> int:
    """Print the tables; return 1 where there is no py-spy to be had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description="Where the time goes.")
    parser.add_argument("--tasks", type=int, default=1_000, metavar="N", help="noop tasks of W1 (default: 1000)")
    tasks = parser.parse_args(arguments).tasks
    try:
        spy = str(Path(interpreter_for("py-spy")).with_name("py-spy"))
        with tempfile.TemporaryDirectory() as folder:
            for executor in ("process", "pool"):
                _show_run(Path(folder), spy, executor, tasks)
            _show_imports(Path(folder))
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _show_run(folder: Path, spy: str, executor: str, tasks: int) -> None:
    (folder / "noops.py").write_text(STEPS)
    (folder / "w1.yaml").write_text(document(tasks))
    raw, run_dir = folder / f"{executor}.txt", folder / executor
    # Not by way of a shell: py-spy wants a Python to look at from the beginning.
    options = [
        "-q",
        "-w",
        str(WORKERS),
        "--executor",
        executor,
        "--run-dir",
        str(run_dir),
        "--state-dir",
        f"of-{executor}",
    ]
    run = python("-m", "flowpar", "run", "w1.yaml", *options)
    record = [spy, "record", "--subprocesses", "--rate", str(RATE), "--full-filenames", "-f", "raw", "-o", str(raw)]
    _done([*record, "--", *run], folder)
    print(
        f"\nW1, {tasks:,} tasks, {executor}, {WORKERS} workers: {logged_s(run_dir):.2f} s in the engine, while watched"
    )
    with raw.open() as lines:
        print("\n".join(table(list(samples(lines)), tasks)), flush=True)


def _show_imports(folder: Path) -> None:
    (folder / "w7.yaml").write_text(DOCUMENT)
    (folder / "nothing.py").write_text("def noop() -> None:\n    return None\n")
    for title in ("cold", "unchanged since the last run"):
        command = python("-X", "importtime", "-m", "flowpar", "run", "w7.yaml", "-q")
        print(f"\nW7, one noop, {title}: imports of all processes, without what they wait for")
        print("\n".join(imports(_done(command, folder))), flush=True)


def _done(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)} had no end after {PATIENCE_S} s") from error
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stderr


def _ms(count: int, tasks: int) -> float:
    return count / RATE * 1e3 / tasks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
