"""What can be wrong with the arguments of `sql` before any database is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.plugin import Finding
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    yield from _check_url(arguments.get("url"))
    query, rows = arguments.get("query"), arguments.get("rows")
    if isinstance(query, str | list):
        statements = statements_of(query)
        if not statements:
            yield Finding("there is no statement in the query", argument="query")
        given = arguments.get("parameters")
        if isinstance(given, dict):
            yield from _check_names(statements, given, rows)


def statements_of(query: str | Sequence[object]) -> list[str]:
    """Return the statements of a query, which is one text or a list of them; empty ones are left out."""
    texts = [query] if isinstance(query, str) else [str(one) for one in query]
    return [one for one in texts if one.strip()]


def names_in(statement: str) -> set[str]:
    """Return the names of the parameters that a statement has as `:name`."""
    return set(text(statement).compile().params)


def _check_names(statements: list[str], given: Mapping[str, object], rows: object) -> Iterator[Finding]:
    used = set[str]().union(*map(names_in, statements))
    for name in sorted(given.keys() - used):
        is_cast = any(f":{name}::" in one for one in statements)  # SQLAlchemy takes it for a part of the cast
        hint = f"write CAST(:{name} AS …) instead of :{name}::…" if is_cast else "leave it out"
        yield Finding(f"no :{name} stands in the query", argument="parameters", hint=hint)
    if rows is None:
        for name in sorted(used - given.keys()):
            yield Finding(f"the query has :{name}, and no such parameter is given", argument="parameters")


def _check_url(url: object) -> Iterator[Finding]:
    if not isinstance(url, str):
        return
    try:
        address = make_url(url)
        address.get_dialect()
    except NoSuchModuleError:
        yield Finding(f'SQLAlchemy knows no dialect "{url.partition(":")[0]}"', argument="url", hint="is it installed?")
    except ArgumentError:
        hint = "write dialect://user@host/database, such as sqlite:///shop.db"
        yield Finding("the url is not an address of a database", argument="url", hint=hint)
    else:
        if address.password is not None:
            yield Finding("the url holds a password", argument="url", hint='pass it as "password"', severity="warning")
