"""The figures of docs/reliability.md: `python -m benchmarks.reliability` measures each and prints it beside its goal.

They are times of single events, not ratios, so they say something on a quiet machine only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.documents import mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Line = tuple[str, str, str]

STEPS = """
import os, signal, time
from pathlib import Path


def nothing(n: int = 0) -> int:
    return n


def die(n: int) -> None:
    Path(f"died-{n}").write_text(repr(time.time()))
    os.kill(os.getpid(), signal.SIGKILL)


def linger(ignores: bool = False) -> None:
    if ignores:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("lingers").touch()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(1)


def until_fixed() -> None:
    if not Path("fixed").exists():
        raise RuntimeError("not yet")
"""
FAN_OUT = """  many:
    for_each: {{n: "${{{{ range({count}) }}}}"}}
    python: steps:{step}
    with: {{n: "${{{{ each.n }}}}"}}
"""
COUNT = 1000
DONE = 10_000
PROMPT_S = 2.0


def main() -> None:
    """Print a line for each figure."""
    for measure in (death_noticed, timeout_overshoot, interrupts, durability, resumption, checks):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "steps.py").write_text(STEPS)
            for what, goal, reached in measure(Path(folder)):
                print(f"{what:<52} goal {goal:<14} {reached}", flush=True)


def death_noticed(folder: Path) -> Iterator[Line]:
    """From the last instruction of a task that kills itself to the event that says so."""
    _run(folder, FAN_OUT.format(count=20, step="die"))
    waits = [
        _at(record) - float((folder / f"died-{record['item']}").read_text())
        for record in _records(folder)
        if record["event"] == "task.failed" and record.get("item") is not None
    ]
    yield "death of a task noticed", "< 100 ms", f"{median(waits) * 1000:.1f} ms (worst {max(waits) * 1000:.1f})"


def timeout_overshoot(folder: Path) -> Iterator[Line]:
    """What a task that ignores TERM lives longer than its timeout and its grace."""
    _run(folder, '  t: {python: "steps:linger", with: {ignores: true}, timeout: 500ms, grace: 500ms}\n')
    (ended,) = [record for record in _records(folder) if record["event"] == "task.timed_out"]
    yield "timeout overshoot, a task that ignores TERM", "grace + 0.2 s", f"grace + {ended['duration_s'] - 1:.3f} s"


def interrupts(folder: Path) -> Iterator[Line]:
    """From Ctrl-C to the prompt."""
    polite_s = _interrupted(folder, '  t: {python: "steps:linger"}\n', times=1)
    yield "Ctrl-C to prompt, polite tasks", "< 1 s", f"{polite_s:.2f} s"
    stubborn_s = _interrupted(folder, '  t: {python: "steps:linger", with: {ignores: true}}\n', times=2)
    yield "second Ctrl-C to prompt, a task that ignores TERM", "< 2 s", f"{stubborn_s:.2f} s"


def durability(folder: Path) -> Iterator[Line]:
    """What waiting for the disk costs a task, from pairs of runs."""
    tasks = FAN_OUT.format(count=COUNT, step="nothing")
    pairs = [(_duration(folder, tasks), _duration(folder, tasks, "--no-sync")) for _ in range(3)]
    synced, loose = (min(times) for times in zip(*pairs, strict=True))
    yield (
        f"cost of durability, {COUNT} tasks",
        "<= 0.3 ms",
        f"{max(0.0, synced - loose) / COUNT * 1000:.2f} ms a task ({synced / loose:.2f} of --no-sync)",
    )


def resumption(folder: Path) -> Iterator[Line]:
    """From the command to the first start of what is left, of items and of as many tasks."""
    items = FAN_OUT.format(count=DONE, step="nothing") + "    executor: thread\n"
    task = '  t{n}: {{python: "steps:nothing", with: {{n: {n}}}, executor: thread}}\n'
    tasks = "".join(task.format(n=n) for n in range(DONE))
    yield f"resume with {DONE} items done, to the first start", "< 1 s", _resumed(folder, items, "many")
    yield f"resume with {DONE} tasks done, to the first start", "< 1 s", _resumed(folder, tasks, f"t{DONE - 1}")


def _resumed(folder: Path, tasks: str, need: str) -> str:
    (folder / "fixed").unlink(missing_ok=True)
    _run(folder, f'{tasks}  last: {{python: "steps:until_fixed", needs: [{need}]}}\n')
    (folder / "fixed").touch()
    before, began = len(_records(folder)), time.time()
    process = subprocess.Popen(_flowpar("resume", "-q"), cwd=folder, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    (started,) = [record for record in _records(folder)[before:] if record["event"] == "task.started"]
    cpu_s = usage.ru_utime + usage.ru_stime
    return f"{_at(started) - began:.2f} s ({cpu_s:.2f} s of the processor for the whole command)"


def checks(folder: Path) -> Iterator[Line]:
    """How long a check of very many tasks takes."""
    task = '  t{n}: {{python: "steps:nothing", needs: [{need}]}}\n'
    chain = "".join(task.format(n=n, need=f"t{n - 1}" if n else "") for n in range(20_000))
    yield "check of a chain of 20,000 tasks", "< 3 s", _timed(folder, chain)
    wide = "".join(task.format(n=n, need="") for n in range(100_000))
    (folder / "workflow.yaml").write_text(mixed(10_000, folder))
    yield "check of 10,000 tasks of all kinds", "< 3 s", _checked(folder)
    yield "check of 100,000 tasks", "< 20 s, 1 GB", _timed(folder, wide)


def _timed(folder: Path, tasks: str) -> str:
    _write(folder, tasks)
    return _checked(folder)


def _checked(folder: Path) -> str:
    began = time.monotonic()
    process = subprocess.Popen(_flowpar("check", "workflow.yaml"), cwd=folder, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    elapsed_s, cpu_s = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    return f"{elapsed_s:.2f} s ({cpu_s:.2f} s of the processor), {usage.ru_maxrss / 1024:.0f} MB"


def _interrupted(folder: Path, tasks: str, *, times: int) -> float:
    _write(folder, tasks)
    (folder / "lingers").unlink(missing_ok=True)
    process = subprocess.Popen(_flowpar("run", "workflow.yaml", "-q"), cwd=folder, stderr=subprocess.DEVNULL)
    _wait_for((folder / "lingers").exists)
    for _ in range(times - 1):
        process.send_signal(signal.SIGINT)
        _wait_for(lambda: any(record["event"] == "run.stopping" for record in _records(folder)))
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return time.monotonic() - began


def _wait_for(is_met: Callable[[], bool]) -> None:
    until = time.monotonic() + PROMPT_S * 10
    while not is_met() and time.monotonic() < until:
        time.sleep(0.005)


def _duration(folder: Path, tasks: str, *options: str) -> float:
    _run(folder, tasks, *options)
    return float(_records(folder)[-1]["duration_s"])


def _run(folder: Path, tasks: str, *options: str) -> None:
    _write(folder, tasks)
    _command(folder, "run", "workflow.yaml", "-q", *options)


def _write(folder: Path, tasks: str) -> None:
    (folder / "workflow.yaml").write_text(f"flowpar: 1\nname: figures\ntasks:\n{tasks}")


def _command(folder: Path, *arguments: str) -> None:
    subprocess.run(_flowpar(*arguments), cwd=folder, capture_output=True, check=False, timeout=600)


def _flowpar(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flowpar", *arguments]


def _records(folder: Path) -> list[dict[str, Any]]:
    """Return the newest run's journal."""
    newest = max((folder / ".flowpar" / "runs").glob("*/events.jsonl"), key=lambda path: path.stat().st_ctime_ns)
    return [json.loads(line) for line in newest.read_bytes().split(b"\n")[:-1]]


def _at(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["timestamp"]).timestamp()


if __name__ == "__main__":
    main()
