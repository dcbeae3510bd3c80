"""Benchmarks in their smallest size: that they work, never how fast anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.catalogue import BENCHMARKS
from benchmarks.environments import interpreter_for
from benchmarks.measure import Failed, own_seconds, python

if TYPE_CHECKING:
    from pathlib import Path

# The others run the same few commands at greater length, and those of graphs of others have tests of their own.
OFTEN = ("chain", "scale")
SELDOM = sorted(set(BENCHMARKS) - {*OFTEN, "taskbench", "replay"})


@pytest.mark.parametrize("name", [*OFTEN, *(pytest.param(name, marks=pytest.mark.soak) for name in SELDOM)])
def test_a_benchmark_measures_in_its_smallest_size(name: str, tmp_path: Path) -> None:
    figures = list(BENCHMARKS[name](tmp_path, repeats=1, tiny=True))

    assert all(figure.title and figure.detail for figure in figures)
    assert all(len(figure.values) == 1 for figure in figures)


def test_a_peer_that_is_not_here_is_said() -> None:
    with pytest.raises(Failed, match='the program "no-such-engine" is not on this machine'):
        interpreter_for("no-such-engine")


def test_a_yardstick_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"ended with 1:\nthe result is 2, not 3"):
        own_seconds(python("-c", "import sys; sys.exit('the result is 2, not 3')"), folder=tmp_path)


def test_a_yardstick_that_says_nothing_has_failed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="did not say what it took"):
        own_seconds(python("-c", ""), folder=tmp_path)


def test_a_yardstick_that_is_not_there_has_failed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="can't be started"):
        own_seconds([str(tmp_path / "nothing")], folder=tmp_path)
