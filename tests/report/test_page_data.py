from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from pages import large, page_of, ran, small

from flowpar.report.page_data import data_of


def found_in(page: Any) -> dict[str, Any]:
    return data_of(page)


def test_attempts_are_columns_of_one_length() -> None:
    columns = found_in(small())["attempts"]

    assert {len(column) for column in columns.values() if column} == {5}
    assert columns["state"] == ["succeeded", "succeeded", "succeeded", "failed", "skipped"]
    assert columns["start"] == [0, 1, 1, 1.6, None]


def test_of_very_many_attempts_those_that_went_wrong_stay() -> None:
    found = found_in(large(30_000))

    assert len(found["attempts"]["task"]) <= 20_000
    assert found["allAttempts"] == 30_002
    assert found["attempts"]["state"].count("failed") == 12
    assert len(found["critical"]) == 3


def test_a_graph_too_large_to_be_laid_out_keeps_what_went_wrong_and_what_that_needs() -> None:
    needs = {f"t{n}": (f"t{n - 1}",) if n else () for n in range(500)}
    attempts = [ran(f"t{n}", n, 1, state="failed" if n == 400 else "succeeded") for n in range(401)]

    drawn = found_in(page_of(attempts, needs=needs))["drawn"]

    assert len(drawn) <= 120
    assert {399, 400} <= set(drawn)


def test_a_graph_of_many_lines_is_cut_too() -> None:
    needs = {f"t{n}": tuple(f"t{m}" for m in range(n)) for n in range(100)}

    drawn = found_in(page_of([], needs=needs))["drawn"]

    assert sum(len(needs[f"t{n}"]) for n in drawn) <= 400


def test_a_failure_that_is_tolerated_is_told_apart() -> None:
    page = small()
    attempts = tuple(replace(one, is_tolerated=one.state == "failed") for one in page.past.attempts)

    assert "failed+" in found_in(replace(page, past=replace(page.past, attempts=attempts)))["attempts"]["state"]
