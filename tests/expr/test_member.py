"""`path_of` takes plain paths apart as the parser does, and nothing else."""

from __future__ import annotations

import ast

import pytest

from flowpar.expr.member import member_of, path_of

PATHS = ["tasks.load", " tasks.load.output ", 'tasks["load-data"].output.rows', "each.row\n", 'inputs["n"]', "run.id"]
OTHERS = [
    "tasks",
    "output.x",
    "text.x",
    "tasks.load.output[0]",
    'tasks["load"][0].x',
    'tasks["load"] + tasks["save"].x',
    'tasks["a.b"].x',
    "tasks['load'].x",
    "tasks.a-b",
    "tasks.a.b-c",
    "tasks.a + 1",
    "tasks . a",
    "len(tasks.a)",
    "tasks.ä",
    "-tasks.a",
    '"tasks.a"',
]


@pytest.mark.parametrize("code", PATHS)
def test_a_path_is_what_the_parser_reads(code: str) -> None:
    found = path_of(code)
    assert found is not None
    context, name, fields = found

    node = ast.parse(f"({code})", mode="eval").body
    for field in reversed(fields):
        assert isinstance(node, ast.Attribute)
        assert node.attr == field
        node = node.value
    member = member_of(node)

    assert member is not None
    assert (member.context, member.name) == (context, name)


@pytest.mark.parametrize("code", OTHERS)
def test_other_code_is_left_to_the_parser(code: str) -> None:
    assert path_of(code) is None
