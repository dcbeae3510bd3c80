"""The task type `duckdb`: run SQL over files and over what other tasks return.

tables ─► registered without a copy ─┐
parameters ─► bound, never pasted ───┼─► DuckDB ─► rows, an Arrow table, or nothing
files ─► named in the SQL ───────────┘
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from duckdb import connect
from flowpar.plugin import TaskContext, task_type

from flowpar_duckdb.statement import check
from flowpar_duckdb.table import as_arrow

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection, Statement

MOST_ROWS = 100_000


class TooManyRows(Exception):  # noqa: N818 - the name that failure reports show
    """More rows than are worth a Python mapping each."""


@task_type(preload=("duckdb", "pyarrow"), check=check, files=("database",))
def duckdb(
    sql: str,
    *,
    tables: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
    database: Path | None = None,
    read_only: bool = False,
    fetch: Literal["rows", "arrow", "nothing"] = "rows",
    settings: dict[str, str | int | bool] | None = None,
    context: TaskContext,
) -> Any:
    """Run SQL statements and return the result of the last one, as rows or as an Arrow table.

    `tables` are values of other tasks by the name that the SQL calls them: Arrow tables, DataFrames
    or lists of mappings. `parameters` fill `$name` in the SQL.
    """
    config: dict[str, Any] = {"threads": int(os.environ.get("OMP_NUM_THREADS", "1")), **(settings or {})}
    with connect(str(database or ":memory:"), read_only=read_only, config=config) as connection:
        for name, value in (tables or {}).items():
            connection.register(name, as_arrow(name, value))
        statements = connection.extract_statements(sql)
        if not statements:
            raise ValueError("the SQL has no statement in it")
        _refuse_unused(parameters or {}, statements)
        bound = [_bound(statement, parameters or {}) for statement in statements]
        for statement, values in zip(statements[:-1], bound, strict=False):
            connection.execute(statement, values)
        found = _fetched(connection, statements[-1], bound[-1], fetch)
    context.logger.info("duckdb.done", statements=len(statements), rows=None if found is None else len(found))
    return found


def _bound(statement: Statement, parameters: dict[str, Any]) -> dict[str, Any]:
    missing = sorted(statement.named_parameters - parameters.keys())
    if missing:
        raise ValueError(f"the SQL has ${missing[0]}, and no such parameter is given")
    return {name: parameters[name] for name in statement.named_parameters}


def _refuse_unused(parameters: dict[str, Any], statements: list[Statement]) -> None:
    unused = sorted(parameters.keys() - set[str]().union(*(one.named_parameters for one in statements)))
    if unused:
        raise ValueError(f'no ${unused[0]} stands in the SQL for the parameter "{unused[0]}"')


def _fetched(connection: DuckDBPyConnection, statement: Statement, values: dict[str, Any], fetch: str) -> Any:
    if fetch == "arrow":
        return connection.sql(statement, params=values).to_arrow_table()
    connection.execute(statement, values)
    if fetch == "nothing":
        return None
    names = [column[0] for column in connection.description or ()]
    rows = connection.fetchmany(MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise TooManyRows(f"the result has more than {MOST_ROWS:,} rows; take them with fetch: arrow, or add a LIMIT")
    return [dict(zip(names, row, strict=True)) for row in rows]
