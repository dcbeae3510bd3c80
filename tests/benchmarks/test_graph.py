"""The graphs of the benchmarks: what they are, and that every engine which runs them gets the same result."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.graph import chain, fan, layered
from benchmarks.measure import peer_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.graph import Graph

GRAPHS = [fan(3), chain(3), layered(2, 2, 6)]


def test_w3_has_a_thousand_tasks_and_three_thousand_edges() -> None:
    graph = layered(27, 37, 3_000)

    assert len(graph.tasks) == 1_000
    assert sum(len(needs) for _, _, needs in graph.tasks) == 3_000


@given(layers=st.integers(1, 6), width=st.integers(1, 6))
def test_needs_come_first_and_lie_in_the_layer_before(layers: int, width: int) -> None:
    seen: set[str] = set()
    for name, _, needs in layered(layers, width, edges=layers * width * 2).tasks:
        assert len(set(needs)) == len(needs)
        assert seen.issuperset(needs)
        seen.add(name)


def test_the_results_are_those_that_one_works_out_by_hand() -> None:
    assert [graph.expected for graph in GRAPHS] == [3, 3, {"sum": 7, "needs": 2, "kind": 3}]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
@pytest.mark.parametrize("yardstick", ["bare", "executor"])
def test_a_yardstick_runs_a_graph_and_checks_its_result(graph: Graph, yardstick: str, tmp_path: Path) -> None:
    assert peer_seconds(yardstick, graph.write(tmp_path), 2) > 0


def test_the_workflow_of_a_graph_has_the_same_result(tmp_path: Path) -> None:
    graph = layered(2, 2, 6)
    graph.write(tmp_path)
    command = [sys.executable, "-m", "flowpar", "run", f"{graph.name}.yaml", "-q", "--json"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == {"result": graph.expected}
