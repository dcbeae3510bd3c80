"""The task type `sql`: run statements in one transaction, through SQLAlchemy.

    parameters ─► bound, never pasted ─┐
    rows ─► one statement for each ────┼─► one transaction ─► rows, one value, or a count
    url, password ─► SQLAlchemy ───────┘

A connection that cannot be had is the builtin `ConnectionError`, so `retry: {on: [ConnectionError]}` reads as it
should. What a database says stands in the failure without the values of parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from flowpar.plugin import TaskContext, task_type
from sqlalchemy import bindparam, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from flowpar_sql.arguments import check, names_in, statements_of

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine, TextClause
    from sqlalchemy.engine import URL, Connection

MOST_ROWS = 100_000


class TooManyRows(Exception):  # noqa: N818 - the name that failure reports show
    """More rows than are worth a Python mapping each."""


class NotOneValue(Exception):  # noqa: N818 - the name that failure reports show
    """A query that should give one value gave another number of rows or columns."""


@task_type(executor="thread", secrets=("password",), preload=("sqlalchemy",), check=check)
def sql(
    query: str | list[str],
    *,
    url: str,
    password: str | None = None,
    parameters: dict[str, Any] | None = None,
    rows: list[dict[str, Any]] | None = None,
    fetch: Literal["rows", "value", "count"] = "rows",
    context: TaskContext,
) -> Any:
    """Run one statement or several in one transaction and return what the last one gives.

    `parameters` fill `:name` in all of them; a list fills `IN :name`. With `rows` the last statement is
    done for each mapping. Where anything fails, nothing of it is kept.
    """
    statements = [_clause(statement, parameters or {}) for statement in statements_of(query)]
    if not statements:
        raise ValueError("there is no statement in the query")
    address = make_url(url)
    if password is not None:
        address = address.set(password=password)
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
    with _connected(engine, address) as connection, connection.begin():
        for statement in statements[:-1]:
            connection.execute(statement)
        last = connection.execute(statements[-1], rows) if rows is not None else connection.execute(statements[-1])
        found = _fetched(last, fetch)
    context.logger.info("sql.done", database=address.render_as_string(), statements=len(statements))
    return found


def _clause(statement: str, parameters: dict[str, Any]) -> TextClause:
    """Return a statement with those of the parameters bound that it names."""
    named = sorted(names_in(statement) & parameters.keys())
    return text(statement).bindparams(*(_bound(name, parameters[name]) for name in named))


def _bound(name: str, value: Any) -> Any:
    return bindparam(name, value, expanding=isinstance(value, list | tuple))


def _connected(engine: Engine, address: URL) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        said = " ".join(str(error.orig).split())
        raise ConnectionError(f"{address.render_as_string()} can't be reached: {said}") from None


def _fetched(result: CursorResult[Any], fetch: str) -> Any:
    if fetch == "count":
        return result.rowcount
    if not result.returns_rows:
        return None if fetch == "value" else []
    names = list(result.keys())
    rows = result.fetchmany(MOST_ROWS + 1)
    if fetch == "value":
        if len(rows) != 1 or len(names) != 1:
            raise NotOneValue(f"one value was asked for, and {len(rows)} rows of {len(names)} columns came")
        return rows[0][0]
    if len(rows) > MOST_ROWS:
        raise TooManyRows(f"the result has more than {MOST_ROWS:,} rows; add a LIMIT, or let the database write a file")
    return [dict(zip(names, row, strict=True)) for row in rows]
