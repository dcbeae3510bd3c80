"""The function by itself, against SQLite and against a real server of PostgreSQL."""

from __future__ import annotations

import pytest
from flowpar.testing.task import run_task
from sqlalchemy.exc import IntegrityError, StatementError

from flowpar_sql.statements import MOST_ROWS, NotOneValue, TooManyRows, sql

PASSWORD = "s3cret"  # of a server that lives as long as the tests


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest) -> dict[str, str]:
    """Say where a database is that has a table of three items."""
    where = {"url": request.getfixturevalue(request.param)}
    if request.param == "postgresql":
        where["password"] = PASSWORD
    query = ["DROP TABLE IF EXISTS items", "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"]
    run_task(sql, query=query, **where)
    rows = [{"id": 1, "name": "pen"}, {"id": 2, "name": "ink"}, {"id": 3, "name": "pad"}]
    run_task(sql, query="INSERT INTO items VALUES (:id, :name)", rows=rows, fetch="count", **where)
    return where


def test_rows_come_as_mappings(shop: dict[str, str]) -> None:
    found = run_task(sql, query="SELECT * FROM items WHERE id > :least ORDER BY id", parameters={"least": 1}, **shop)

    assert found == [{"id": 2, "name": "ink"}, {"id": 3, "name": "pad"}]


def test_a_list_fills_an_in(shop: dict[str, str]) -> None:
    query = "SELECT name FROM items WHERE id IN :ids ORDER BY id"

    assert run_task(sql, query=query, parameters={"ids": [3, 1]}, **shop) == [{"name": "pen"}, {"name": "pad"}]
    assert run_task(sql, query=query, parameters={"ids": []}, **shop) == []


def test_a_parameter_is_a_value_and_never_sql(shop: dict[str, str]) -> None:
    text = "'; DROP TABLE items; --"

    run_task(sql, query="UPDATE items SET name = :name WHERE id = 1", parameters={"name": text}, **shop)

    assert run_task(sql, query="SELECT name FROM items WHERE id = 1", fetch="value", **shop) == text


def test_all_statements_are_one_transaction(shop: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        run_task(sql, query=["DELETE FROM items WHERE id = 3", "INSERT INTO items VALUES (1, 'again')"], **shop)

    assert run_task(sql, query="SELECT count(*) FROM items", fetch="value", **shop) == 3


def test_of_many_rows_all_or_none_are_written(shop: dict[str, str]) -> None:
    rows = [{"id": 4, "name": "cap"}, {"id": 1, "name": "again"}]

    with pytest.raises(IntegrityError):
        run_task(sql, query="INSERT INTO items VALUES (:id, :name)", rows=rows, **shop)

    assert run_task(sql, query="SELECT count(*) FROM items", fetch="value", **shop) == 3


def test_a_count_says_how_many_rows_changed(shop: dict[str, str]) -> None:
    assert run_task(sql, query="UPDATE items SET name = 'x' WHERE id < 3", fetch="count", **shop) == 2


@pytest.mark.parametrize("query", ["SELECT id FROM items", "SELECT id, name FROM items WHERE id = 1"])
def test_one_value_is_one_row_of_one_column(shop: dict[str, str], query: str) -> None:
    with pytest.raises(NotOneValue, match="one value was asked for, and"):
        run_task(sql, query=query, fetch="value", **shop)


def test_a_message_shows_no_value_of_a_parameter(shop: dict[str, str]) -> None:
    with pytest.raises(IntegrityError) as caught:
        run_task(sql, query="INSERT INTO items VALUES (:id, :name)", parameters={"id": 1, "name": "hush"}, **shop)

    assert "hush" not in str(caught.value)


def test_a_parameter_that_is_missing_is_named(sqlite: str) -> None:
    with pytest.raises(StatementError, match="bind parameter 'a'"):
        run_task(sql, query="SELECT :a", url=sqlite)


def test_too_many_rows_are_refused(sqlite: str) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= :most) SELECT i FROM n"

    with pytest.raises(TooManyRows, match="more than 100,000 rows"):
        run_task(sql, query=query, parameters={"most": MOST_ROWS}, url=sqlite)


def test_a_database_that_is_not_there_is_a_connection_error_without_the_password(postgresql: str) -> None:
    nowhere = postgresql.partition("?")[0].replace("shop@/", "shop@127.0.0.1:1/")

    with pytest.raises(
        ConnectionError, match=r"postgresql\+psycopg://shop:\*\*\*@127.0.0.1:1/postgres can't be"
    ) as caught:
        run_task(sql, query="SELECT 1", url=nowhere, password="hush-hush")

    assert "hush-hush" not in str(caught.value)


def test_a_wrong_password_is_said(postgresql: str) -> None:
    with pytest.raises(ConnectionError, match="password authentication failed"):
        run_task(sql, query="SELECT 1", url=postgresql, password="wrong")
