from __future__ import annotations

import doctest
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import Failure, FailureKind
from flowpar.report import wording
from flowpar.report.wording import counted, duration, name_of, near, reason_of, tallied
from flowpar.testing.events import subject

if TYPE_CHECKING:
    from pathlib import Path


def test_the_examples_of_the_module_hold() -> None:
    assert doctest.testmod(wording).failed == 0


def test_an_item_is_named_by_its_task_and_number() -> None:
    assert [name_of(subject("count")), name_of(subject("count", 3))] == ["count", "count[3]"]


def test_a_path_is_named_from_here_unless_here_is_the_root_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [near(f"{tmp_path}/a/b"), near(f"{tmp_path}-x"), near("c")] == ["a/b", f"{tmp_path}-x", "c"]

    monkeypatch.chdir("/")
    assert near("/a/b") == "/a/b"


@given(st.floats(0, 1e7))
def test_a_duration_is_short(seconds: float) -> None:
    assert len(duration(seconds)) <= 8


def test_counts_come_in_the_same_order_and_without_zeros() -> None:
    counts = {"failed": 2, "succeeded": 3, "timed_out": 1, "skipped": 0, "tolerated": 4}

    assert tallied(counts) == "3 succeeded, 4 failed (tolerated), 2 failed, 1 timed out"
    assert [counted(1, "task"), counted(0, "task")] == ["1 task", "0 tasks"]


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Failure(FailureKind.EXCEPTION, "ValueError", "bad\nrow"), "ValueError: bad row"),
        (Failure(FailureKind.EXCEPTION, "KeyboardInterrupt", ""), "KeyboardInterrupt"),
        (Failure(FailureKind.DIED, "", "killed by SIGKILL"), "killed by SIGKILL"),
        (Failure(FailureKind.EXCEPTION, "E", "\x1b[2Jhi"), "E: hi"),
    ],
)
def test_a_reason_fits_on_a_line(failure: Failure, told: str) -> None:
    assert reason_of(failure) == told
