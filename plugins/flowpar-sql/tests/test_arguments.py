"""What `flowpar check` says of a task."""

from __future__ import annotations

import pytest

from flowpar_sql.arguments import check

URL = "sqlite:///shop.db"


@pytest.mark.parametrize(
    ("arguments", "argument", "message"),
    [
        ({"url": "shop.db", "query": "SELECT 1"}, "url", "the url is not an address of a database"),
        ({"url": "nosuch://x/y", "query": "SELECT 1"}, "url", 'SQLAlchemy knows no dialect "nosuch"'),
        ({"url": "sqlite://a:b@/c", "query": "SELECT 1"}, "url", "the url holds a password"),
        ({"url": URL, "query": " "}, "query", "there is no statement in the query"),
        ({"url": URL, "query": []}, "query", "there is no statement in the query"),
        ({"url": URL, "query": "SELECT 1", "parameters": {"a": 1}}, "parameters", "no :a stands in the query"),
        (
            {"url": URL, "query": ["SELECT :a", "SELECT :b"], "parameters": {"b": 1}},
            "parameters",
            "the query has :a, and no such parameter is given",
        ),
    ],
)
def test_what_is_wrong_is_found_before_the_run(arguments: dict[str, object], argument: str, message: str) -> None:
    (finding,) = check(arguments)

    assert (finding.argument, finding.message) == (argument, message)


def test_a_name_before_a_short_cast_is_told_how_to_be_written() -> None:
    (finding,) = check({"url": URL, "query": "SELECT :a::int", "parameters": {"a": 1}})

    assert finding.hint == "write CAST(:a AS …) instead of :a::…"


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": URL, "query": "SELECT CAST(:a AS INT), '1'::int", "parameters": {"a": 1}},
        {"url": URL, "query": "INSERT INTO t VALUES (:a, :b)", "parameters": {"a": 1}, "rows": [{"b": 2}]},
        {"url": URL, "query": "SELECT :a"},  # its parameters hold an expression, or there are none: the run will say
        {"query": "SELECT 1"},
    ],
)
def test_nothing_is_said_of_what_may_be_right(arguments: dict[str, object]) -> None:
    assert list(check(arguments)) == []
