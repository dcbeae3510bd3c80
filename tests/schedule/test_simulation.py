"""Seeded plans with seeded faults in virtual time: what must hold after each step of every run holds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.events import Measure, RunStarted, Subject, TaskEnded, TaskRetrying, TaskStarted
from flowpar.core.states import TaskState
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut
from flowpar.testing.crew import Scripted
from flowpar.testing.scenario import Scenario
from flowpar.testing.simulate import simulate, simulate_all
from flowpar.testing.simulation import FakeItems, plan_of, planned, raised, value
from flowpar.testing.sink import RecordingSink
from flowpar.testing.witness import Broken, Witness

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import Event

SEEDS = 10_000
SOAKED_SEEDS = 200_000
RANGES = [range(first, first + 625) for first in range(0, SEEDS, 625)]  # so that the cores share them
# The first seeds whose runs go through a crash, and through none: which, changes with what scenarios draw.
CRASHING = next(seed for seed in range(100) if simulate(seed).crashes)
WHOLE = next(seed for seed in range(100) if not simulate(seed).crashes)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seeds", RANGES, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_ten_thousand_seeded_runs_keep_what_is_promised(seeds: range) -> None:
    assert simulate_all(seeds, processes=1) == []


def test_seeds_may_be_simulated_by_several_processes() -> None:
    assert simulate_all(range(SEEDS, SEEDS + 300), processes=2) == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_more_seeded_runs_keep_what_is_promised() -> None:
    assert simulate_all(range(SEEDS, SEEDS + SOAKED_SEEDS), processes=os.cpu_count()) == []


def test_some_of_the_runs_go_on_after_a_crash_with_tasks_that_had_joined_them() -> None:
    joined = [seed for seed in range(400) if any(task.template for task in Scenario(seed).plan.tasks)][:40]

    kept = [
        event
        for simulated in map(simulate, joined)
        for event in simulated.events
        if isinstance(event, RunStarted) and any("[" in task for task in event.layers[-1])
    ]

    assert len(kept) > 5


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    first, second = simulate(CRASHING), simulate(CRASHING, folder=tmp_path)

    assert first.crashes > 0
    assert first.events == second.events
    assert list(tmp_path.iterdir()) == []


def test_sinks_are_told_all_that_happens() -> None:
    sink = RecordingSink()

    simulated = simulate(WHOLE, sinks=[sink])

    assert simulated.crashes == 0
    assert sink.events == simulated.events


def test_a_broken_promise_names_the_seed_and_how_to_see_it_again() -> None:
    class Upset(RecordingSink):
        def emit(self, event: Event) -> None:  # noqa: ARG002 - the protocol's
            raise RuntimeError("no more room")

    with pytest.raises(Broken, match=r"^seed 1: no more room; to see it again: python -m flowpar.testing.simulate 1$"):
        simulate(1, sinks=[Upset()])


def test_the_command_shows_a_run() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "flowpar.testing.simulate", str(CRASHING)], capture_output=True, text=True, check=True
    )

    lines = shown.stdout.splitlines()
    assert '"event": "run.started"' in lines[0]
    assert any('"event": "run.resumed"' in line for line in lines)
    assert lines[-1].startswith(f"seed {CRASHING}: ")


def test_the_command_counts_what_is_broken() -> None:
    counted = subprocess.run(
        [sys.executable, "-m", "flowpar.testing.simulate", "--count", "20", "--first", "7", "--processes", "1"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert counted.stdout.startswith("20 seeds, 0 broken, ")


def test_a_steady_scenario_draws_no_stops_and_no_timeouts() -> None:
    steady = [scenario for scenario in map(Scenario, range(50)) if scenario.is_steady]

    assert steady
    assert not any(scenario.is_stopped or scenario.timeout_s or scenario.is_fail_fast for scenario in steady)
    assert {task.timeout_s for scenario in steady for task in scenario.plan.tasks} == {None}


def subject(task: str, item: int | None = None, attempt: int = 1) -> Subject:
    return Subject(task, item, attempt, 0, "process")


def started(task: str, item: int | None = None, attempt: int = 1) -> TaskStarted:
    return TaskStarted(subject(task, item, attempt), at=0.0, pid=1, wait_s=0.0)


def succeeded(task: str, item: int | None = None) -> TaskEnded:
    return TaskEnded(subject(task, item), 0.0, TaskState.SUCCEEDED, value(), None)


def retrying(task: str) -> TaskRetrying:
    failure = raised()
    return TaskRetrying(subject(task), 0.0, 1.0, failure, Measure(1, 0.0, 0.0, 0.0, 0.0))


BROKEN: dict[str, list[TaskStarted | TaskRetrying | TaskEnded]] = {
    "b started before a was done": [started("b")],
    "two live attempts at": [started("a"), started("a", attempt=2)],
    "started again after its end": [started("a"), succeeded("a"), started("a", attempt=2)],
    "has attempt 1 of round [01] twice": [started("a"), retrying("a"), started("a")],
    "ended twice": [started("a"), succeeded("a"), succeeded("a")],
    "started after its fan-out ended": [started("a"), succeeded("a"), started("a", 0)],
    "ended before its items": [started("a", 0), succeeded("a")],
}


@pytest.mark.parametrize("message", BROKEN)
def test_the_witness_notices(message: str) -> None:
    witness = Witness(plan_of([planned("a"), planned("b", "a")]))

    def tell() -> None:
        for event in BROKEN[message]:
            witness.emit(event)

    with pytest.raises(Broken, match=message):
        tell()


def test_the_witness_notices_that_what_was_done_begins_again() -> None:
    witness = Witness(plan_of([planned("a"), planned("b", "a")]))
    for event in (started("a"), succeeded("a"), started("b")):
        witness.emit(event)

    witness.go_on_after(2)

    witness.emit(started("b"))
    with pytest.raises(Broken, match="was done, and started again"):
        witness.emit(started("a", attempt=2))


def test_scenarios_have_items_with_keys_that_move_and_batches() -> None:
    moved, batches = 0, 0
    for scenario in map(Scenario, range(60)):
        before = {name: items.keys for name, items in scenario.items.items() if isinstance(items, FakeItems)}
        scenario.go_on()
        after = {name: items.keys for name, items in scenario.items.items() if isinstance(items, FakeItems)}
        moved += sum(keys is not None and after[name] != keys for name, keys in before.items())
        assert all(set(keys or ()) <= set(after[name] or ()) for name, keys in before.items())
        batches += sum(task.batch is not None and task.executor == "process" for task in scenario.plan.tasks)

    assert moved > 10
    assert batches > 10


def test_the_witness_knows_an_item_by_its_key_wherever_it_stands() -> None:
    task = planned("a", fan_out=FanOut({"x": Constant(None)}, key=Constant(None)))
    witness = Witness(plan_of([task]))
    first, moved = (replace(subject("a", item), key="k") for item in (0, 3))
    witness.emit(TaskStarted(first, at=0.0, pid=1, wait_s=0.0))
    witness.emit(TaskEnded(first, 0.0, TaskState.SUCCEEDED, value(), None))

    witness.go_on_after(2)

    with pytest.raises(Broken, match="was done, and started again"):
        witness.emit(TaskStarted(replace(moved, attempt=2), at=0.0, pid=1, wait_s=0.0))


def test_a_job_of_a_scenario_does_something() -> None:
    scenario = Scenario(5)
    crew = scenario.crew(lambda _: Scripted(value()))

    assert crew.has_room("process")
    assert 1 <= len(scenario.plan.tasks) <= 15  # of which three are of finally
