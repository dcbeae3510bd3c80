"""Random kills of any process of a run, again and again until it is done: nothing is lost, left or hangs."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import Trial

from flowpar.execute import tree

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.timeout(300)

ITEMS, WORKERS = 24, 2
TARGETS = ("engine", "guard", "launcher", "outputs", "task", "all")
CYCLES, SOAKED_CYCLES = 6, 500
STEPS = """
import os, subprocess, time


def item(n: int) -> int:
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; sleep 60"])  # what leaves the session must not be left
    time.sleep(0.02 + n % 3 * 0.02)
    number = os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(number, f"{n}\\n".encode())
    return n * n


def total(numbers: list[int]) -> int:
    return sum(numbers)
"""
WORKFLOW = f"""flowpar: 1
name: soak
tasks:
  item:
    for_each: {{n: "${{{{ range({ITEMS}) }}}}"}}
    python: steps:item
    with: {{n: "${{{{ each.n }}}}"}}
    retry: 20
  total:
    python: steps:total
    with: {{numbers: "${{{{ tasks.item.output }}}}"}}
outputs: {{total: "${{{{ tasks.total.output }}}}"}}
"""
OUTPUTS = {"total": sum(n * n for n in range(ITEMS))}


def victims(process: subprocess.Popen[str], trial: Trial, target: str) -> list[int]:
    """Return the processes to kill, empty where there are none just now."""
    alive = trial.alive()
    launchers = [pid for pid, name in alive.items() if name == "flowpar:launch"]
    match target:
        case "guard":
            return [process.pid]
        case "launcher":
            return launchers
        case "engine":
            return [pid for pid in tree.children_of(process.pid) if pid not in launchers and pid in alive]
        case "outputs":
            return [pid for pid, name in alive.items() if name == "flowpar:outputs"]
        case "task":
            return [pid for pid, name in alive.items() if name == "item"][:1]
        case _:
            return list(alive)


def done_items(trial: Trial) -> set[str]:
    return {
        str(record["item"])
        for record in trial.records()
        if record["event"] == "task.succeeded" and record.get("item") is not None
    }


def cycle(trial: Trial, draw: random.Random) -> bool:
    """Run or go on, kill something, and check what is left; whether the run came to its end."""
    before, done = trial.ran(), done_items(trial)
    verb = ("resume",) if trial.has_begun() else ("run", "workflow.yaml")
    process = trial.start(*verb, "-w", str(WORKERS), "--json")
    delay_s = draw.choice([0.05, 0.3, 0.5, 0.7, 0.9, 1.2])
    target = draw.choice(TARGETS)
    until = time.monotonic() + delay_s
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    if process.poll() is None:
        for pid in victims(process, trial, target):
            tree.send(pid, signal.SIGKILL)
    ended = trial.end_of(process)
    left = trial.survivors()
    assert left == {}, f"after a kill of {target}: {left}"
    ran = trial.ran()
    assert {item: ran[item] for item in done} == {item: before[item] for item in done}, f"{target}: ran again"
    assert "Traceback" not in ended.stderr, ended
    assert ended.code in {0, 1, 3, -signal.SIGKILL}, ended
    if ended.code == 0:
        assert json.loads(ended.stdout) == OUTPUTS
    return bool(ended.code == 0)


def soak(folder: Path, *, seed: int, cycles: int) -> Counter[str]:
    """Go through so many cycles, over as many runs as it takes; return what came of them."""
    draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
    shared_memory = set(os.listdir("/dev/shm"))  # noqa: PTH208
    told: Counter[str] = Counter()
    while told["cycles"] < cycles:
        trial, kills = Trial(folder / str(told["runs"]), steps=STEPS, workflow=WORKFLOW), 0
        told["runs"] += 1
        try:
            is_done = False
            while not is_done:
                is_done = cycle(trial, draw)
                kills += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, run {told['runs']}, cycle {kills + 1} of it: {error}") from error
        finally:
            trial.clear()
        told["cycles"] += kills
        ran = trial.ran()
        assert set(ran) == {str(n) for n in range(ITEMS)}
        told["bodies that ran again"] += sum(ran.values()) - ITEMS
        # What was in flight, and what had ended and was about to be recorded.
        assert sum(ran.values()) - ITEMS <= kills * (WORKERS + 1)
    left = {name for name in set(os.listdir("/dev/shm")) - shared_memory if not name.startswith("flowpar-seed-")}  # noqa: PTH208
    assert not {name for name in left if name.startswith(("sem.", "psm_"))}
    return told


def test_a_few_random_kills_lose_nothing(tmp_path: Path) -> None:
    told = soak(tmp_path, seed=2, cycles=CYCLES)

    assert told["cycles"] >= CYCLES


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_hundreds_of_random_kills_lose_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("FLOWPAR_SOAK_SEED", "1"))

    told = soak(tmp_path, seed=seed, cycles=SOAKED_CYCLES)

    sys.stderr.write(f"seed {seed}: {dict(told)}\n")
    assert told["cycles"] >= SOAKED_CYCLES
