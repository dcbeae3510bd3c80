"""What `flowpar check` says of SQL."""

from __future__ import annotations

import pytest

from flowpar_duckdb.statement import check


@pytest.mark.parametrize(
    ("arguments", "argument", "message"),
    [
        ({"sql": "SELEC 1"}, "sql", 'syntax error at or near "SELEC" (line 1 of the SQL)'),
        ({"sql": "SELECT 1;\nSELECT (1 FROM t"}, "sql", 'syntax error at or near "FROM" (line 2 of the SQL)'),
        ({"sql": "  "}, "sql", "the SQL has no statement in it"),
        ({"sql": "SELECT $a", "parameters": {}}, "parameters", "the SQL has $a, and no such parameter is given"),
        ({"sql": "SELECT 1", "parameters": {"a": 1}}, "parameters", "no $a stands in the SQL"),
    ],
)
def test_what_is_wrong_is_found_before_the_run(arguments: dict[str, object], argument: str, message: str) -> None:
    (finding,) = check(arguments)

    assert (finding.argument, finding.message) == (argument, message)


@pytest.mark.parametrize(
    "arguments",
    [
        {"sql": "SELECT * FROM nowhere"},  # what there is, the run knows
        {"sql": "SELECT $a; SELECT $b", "parameters": {"a": 1, "b": 2}},
        {"sql": "SELECT $a"},  # its parameters hold an expression, or there are none: the run will say
        {"parameters": {"a": 1}},
        {},
    ],
)
def test_nothing_is_said_of_what_may_be_right(arguments: dict[str, object]) -> None:
    assert list(check(arguments)) == []
