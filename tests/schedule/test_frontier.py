"""The frontier gives each task once, after its needs, the most urgent first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.run_if import EARLY, RUN_IFS, WANTS_ONE, RunIf
from flowpar.schedule.frontier import Frontier, Skip
from flowpar.schedule.rule import Counts
from flowpar.testing.rules import expected, holds


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

    assert frontier.fail("a") == [Skip("b", "a", counts_as_failed=True), Skip("c", "a", counts_as_failed=True)]
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

    skipped = frontier.fail(frontier.take())

    assert len(skipped) == 49_999


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


@given(dags(), st.data())
def test_under_any_run_if_and_in_any_order_each_task_runs_exactly_where_its_rule_holds(
    needs: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    rules = {task: data.draw(st.sampled_from(RUN_IFS)) for task in needs}
    own = {task: data.draw(st.sampled_from(list(Counts))) for task in needs}
    skips = _skips(needs, rules, own)
    counts = {task: skips[task] or own[task] for task in needs}
    frontier = Frontier(needs, rules=rules)
    over, started, running = [skip.task for skip in frontier.rule_out()], list[str](), list[str]()

    while frontier:
        if frontier.has_ready and (not running or data.draw(st.booleans())):
            task = frontier.take()
            assert holds(rules[task], [counts[need] for need in needs[task] & set(over)])
            assert needs[task] <= set(over) or rules[task] in EARLY
            started.append(task)
            running.append(task)
            continue
        task = running.pop(data.draw(st.integers(0, len(running) - 1)))
        move = {Counts.SUCCEEDED: frontier.succeed, Counts.FAILED: frontier.fail, Counts.SKIPPED: frontier.skip}
        over += [task, *(skip.task for skip in move[own[task]](task))]

    assert sorted(over) == sorted(needs)
    assert sorted(started) == sorted(task for task in needs if skips[task] is None)


def _skips(
    needs: dict[str, frozenset[str]], rules: dict[str, RunIf], own: dict[str, Counts]
) -> dict[str, Counts | None]:
    """Return for each task how its skip counts, None where it runs, in whatever order the others end."""
    skips: dict[str, Counts | None] = {}
    while len(skips) < len(needs):
        for task, needed in needs.items():
            if task not in skips and needed <= set(skips):
                skips[task] = expected(rules[task], [skips[need] or own[need] for need in needed])
    return skips


@pytest.mark.parametrize("rule", sorted(EARLY))
def test_a_rule_that_one_need_settles_does_not_wait_for_the_others_and_starts_once(rule: RunIf) -> None:
    frontier = Frontier({"a": [], "b": [], "c": ["a", "b"]}, rules={"c": rule})
    end = frontier.succeed if rule == "one_success" else frontier.fail
    frontier.take()
    frontier.take()

    assert end("a") == []

    assert frontier.take() == "c"
    assert end("b") == []
    assert not frontier.has_ready


def test_a_skip_for_a_failure_above_counts_as_a_failure_and_one_by_an_own_condition_does_not() -> None:
    needs = {"a": [], "below": ["a"], "all": ["below"], "none": ["below"], "some": ["below"]}
    rules: dict[str, RunIf] = {"all": "all_failed", "none": "none_failed", "some": "one_failed"}
    failed, skipped = Frontier(needs, rules=rules), Frontier(needs, rules=rules)

    after_a_failure = failed.fail(failed.take())
    after_a_skip = skipped.skip(skipped.take())

    assert [skip.task for skip in after_a_failure] == ["below", "none"]
    assert [failed.take(), failed.take()] == ["all", "some"]
    assert [skip.task for skip in after_a_skip] == ["below", "all", "some"]
    assert skipped.take() == "none"


def test_a_failure_counts_though_a_skip_came_before_it() -> None:
    needs = {"skips": [], "fails": [], "both": ["skips", "fails"], "last": ["both"]}
    frontier = Frontier(needs, rules={"last": "none_failed"})
    frontier.take()
    frontier.take()

    assert frontier.skip("skips") == []
    assert frontier.fail("fails") == [
        Skip("both", "fails", counts_as_failed=True),
        Skip("last", "both", counts_as_failed=True),
    ]


@pytest.mark.parametrize("rule", RUN_IFS)
def test_a_task_that_needs_nothing_runs_unless_its_rule_asks_for_a_need(rule: RunIf) -> None:
    frontier = Frontier({"alone": [], "below": ["alone"]}, rules={"alone": rule})

    skips = frontier.rule_out()

    assert skips == ([Skip("alone", ""), Skip("below", "alone")] if rule in WANTS_ONE else [])
    assert frontier.has_ready == (rule not in WANTS_ONE)
    assert bool(frontier) == frontier.has_ready


@given(dags())
def test_tasks_that_join_run_each_after_its_needs_and_before_what_awaits_them(needs: dict[str, frozenset[str]]) -> None:
    frontier = Frontier({"(items)": [], "(whole)": ["(items)"], "(after)": ["(whole)"]})
    items = frontier.take()

    frontier.join(needs, {}, {}, before="(whole)", awaited=list(needs))

    frontier.succeed(items)
    ran: list[str] = []
    while frontier.has_ready:
        task = frontier.take()
        assert needs.get(task, frozenset()) <= set(ran)
        ran.append(task)
        frontier.succeed(task)
    assert ran[-2:] == ["(whole)", "(after)"]
    assert sorted(ran[:-2]) == sorted(needs)


def test_tasks_that_join_have_feeds_and_rules_of_their_own() -> None:
    frontier = Frontier({"items": [], "whole": ["items"]})
    frontier.take()
    needs = {"a": [], "fed": ["a"], "anyway": ["a"]}

    frontier.join(needs, {"fed": frozenset("a")}, {"anyway": "all_done"}, before="whole", awaited=["fed", "anyway"])

    assert frontier.take() == "a"
    frontier.begin("a")
    assert frontier.take() == "fed"
    assert [skip.task for skip in frontier.fail("a")] == []
    assert frontier.take() == "anyway"


def test_tasks_that_join_though_nothing_awaits_them_run() -> None:
    frontier = Frontier({"items": [], "other": []})
    frontier.take()

    frontier.join({"a": [], "b": ["a"]}, {}, {}, before="", awaited=[])

    assert [frontier.take(), frontier.take()] == ["a", "other"]
    frontier.succeed("a")
    assert frontier.take() == "b"


def test_tasks_that_join_for_what_was_skipped_meanwhile_do_not_wake_it() -> None:
    frontier = Frontier({"items": [], "other": [], "whole": ["items", "other"]})
    assert {frontier.take(), frontier.take()} == {"items", "other"}
    assert [skip.task for skip in frontier.fail("other")] == ["whole"]

    frontier.join({"a": []}, {}, {}, before="whole", awaited=["a"])

    frontier.succeed(frontier.take())
    frontier.succeed("items")
    assert not frontier.has_ready
