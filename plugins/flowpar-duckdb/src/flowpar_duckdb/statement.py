"""What can be wrong with SQL before any of it runs: DuckDB parses it, against no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duckdb import Error, connect
from flowpar.plugin import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    sql, given = arguments.get("sql"), arguments.get("parameters")
    if not isinstance(sql, str):
        return
    try:
        with connect() as connection:
            statements = connection.extract_statements(sql)
    except Error as error:
        yield Finding(_first_line(error), argument="sql")
        return
    if not statements:
        yield Finding("the SQL has no statement in it", argument="sql")
    if isinstance(given, dict):
        used = set[str]().union(*(statement.named_parameters for statement in statements))
        for name in sorted(given.keys() - used):
            yield Finding(f"no ${name} stands in the SQL", argument="parameters", hint="leave it out")
        for name in sorted(used - given.keys()):
            yield Finding(f"the SQL has ${name}, and no such parameter is given", argument="parameters")


def _first_line(error: Exception) -> str:
    """Return what DuckDB's parser says as one line, its caret left out and the line of the SQL named."""
    said, _, place = str(error).partition("\n\n")
    line = place.partition(":")[0].strip()
    message = said.splitlines()[0].removeprefix("Parser Error: ")
    return message + (f" ({line.lower()} of the SQL)" if line.startswith("LINE") else "")
