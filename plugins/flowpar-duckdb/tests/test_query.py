"""The function by itself: what goes in, what comes out, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb as engine
import pandas as pd
import pyarrow as pa
import pytest
from flowpar.testing.task import run_task

from flowpar_duckdb.query import MOST_ROWS, TooManyRows, duckdb

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"region": "north", "amount": 3}, {"region": "south", "amount": 4}]


def test_rows_come_as_mappings() -> None:
    found = run_task(duckdb, sql="SELECT 1 AS n, 'a' AS text, DATE '2026-01-02' AS day, NULL AS nothing")

    assert found == [{"n": 1, "text": "a", "day": date(2026, 1, 2), "nothing": None}]


@pytest.mark.parametrize(
    "value", [ROWS, pa.Table.from_pylist(ROWS), pd.DataFrame(ROWS)], ids=["list", "arrow", "pandas"]
)
def test_a_table_may_be_rows_arrow_or_a_dataframe(value: object) -> None:
    found = run_task(duckdb, sql="SELECT sum(amount)::INT AS total FROM sales", tables={"sales": value})

    assert found == [{"total": 7}]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, 'the table "t" is a int; it must be an Arrow table, a DataFrame or a list of mappings'),
        ([1, 2], 'the table "t" is a list; '),
        ([], 'the table "t" is an empty list, which has no columns; give an Arrow table'),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        run_task(duckdb, sql="SELECT 1", tables={"t": value})


def test_a_parameter_is_a_value_and_never_sql() -> None:
    text = "'; DROP TABLE sales; --"

    found = run_task(
        duckdb,
        sql="SELECT $text AS text; SELECT $text AS text, count(*) AS n FROM sales",
        parameters={"text": text},
        tables={"sales": ROWS},
    )

    assert found == [{"text": text, "n": 2}]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"the SQL has \$n, and no such parameter is given"),
        ({"n": 1, "m": 2}, r'no \$m stands in the SQL for .* "m"'),
    ],
)
def test_parameters_and_sql_must_agree(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run_task(duckdb, sql="SELECT $n AS n", parameters=parameters)


def test_an_arrow_table_goes_out_and_in_again() -> None:
    made = run_task(duckdb, sql="SELECT range AS n FROM range(200000)", fetch="arrow")

    assert (type(made), made.num_rows) == (pa.Table, 200_000)
    assert run_task(duckdb, sql="SELECT count(*) AS n FROM t", tables={"t": made}) == [{"n": 200_000}]


def test_what_changes_a_table_and_gives_rows_is_done_once() -> None:
    sql = "CREATE TABLE t AS SELECT 1 AS n; INSERT INTO t VALUES (2) RETURNING n"
    counted = "CREATE TABLE t AS SELECT 1 AS n; INSERT INTO t VALUES (2) RETURNING n; SELECT count(*) AS n FROM t"

    assert run_task(duckdb, sql=sql) == [{"n": 2}]
    assert run_task(duckdb, sql=sql, fetch="arrow").to_pylist() == [{"n": 2}]
    assert run_task(duckdb, sql=counted) == [{"n": 2}]


def test_too_many_rows_are_refused_with_the_way_out() -> None:
    with pytest.raises(TooManyRows, match="more than 100,000 rows; take them with fetch: arrow"):
        run_task(duckdb, sql="SELECT * FROM range($n)", parameters={"n": MOST_ROWS + 1})


def test_a_database_stays_and_may_be_read_only(tmp_path: Path) -> None:
    database = tmp_path / "shop.duckdb"
    assert run_task(duckdb, sql="CREATE TABLE t AS SELECT 5 AS n", database=database, fetch="nothing") is None

    assert run_task(duckdb, sql="SELECT n FROM t", database=database, read_only=True) == [{"n": 5}]
    with pytest.raises(engine.InvalidInputException, match="read-only"):
        run_task(duckdb, sql="DROP TABLE t", database=database, read_only=True)


def test_a_statement_without_rows_gives_what_duckdb_tells() -> None:
    assert run_task(duckdb, sql="CREATE TABLE t AS SELECT 5 AS n") == [{"Count": 1}]


def test_settings_reach_duckdb_and_threads_are_those_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    sql = "SELECT current_setting('threads') AS threads, current_setting('default_null_order') AS nulls"

    found = run_task(duckdb, sql=sql, settings={"default_null_order": "nulls_first"})

    assert found == [{"threads": 3, "nulls": "NULLS_FIRST"}]


def test_sql_without_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="no statement"):
        run_task(duckdb, sql="-- later")
