"""Cycles are findings in file order; layers and weights follow the needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.source import Span
from flowpar.planning import graph
from flowpar.planning.graph import build_graph, layers_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.diagnostics import Diagnostic


def placed(needs: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Span]]:
    """Give each need a line of its own, in file order."""
    lines = iter(range(1, 1_000_000))
    return {task: {need: Span.at(next(lines), 12) for need in needed} for task, needed in needs.items()}


def find_cycles(needs: Mapping[str, Sequence[str]]) -> list[Diagnostic]:
    spans = placed(needs)
    return graph.find_cycles(build_graph(spans), spans, "workflow.yaml")


@st.composite
def dags(draw: st.DrawFn) -> dict[str, list[str]]:
    size = draw(st.integers(1, 20))
    names = draw(st.permutations([f"t{number}" for number in range(size)]))
    needs = {
        name: draw(st.lists(st.sampled_from(names[:place]), max_size=3, unique=True)) if place else []
        for place, name in enumerate(names)
    }
    return {name: needs[name] for name in sorted(needs)}


def test_a_cycle_is_shown_whole_in_order_with_lines() -> None:
    found = find_cycles({"a": ["c"], "b": ["a"], "c": ["b"]})

    assert [(each.code, each.message, each.span.line) for each in found] == [
        (
            "FP220",
            '3 tasks wait for each other: "a" needs "c" (line 1), "c" needs "b" (line 3), "b" needs "a" (line 2)',
            1,
        )
    ]


def test_each_knot_gives_one_finding_in_file_order() -> None:
    found = find_cycles({"z": ["y"], "y": ["z"], "b": ["a"], "a": ["b"]})

    assert [each.message.split(":")[1][:4] for each in found] == [' "z"', ' "b"']


def test_the_shortest_cycle_of_a_knot_is_shown() -> None:
    found = find_cycles({"a": ["b", "d"], "b": ["c"], "c": ["d"], "d": ["a"]})

    assert found[0].message.startswith("2 tasks wait for each other")


def test_a_task_that_needs_itself_is_named() -> None:
    found = find_cycles({"a": ["a"], "b": []})

    assert [(each.code, each.message) for each in found] == [("FP221", 'task "a" needs itself')]


def test_a_self_reference_does_not_hide_a_cycle() -> None:
    found = find_cycles({"a": ["a", "b"], "b": ["a"]})

    assert [each.code for each in found] == ["FP221", "FP220"]


def test_a_ring_of_50_000_is_found_and_shortened() -> None:
    size = 50_000
    ring = {f"t{n}": [f"t{(n + 1) % size}"] for n in range(size)}

    found = find_cycles(ring)

    assert len(found) == 1
    assert found[0].message.startswith('50000 tasks wait for each other: "t0" needs "t1" (line 1), ')
    assert "… 49990 more …" in found[0].message
    assert len(found[0].message) < 1000


@given(dags())
def test_a_graph_without_a_cycle_has_no_finding_and_layers_after_all_needs(needs: dict[str, list[str]]) -> None:
    layers = layers_of(build_graph(needs))

    layer = {task: number for number, tasks in enumerate(layers) for task in tasks}
    assert find_cycles(needs) == []
    assert sorted(layer) == sorted(needs)
    assert all(layer[task] == max((layer[need] + 1 for need in needs[task]), default=0) for task in needs)


@given(dags())
def test_layers_are_in_file_order(needs: dict[str, list[str]]) -> None:
    place = list(needs).index

    for layer in layers_of(build_graph(needs)):
        assert list(layer) == sorted(layer, key=place)


def test_the_weight_of_a_task_is_the_longest_path_that_is_left() -> None:
    made = build_graph({"a": [], "b": ["a"], "c": ["b"], "d": ["a"]})

    assert weights_of(made, ["a", "b", "d", "c"]) == {"a": 3, "b": 2, "c": 1, "d": 1}


def test_a_chain_of_50_000_has_layers_and_weights_without_recursion() -> None:
    made = build_graph({f"t{n}": [f"t{n - 1}"] if n else [] for n in range(50_000)})

    layers = layers_of(made)

    assert len(layers) == 50_000
    assert weights_of(made, [task for layer in layers for task in layer])["t0"] == 50_000
