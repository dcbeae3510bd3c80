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
from trial import Trial, left_in_shared_memory, shared_memory

from flowpar.data.spool import read_all
from flowpar.execute import tree

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.timeout(300)

ITEMS, WORKERS = 30, 2
DEADLINE_S = 180.0  # thirty fresh interpreters on a busy machine, by spawn
TARGETS = ("engine", "guard", "launcher", "outputs", "task", "all")
START_METHODS = ("fork", "fork", "fork", "forkserver", "spawn")
EXECUTORS = ("process", "process", "process", "pool", "thread", "inline")
KILLS, SOAKED_KILLS = 3, int(os.environ.get("FLOWPAR_SOAK_KILLS", "500"))
SAID_AFTER_KILLS = 50
# What a kill may make run again: for each slot the body that was running, or had ended and was about to be recorded.
AGAIN_BY_A_KILL = WORKERS
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
WORKFLOW = """flowpar: 1
name: soak
tasks:
  item:
    executor: EXECUTOR
    for_each: {n: "${{ range(ITEMS) }}"}
    python: steps:item
    with: {n: "${{ each.n }}"}
    retry: 20
  total:
    python: steps:total
    with: {numbers: "${{ tasks.item.output }}"}
outputs: {total: "${{ tasks.total.output }}"}
"""
# Short ones, which travel together; now and then one that others wait behind.
BRIEF_ITEMS = 300
BRIEF_STEPS = """
import os, time

FILE = []


def item(n: int) -> int:
    time.sleep(0.3 if n % 50 == 49 else 0.001)
    if not FILE:
        FILE.append(os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    os.write(FILE[0], f"{n}\\n".encode())
    return n * n


def total(numbers: list[int]) -> int:
    return sum(numbers)
"""


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
            return [
                pid
                for pid, name in alive.items()
                if name in {"item", "flowpar:pool", "flowpar:threads", "flowpar:inline"}
            ][:1]
        case _:
            return list(alive)


def is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
    except OSError:
        return False


def done_items(trial: Trial) -> set[str]:
    """Return the items that the journal has, and those that workers have kept for it."""
    recorded = {
        str(record["item"])
        for record in trial.records()
        if record["event"] == "task.succeeded" and record.get("item") is not None
    }
    folders = sorted((trial.folder / ".flowpar" / "runs").glob("*"))[-1:]
    return recorded | {str(kept.ticket.item) for folder in folders for kept in read_all(str(folder))}


class Soak:
    """Runs that are killed and gone on with until they are done, and what came of that."""

    def __init__(self, folder: Path, seed: int, *, items: int, steps: str) -> None:
        self._folder = folder
        self._items = items
        self._steps = steps
        self._draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
        self.told: Counter[str] = Counter()
        # Guard and launcher killed together may leave what had left its session, until the run goes on.
        self._spared: frozenset[int] = frozenset()

    def run(self, *, executors: tuple[str, ...], start_methods: tuple[str, ...]) -> None:
        """Take one run to its end, whatever is killed on the way."""
        workflow = WORKFLOW.replace("EXECUTOR", self._draw.choice(executors)).replace("ITEMS", str(self._items))
        trial = Trial(
            self._folder / str(self.told["runs"]),
            steps=self._steps,
            workflow=workflow,
            deadline_s=DEADLINE_S,
            is_warm=False,
        )
        self.told["runs"] += 1
        options = ("-w", str(WORKERS), "--json", "--start-method", self._draw.choice(start_methods))
        self._spared = frozenset()
        try:
            while not self._part(trial, options):
                self.told["resumed"] += 1
        finally:
            trial.clear()
        assert set(trial.ran()) == {str(n) for n in range(self._items)}

    def _part(self, trial: Trial, options: tuple[str, ...]) -> bool:
        """Run or go on, kill something, and check what is left; whether the run came to its end."""
        before, done = trial.ran(), done_items(trial)
        verb = ("resume",) if trial.has_begun() else ("run", "workflow.yaml")
        process = trial.start(*verb, *options)
        target = self._kill(process, trial)
        if target == "all":
            process.wait(DEADLINE_S)
            self._end_what_stands_still(trial)
        ended = trial.end_of(process)
        is_done: bool = ended.code == 0
        left = trial.survivors(but=frozenset() if is_done else self._spared)
        if target == "all":
            self._spared |= left.keys()
        else:
            assert left == {}, f"after a kill of {target}: {left}"
        ran, now_done = trial.ran(), done_items(trial)
        assert {item: ran[item] for item in done} == {item: before[item] for item in done}, f"{target}: ran again"
        assert done <= now_done, f"{target}: lost"
        again = sum((ran - before).values()) - len(now_done - done)
        assert again <= AGAIN_BY_A_KILL, f"{target}: {again} bodies were in vain"
        self.told["bodies in vain"] += again
        self.told["most bodies in vain by a kill"] = max(again, self.told["most bodies in vain by a kill"])
        # A fresh interpreter whose launcher was killed before it said what to do says so in Python's own words.
        assert "Traceback" not in ended.stderr or "in spawn_main" in ended.stderr, ended
        assert ended.code in {0, 3, -signal.SIGKILL}, ended
        assert not is_done or json.loads(ended.stdout) == {"total": sum(n * n for n in range(self._items))}
        return is_done

    def _end_what_stands_still(self, trial: Trial) -> None:
        """End what the guard had stopped, to end it, and was killed itself: it holds the command's stderr for ever."""
        for pid in trial.survivors():
            if is_stopped(pid):
                tree.send(pid, signal.SIGKILL)
                self.told["stopped and left"] += 1

    def _kill(self, process: subprocess.Popen[str], trial: Trial) -> str:
        """Kill something after a while, where the command is not over by then; return what."""
        target = self._draw.choice(TARGETS)
        if not self._comes_to_a_moment(process, trial):
            return "nothing"
        found = victims(process, trial, target)
        for pid in found:
            tree.send(pid, signal.SIGKILL)
        if found:
            self.told["kills"] += 1
            self.told[f"kills of {target}"] += 1
        return target

    def _comes_to_a_moment(self, process: subprocess.Popen[str], trial: Trial) -> bool:
        """Wait for some bodies to run, or for a time, as it begins; whether the command is still there."""
        bodies = trial.ran().total() + self._draw.randint(1, self._items // 2)
        delay_s = self._draw.choice([0.05, 0.3, 0.5, 0.8, DEADLINE_S, DEADLINE_S, DEADLINE_S, DEADLINE_S])
        until = time.monotonic() + delay_s
        while process.poll() is None and trial.ran().total() < bodies and time.monotonic() < until:
            time.sleep(0.01)
        return process.poll() is None


def soak(
    folder: Path,
    *,
    seed: int,
    kills: int,
    executors: tuple[str, ...],
    start_methods: tuple[str, ...],
    items: int = ITEMS,
    steps: str = STEPS,
) -> Counter[str]:
    """Kill so many times, over as many runs as it takes; return what came of them."""
    before = shared_memory()
    soaking = Soak(folder, seed, items=items, steps=steps)
    while (killed := soaking.told["kills"]) < kills:
        try:
            soaking.run(executors=executors, start_methods=start_methods)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {dict(soaking.told)}: {error}") from error
        if soaking.told["kills"] // SAID_AFTER_KILLS > killed // SAID_AFTER_KILLS:
            say(seed, soaking.told)
    assert not left_in_shared_memory(before)
    return soaking.told


def say(seed: int, told: Counter[str]) -> None:
    """Say how far it is, and how it went; pytest shows it with -s."""
    sys.stderr.write(f"seed {seed}: {dict(told)}\n")


def test_a_few_random_kills_lose_nothing(tmp_path: Path) -> None:
    told = soak(tmp_path, seed=2, kills=KILLS, executors=("process",), start_methods=("fork",))

    assert told["kills"] >= KILLS


def test_a_few_random_kills_amid_bundles_lose_nothing(tmp_path: Path) -> None:
    """Whatever had ended in a bundle is not made again, though the engine never recorded it."""
    told = soak(
        tmp_path,
        seed=3,
        kills=KILLS,
        executors=("pool",),
        start_methods=("fork",),
        items=BRIEF_ITEMS,
        steps=BRIEF_STEPS,
    )

    assert told["kills"] >= KILLS


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_hundreds_of_random_kills_amid_bundles_lose_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("FLOWPAR_SOAK_SEED", "1"))

    told = soak(
        tmp_path,
        seed=seed,
        kills=SOAKED_KILLS,
        executors=("pool",),
        start_methods=START_METHODS,
        items=BRIEF_ITEMS,
        steps=BRIEF_STEPS,
    )

    say(seed, told)
    assert told["kills"] >= SOAKED_KILLS


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_hundreds_of_random_kills_lose_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("FLOWPAR_SOAK_SEED", "1"))

    told = soak(tmp_path, seed=seed, kills=SOAKED_KILLS, executors=EXECUTORS, start_methods=START_METHODS)

    say(seed, told)
    assert told["kills"] >= SOAKED_KILLS
