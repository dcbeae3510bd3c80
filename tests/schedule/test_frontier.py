"""The frontier gives each task once, after its needs, the most urgent first."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.schedule.frontier import Frontier, Skip


@st.composite
def dags(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    size = draw(st.integers(0, 25))
    order = draw(st.permutations([f"t{number}" for number in range(size)]))
    needs = {
        task: frozenset(draw(st.lists(st.sampled_from(order[:place]), max_size=4))) if place else frozenset()
        for place, task in enumerate(order)
    }
    return {task: needs[task] for task in sorted(needs)}


@given(dags())
def test_every_task_is_taken_once_and_after_its_needs(needs: dict[str, frozenset[str]]) -> None:
    frontier, taken = Frontier(needs), list[str]()

    while frontier:
        task = frontier.take()
        assert needs[task] <= set(taken)
        taken.append(task)
        frontier.succeed(task)

    assert sorted(taken) == sorted(needs)


@given(dags(), st.data())
def test_each_task_is_either_taken_or_skipped_for_a_failure_above_it(
    needs: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    frontier = Frontier(needs)
    bad, succeeded, running = set[str](), set[str](), list[str]()

    while frontier:
        if frontier.has_ready and (not running or data.draw(st.booleans())):
            running.append(frontier.take())
            assert needs[running[-1]] <= succeeded
            continue
        task = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if data.draw(st.booleans()):
            frontier.succeed(task)
            succeeded.add(task)
            continue
        bad.add(task)
        for skip in frontier.fail(task):
            assert skip.because in needs[skip.task] & bad
            assert skip.task not in bad
            bad.add(skip.task)

    assert succeeded | bad == set(needs)
    assert not succeeded & bad


def test_nothing_can_be_taken_where_nothing_is_ready() -> None:
    frontier = Frontier({"a": [], "b": ["a"]})
    frontier.take()

    with pytest.raises(LookupError):
        frontier.take()

    assert frontier, "both tasks have yet to end"


def test_the_heaviest_path_goes_first_then_file_order() -> None:
    frontier = Frontier(
        {"light": [], "heavy": [], "middle": [], "also": []}, {"heavy": 3.0, "middle": 2.0, "also": 2.0}
    )

    assert [frontier.take() for _ in range(4)] == ["heavy", "middle", "also", "light"]


def test_a_failure_skips_everything_downstream_nearest_first() -> None:
    frontier = Frontier({"a": [], "b": ["a"], "c": ["b", "a"], "free": []})
    frontier.take()

    assert frontier.fail("a") == [Skip("b", "a"), Skip("c", "a")]
    assert frontier.take() == "free"


def test_a_need_that_is_named_twice_counts_once() -> None:
    frontier = Frontier({"a": [], "b": ["a", "a"]})
    frontier.succeed(frontier.take())

    assert frontier.take() == "b"


def test_taking_when_nothing_is_ready_is_an_error() -> None:
    frontier = Frontier({"a": []})
    frontier.take()

    with pytest.raises(LookupError):
        frontier.take()


def test_ending_a_task_that_was_not_taken_is_an_error() -> None:
    with pytest.raises(KeyError):
        Frontier({"a": []}).succeed("a")


def test_a_chain_of_50_000_skips_without_recursion() -> None:
    needs = {f"t{n}": [f"t{n - 1}"] if n else [] for n in range(50_000)}
    frontier = Frontier(needs)
    started = time.monotonic()

    skipped = frontier.fail(frontier.take())

    assert len(skipped) == 49_999
    assert time.monotonic() - started < 5


def test_what_a_task_feeds_may_begin_when_it_has_begun_to_give() -> None:
    frontier = Frontier({"a": [], "b": ["a"], "c": ["a"], "d": ["b"]}, feeds={"b": ["a"], "d": ["b"]})
    frontier.take()

    frontier.begin("a")
    frontier.begin("a")

    assert frontier.take() == "b"
    assert not frontier.has_ready
    frontier.succeed("a")
    assert frontier.take() == "c"
    frontier.succeed("b")
    assert frontier.take() == "d"


def test_what_is_fed_and_still_waits_is_skipped_when_its_source_fails() -> None:
    frontier = Frontier({"a": [], "slow": [], "b": ["a", "slow"]}, feeds={"b": ["a"]})
    assert {frontier.take(), frontier.take()} == {"a", "slow"}
    frontier.begin("a")

    assert [skip.task for skip in frontier.fail("a")] == ["b"]
