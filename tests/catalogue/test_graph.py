"""Rows D: graphs that are long, wide or knotted run as small ones do."""

from __future__ import annotations

import json
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.catalogue.conftest import Yard

pytestmark = pytest.mark.timeout(180)

STEPS = """
    import os, time

    def note(line):
        number = os.open("noted", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(number, f"{line}\\n".encode())
        os.close(number)

    def one() -> int: return 1
    def inc(n: int) -> int: return n + 1
    def add(ns: list[int]) -> int: return sum(ns)

    def count(n: int) -> int:
        note(f"{time.monotonic_ns()} 1 {n} {os.getpid()}")
        time.sleep(0.01)
        note(f"{time.monotonic_ns()} -1 {n} {os.getpid()}")
        return n
"""


def chain(length: int) -> str:
    links = (
        f'  t{n}: {{python: "steps:inc", with: {{n: "${{{{ tasks.t{n - 1}.output }}}}"}}}}\n' for n in range(1, length)
    )
    last = f'outputs: {{n: "${{{{ tasks.t{length - 1}.output }}}}"}}\n'
    return f'defaults: {{executor: inline}}\ntasks:\n  t0: {{python: "steps:one"}}\n{"".join(links)}{last}'


def test_d04_a_chain_of_500_tasks_runs_to_its_end(yard: Yard) -> None:
    yard.write(chain(500), STEPS)

    ended = yard.run("--json")

    assert ended.code == 0, ended.stderr[-2000:]
    assert json.loads(ended.stdout) == {"n": 500}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_d04_a_chain_of_50_000_tasks_runs_to_its_end(yard: Yard) -> None:
    yard.write(chain(50_000), STEPS)

    ended = yard.end_of(yard.start("run", "workflow.yaml", "--json"), within_s=3000)

    assert ended.code == 0, ended.stderr[-2000:]
    assert json.loads(ended.stdout) == {"n": 50_000}


@pytest.mark.parametrize("form", ["tasks", "items"])
def test_d06_of_150_each_runs_once_and_no_more_at_a_time_than_workers(yard: Yard, form: str) -> None:
    each = 'for_each: {n: "${{ range(150) }}"}, with: {n: "${{ each.n }}"}'
    lines = (
        [f'  t{n}: {{python: "steps:count", with: {{n: {n}}}}}' for n in range(150)]
        if form == "tasks"
        else [f'  t: {{python: "steps:count", {each}}}']
    )
    yard.write("\n".join(["tasks:", *lines]), STEPS)

    ended = yard.run("-w", "3")

    assert ended.code == 0, ended.stderr[-2000:]
    noted = sorted(tuple(map(int, line.split())) for line in (yard.folder / "noted").read_text().splitlines())
    assert Counter(number for _, _, number, _ in noted) == dict.fromkeys(range(150), 2)
    assert len({pid for _, _, _, pid in noted}) == 150
    assert 1 < max(accumulate(step for _, step, _, _ in noted)) <= 3


def test_d08_needs_that_stand_twice_and_10_000_edges_count_once(yard: Yard) -> None:
    middle = "\n".join(f'  m{n}: {{python: "steps:one", needs: [a, a]}}' for n in range(100))
    tops = ", ".join(f"m{n}" for n in range(100))
    ends = "\n".join(f'  e{n}: {{python: "steps:one", needs: [{tops}, m1]}}' for n in range(100))
    yard.write(f'defaults: {{executor: thread}}\ntasks:\n  a: {{python: "steps:one"}}\n{middle}\n{ends}\n', STEPS)

    ended = yard.run()

    assert ended.code == 0, ended.stderr[-2000:]
    started = Counter(record["task"] for record in yard.records() if record["event"] == "task.started")
    assert len(started) == 201
    assert set(started.values()) == {1}


def test_d09_a_run_of_which_all_is_skipped_succeeds_and_says_so(yard: Yard) -> None:
    yard.write(
        'tasks:\n  a: {python: "steps:one", if: "${{ env.NOT_SET == \'x\' }}"}\n  b: {shell: "true", needs: [a]}', STEPS
    )

    ended = yard.run(NOT_SET="y")

    assert ended.code == 0, ended.stderr
    assert "succeeded" in ended.stderr.splitlines()[-2]
    assert "2 skipped" in ended.stderr
    assert {end["event"] for end in yard.ends().values()} == {"task.skipped"}
