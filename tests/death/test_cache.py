"""Two runs over one cache, one of them killed at some moment: no value is wrong, and no entry torn."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.data.cache import CacheFolder
from flowpar.record.cache_care import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STEPS = """
import numpy as np
from pathlib import Path


def small(n: int) -> int:
    return n * n


def large(n: int):
    return np.full(20_000, float(n))


def write(n: int, values) -> float:
    Path("out").mkdir(exist_ok=True)
    Path("out", f"{n}.txt").write_text(f"{n}" * 1000)
    return float(values.sum())
"""
WORKFLOW = """
flowpar: 1
inputs: {numbers: {type: list, items: integer}}
tasks:
  small:
    python: steps:small
    for_each: {n: "${{ inputs.numbers }}"}
    with: {n: "${{ each.n }}"}
    cache: true
  large:
    python: steps:large
    for_each: {n: "${{ inputs.numbers }}"}
    with: {n: "${{ each.n }}"}
    cache: true
  write:
    python: steps:write
    for_each: {n: "${{ inputs.numbers }}", values: "${{ tasks.large.output }}"}
    with: {n: "${{ each.n }}", values: "${{ each.values }}"}
    cache: {outputs: "out/${{ each.n }}.txt"}
outputs: {small: "${{ tasks.small.output }}", sums: "${{ tasks.write.output }}"}
"""
PATIENCE_S = 120.0
COUNT = 5


class Yard:
    """Two checkouts of one workflow, and the cache that they share."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.checkouts = [folder / name / "project" for name in ("one", "two")]
        for checkout in self.checkouts:
            checkout.mkdir(parents=True)
            (checkout / "steps.py").write_text(STEPS)
            (checkout / "w.yaml").write_text(WORKFLOW)

    def start(self, number: int, numbers: Sequence[int], *options: str) -> warm.Started:
        checkout = self.checkouts[number]
        given = ["-i", f"numbers={json.dumps(list(numbers))}", "--cache-dir", str(self.cache), *options]
        return warm.Started(
            ["run", "w.yaml", "--json", "--executor", "pool", "-w", "2", "--no-sync", *given],
            cwd=checkout,
            stdout=subprocess.PIPE,
        )

    def kill_one_of_two(self, chance: random.Random, turn: int, *options: str) -> None:
        """Start two runs that have half of their items in common, kill one of them, and look at what is left."""
        first, second = range(turn, turn + COUNT), range(turn + 2, turn + 2 + COUNT)
        runs = [self.start(0, first, *options), self.start(1, second, *options)]
        time.sleep(chance.uniform(0.0, 0.8))  # some moment: there is nothing to wait for
        killed = chance.randrange(2)
        runs[killed].send_signal(signal.SIGKILL)
        survivor, numbers = runs[1 - killed], (first, second)[1 - killed]
        assert survivor.stdout is not None
        told = json.loads(survivor.stdout.read())
        assert survivor.wait(PATIENCE_S) == 0
        runs[killed].wait(PATIENCE_S)
        if (rest := runs[killed].stdout) is not None:
            rest.close()
        survivor.stdout.close()

        assert told == {"small": [n * n for n in numbers], "sums": [20_000.0 * n for n in numbers]}
        for n in numbers:
            assert (self.checkouts[1 - killed] / "out" / f"{n}.txt").read_text() == f"{n}" * 1000


def problems_in(cache: Path) -> list[str]:
    """Return what is torn."""
    return verify(CacheFolder(str(cache)))[1]


@contextmanager
def making_room(cache: Path) -> Iterator[list[int]]:
    """Let another process make room in a cache all the time; give how often it did."""
    is_over, done = Event(), []

    def make_room() -> None:
        while not is_over.is_set():
            if cache.is_dir():
                swept = warm.run(["cache", "gc", "--limit", "150KiB", "--cache-dir", str(cache)], cwd=cache.parent)
                assert swept.returncode == 0, swept.stderr
                done.append(1)
            is_over.wait(0.02)

    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(make_room)
        try:
            yield done
        finally:
            is_over.set()
            sweeping.result()


@pytest.mark.timeout(300)
def test_a_run_that_is_killed_harms_no_other_over_the_same_cache(tmp_path: Path) -> None:
    yard, chance = Yard(tmp_path), random.Random(8)  # noqa: S311 - for a test

    for turn in range(3):
        yard.kill_one_of_two(chance, turn)

    assert verify(CacheFolder(str(yard.cache)))[1] == []


@pytest.mark.timeout(300)
def test_a_run_that_is_killed_while_room_is_made_harms_no_other(tmp_path: Path) -> None:
    yard, chance = Yard(tmp_path), random.Random(9)  # noqa: S311 - for a test

    with making_room(yard.cache) as sweeps:
        for turn in range(2):
            yard.kill_one_of_two(chance, turn)
            assert problems_in(yard.cache) == []

    assert sweeps


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_two_hundred_runs_that_are_killed_while_room_is_made_harm_no_other(tmp_path: Path) -> None:
    yard, chance = Yard(tmp_path), random.Random(10)  # noqa: S311 - the same

    with making_room(yard.cache) as sweeps:
        for turn in range(200):
            yard.kill_one_of_two(chance, turn)
            assert problems_in(yard.cache) == [], turn

    assert len(sweeps) >= 200


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("limit", ["1GiB", "1MiB"])
def test_two_hundred_runs_that_are_killed_harm_no_other(tmp_path: Path, limit: str) -> None:
    yard, chance = Yard(tmp_path), random.Random(limit)  # noqa: S311 - the same

    for turn in range(200):
        yard.kill_one_of_two(chance, turn, "--cache-limit", limit)
        assert problems_in(yard.cache) == [], turn
