"""Fan-outs that feed each other item by item, in virtual time: no barrier, and what failures mean."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from flowpar.core.events import TaskEnded, TaskExpanded, TaskSkipped, TaskStarted
from flowpar.core.outcome import Failure, ValueRef
from flowpar.core.states import TaskState
from flowpar.engine.resumption import sort_out
from flowpar.execute.base import Reported
from flowpar.expr.template import Constant
from flowpar.planning.model import FanOut, PlannedTask, Retry
from flowpar.record.journal import Journal
from flowpar.record.resume import Verified, read_settled
from flowpar.schedule.run import RunOptions
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import (
    FakeDecisions,
    FakeItems,
    Played,
    part_of,
    plan_of,
    planned,
    play,
    raised,
    value,
    yielding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from flowpar.execute.base import Job
    from flowpar.schedule.start import Start

COUNT = 20


def fanned(task: str, *sources: str, needs: Sequence[str] = (), **changes: object) -> PlannedTask:
    """Return a fan-out that `sources` feed, a name each."""
    feeds = {f"x{number}": source for number, source in enumerate(sources)}
    fields = {key: changes.pop(key) for key in ("max_parallel", "on_item_error") if key in changes}
    fan_out = FanOut({name: Constant(None) for name in feeds}, feeds=feeds, **fields)  # type: ignore[arg-type]
    return planned(task, *dict.fromkeys([*sources, *needs]), fan_out=fan_out, decides_on=frozenset(sources), **changes)


def items(count: int, *tasks: str, verdicts: Mapping[str, Sequence[bool]] | None = None) -> FakeDecisions:
    found = {task: FakeItems(count, (verdicts or {}).get(task), [f"x{n}" for n in range(3)]) for task in tasks}
    return FakeDecisions(items=found)


def failing(task: str, *at: int) -> Callable[[Job], Scripted]:
    return lambda job: Scripted(raised() if job.task == task and job.item in at else value())


def started(played: Played, task: str) -> list[int]:
    return sorted(event.subject.item or 0 for event in played.sink.of(TaskStarted) if event.subject.task == task)


def state_of(played: Played, task: str) -> str:
    return played.end.states[task].value


@pytest.mark.parametrize("seed", range(5))
def test_a_chain_of_items_takes_what_its_slowest_pair_takes(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - the same each time, and no secret
    took = {(task, item): draw.uniform(0.2, 2.0) for task in "ab" for item in range(COUNT)}

    played = play(
        [fanned("a"), fanned("b", "a")],
        lambda job: Scripted(value(), took[job.task, job.item or 0]),
        workers=2 * COUNT,
        decisions=items(COUNT, "a", "b"),
    )

    ideal = max(took["a", item] + took["b", item] for item in range(COUNT))
    barrier = sum(max(took[task, item] for item in range(COUNT)) for task in "ab")
    assert played.end.duration_s == pytest.approx(ideal)
    assert played.end.duration_s < 0.95 * barrier


def test_with_few_workers_no_slot_is_idle_while_an_item_could_run() -> None:
    draw = random.Random(11)  # noqa: S311 - the same each time, and no secret
    took = {(task, item): draw.uniform(0.2, 2.0) for task in "ab" for item in range(COUNT)}

    played = play(
        [fanned("a"), fanned("b", "a")],
        lambda job: Scripted(value(), took[job.task, job.item or 0]),
        workers=4,
        decisions=items(COUNT, "a", "b"),
    )

    assert played.end.duration_s < 1.15 * sum(took.values()) / 4


def test_items_go_down_a_chain_of_chains() -> None:
    played = play(
        [fanned("a", max_parallel=1), fanned("b", "a"), fanned("c", "b")],
        workers=8,
        decisions=items(5, "a", "b", "c"),
    )

    at = {(e.subject.task, e.subject.item): e.at for e in played.sink.of(TaskStarted)}
    assert [at["c", item] - at["a", item] for item in range(5)] == [pytest.approx(2.0)] * 5
    assert state_of(played, "c") == "succeeded"


def test_an_item_waits_for_each_of_its_sources() -> None:
    slow = {("a", 0): 3.0, ("b", 1): 5.0}
    played = play(
        [fanned("a"), fanned("b"), fanned("c", "a", "b")],
        lambda job: Scripted(value(), slow.get((job.task, job.item or 0), 1.0)),
        workers=8,
        decisions=items(3, "a", "b", "c"),
    )

    at = {e.subject.item: e.at for e in played.sink.of(TaskStarted) if e.subject.task == "c"}
    began = played.sink.events[0].at
    assert {item: round(when - began) for item, when in at.items()} == {0: 3, 1: 5, 2: 1}


def test_other_needs_are_waited_for() -> None:
    played = play(
        [planned("slow"), fanned("a"), fanned("b", "a", needs=["slow"])],
        lambda job: Scripted(value(), 9.0 if job.task == "slow" else 1.0),
        workers=4,
        decisions=items(3, "a", "b"),
    )

    first = min(e.at for e in played.sink.of(TaskStarted) if e.subject.task == "b")
    assert first - played.sink.events[0].at == pytest.approx(9.0)


def test_no_items_are_no_items_for_those_that_they_feed() -> None:
    played = play([fanned("a"), fanned("b", "a")], decisions=items(0, "a", "b"))

    assert state_of(played, "b") == "succeeded"
    assert [event.items for event in played.sink.of(TaskExpanded)] == [0, 0]


@pytest.mark.parametrize("mode", ["finish", "fail_fast"])
def test_an_item_that_fails_stops_what_it_feeds(mode: str) -> None:
    script = failing("a", 1)
    played = play(
        [fanned("a", max_parallel=1, on_item_error=mode), fanned("b", "a"), fanned("c", "b"), planned("d", "c")],
        script,
        workers=4,
        decisions=items(4, "a", "b", "c"),
    )

    assert [state_of(played, task) for task in "abcd"] == ["failed", "cancelled", "skipped", "skipped"]
    assert started(played, "b") == [0]
    (why,) = [e.outcome for e in played.sink.of(TaskEnded) if e.subject.task == "b" and e.subject.item is None]
    assert isinstance(why, Failure)
    assert why.message == 'cancelled: item 1 of task "a" failed'


def test_what_no_item_of_has_run_is_skipped_as_with_a_barrier() -> None:
    played = play([fanned("a"), fanned("b", "a")], failing("a", 0, 1), decisions=items(2, "a", "b"))

    assert state_of(played, "b") == "skipped"
    assert [event.reason for event in played.sink.of(TaskSkipped)] == ['task "a" failed']


def test_a_failed_item_that_is_collected_feeds_none() -> None:
    played = play(
        [fanned("a", on_item_error="collect"), fanned("b", "a")], failing("a", 1), decisions=items(3, "a", "b")
    )

    assert state_of(played, "b") == "succeeded"
    assert started(played, "b") == [0, 1, 2]


def test_a_retried_item_feeds_when_it_has_succeeded() -> None:
    tries = {"a": 0}

    def script(job: Job) -> Scripted:
        if job.task == "a" and job.item == 1 and job.attempt == 1:
            tries["a"] += 1
            return Scripted(raised())
        return Scripted(value())

    played = play([fanned("a", retry=Retry(2, 4.0)), fanned("b", "a")], script, workers=4, decisions=items(3, "a", "b"))

    at = {e.subject.item: e.at for e in played.sink.of(TaskStarted) if e.subject.task == "b"}
    assert tries == {"a": 1}
    assert at[1] - at[0] == pytest.approx(5.0)


@pytest.mark.parametrize("at_worker", [frozenset[str](), frozenset({"a", "b"})])
def test_an_if_is_asked_for_each_item_as_it_comes(at_worker: frozenset[str]) -> None:
    decisions = items(3, "a", "b", "c", verdicts={"b": [True, False, True]})
    decisions.at_worker = at_worker
    asked = replace(fanned("b", "a"), condition=Constant(value=True), condition_is_per_item=True)

    played = play(
        [fanned("a", max_parallel=1), asked, fanned("c", "b")],
        lambda job: Scripted(value(_answer(job, at_worker))),
        workers=4,
        decisions=decisions,
    )

    assert started(played, "b") == [0, 2]
    assert started(played, "c") == [0, 1, 2]
    assert state_of(played, "c") == "succeeded"


def _answer(job: Job, at_worker: frozenset[str]) -> str:
    return f"{job.task}/{job.item}" if job.task in at_worker and job.item is not None else job.task


def test_max_parallel_bounds_what_is_fed() -> None:
    played = play([fanned("a"), fanned("b", "a", max_parallel=1)], workers=8, decisions=items(6, "a", "b"))

    at = sorted(e.at for e in played.sink.of(TaskStarted) if e.subject.task == "b")
    assert [later - earlier for earlier, later in pairwise(at)] == [pytest.approx(1.0)] * 5


def test_a_run_that_goes_on_makes_only_what_is_missing(tmp_path: Path) -> None:
    plan = [fanned("a", max_parallel=1), fanned("b", "a"), fanned("c", "b")]
    decisions = items(6, "a", "b", "c")
    first = play(plan, failing("a", 3), workers=4, decisions=decisions)
    journal = Journal(tmp_path / "events.jsonl", is_synced=False)
    for event in first.sink.events:
        journal.emit(event)
    journal.close()
    settled, _ = read_settled(tmp_path)
    start: Start = sort_out(plan_of(plan), Verified(settled, {}), first_job=1000).start

    second = play(plan, workers=4, decisions=decisions, options=RunOptions("run", "/nowhere", start=start))

    assert started(first, "a") == [0, 1, 2, 3, 4, 5]
    assert started(second, "a") == [3]
    assert sorted(started(first, "b") + started(second, "b")) == [0, 1, 2, 3, 4, 5]
    assert sorted(started(first, "c") + started(second, "c")) == [0, 1, 2, 3, 4, 5]
    assert set(second.end.states.values()) == {TaskState.SUCCEEDED}


def streaming(
    count: int, *, fails: Sequence[int] = (), other: int | None = None, lost: Sequence[int] = ()
) -> tuple[Callable[[Job], Scripted], list[ValueRef]]:
    """Return a script in which "a" yields a value a second, and these values.

    The attempts `fails` fail after two thirds of them; `other` is a value that the second attempt yields as
    another one; `lost` are never told.
    """
    parts = [part_of("a", index) for index in range(count)]

    def script(job: Job) -> Scripted:
        if job.task != "a":
            return Scripted(value(job.task), 1.5)
        changed = [
            part_of("other", index) if index == other and job.attempt > 1 else parts[index] for index in range(count)
        ]
        told = tuple((index + 1.0, yielding(index, part)) for index, part in enumerate(changed) if index not in lost)
        failed = job.attempt in fails
        return Scripted(raised() if failed else value("a"), count * 2 / 3 if failed else count + 1.0, yields=told)

    return script, parts


def play_stream(
    task: PlannedTask, script: Callable[[Job], Scripted], parts: Sequence[ValueRef], *, workers: int = 4
) -> Played:
    decisions = FakeDecisions(items={"b": FakeItems(len(parts), None, ["x0"])}, yielded={"a": parts})
    return play([task, fanned("b", "a"), planned("c", "b")], script, workers=workers, decisions=decisions)


def test_an_item_starts_when_it_is_yielded() -> None:
    script, parts = streaming(5)

    played = play_stream(planned("a"), script, parts)

    began = played.sink.events[0].at
    at = {e.subject.item: e.at - began for e in played.sink.of(TaskStarted) if e.subject.task == "b"}
    assert at == {item: pytest.approx(item + 1.0) for item in range(5)}
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}


def test_with_one_worker_items_start_when_the_function_is_over() -> None:
    script, parts = streaming(3)

    played = play_stream(planned("a"), script, parts, workers=1)

    assert started(played, "b") == [0, 1, 2]
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}


def test_what_was_lost_on_its_way_is_found_in_the_end() -> None:
    script, parts = streaming(6, lost=[0, 3, 5])

    played = play_stream(planned("a"), script, parts)

    assert started(played, "b") == [0, 1, 2, 3, 4, 5]
    assert [event.items for event in played.sink.of(TaskExpanded)] == [6]


def test_a_function_that_fails_half_way_stops_what_it_feeds() -> None:
    script, parts = streaming(6, fails=[1])

    played = play_stream(planned("a"), script, parts)

    assert [state_of(played, task) for task in "abc"] == ["failed", "cancelled", "skipped"]
    assert started(played, "b") == [0, 1, 2]


def test_a_retry_that_yields_the_same_again_keeps_what_was_made_of_it() -> None:
    script, parts = streaming(6, fails=[1])

    played = play_stream(planned("a", retry=Retry(2)), script, parts)

    assert started(played, "b") == [0, 1, 2, 3, 4, 5]
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}


def test_a_retry_that_yields_something_else_fails_what_went_on_with_the_first() -> None:
    script, parts = streaming(6, fails=[1], other=1)

    played = play_stream(planned("a", retry=Retry(2)), script, parts)

    assert [state_of(played, task) for task in "abc"] == ["succeeded", "failed", "skipped"]
    (why,) = [e.outcome for e in played.sink.of(TaskEnded) if e.subject.task == "b" and e.subject.item is None]
    assert isinstance(why, Failure)
    assert why.message == 'for_each: a retry of task "a" yielded another value as item 1 than before'


def test_a_chain_goes_on_from_what_is_yielded() -> None:
    script, parts = streaming(4)
    names = [FakeItems(4, None, ["x0"]) for _ in range(2)]
    decisions = FakeDecisions(items=dict(zip("bc", names, strict=True)), yielded={"a": parts})

    played = play([planned("a"), fanned("b", "a"), fanned("c", "b")], script, workers=8, decisions=decisions)

    at = {(e.subject.task, e.subject.item): e.at for e in played.sink.of(TaskStarted)}
    assert at["c", 0] < at["b", 2]
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}


def test_what_is_no_value_of_ours_is_left() -> None:
    bodies: list[dict[str, object]] = [{}, {"index": "1", "value": []}, {"index": 0, "value": 3}]
    odd = tuple((0.5, Reported(0, "item", body)) for body in bodies)

    played = play_stream(
        planned("a"),
        lambda job: Scripted(value(job.task), 2.0, yields=odd if job.task == "a" else ()),
        [part_of("a", 0)],
    )

    assert started(played, "b") == [0]
