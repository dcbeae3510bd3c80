from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.expr.parse import parse_text
from flowpar.expr.references import Reference, locate, mentions, references, references_of
from flowpar.expr.template import Constant, Expression, ListTemplate

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tasks.load-data.output[0].word", {Reference("tasks", "load-data", "output")}),
        ("tasks['load'].status", {Reference("tasks", "load", "status")}),
        ("tasks.load", {Reference("tasks", "load")}),
        ("tasks.load['output']", {Reference("tasks", "load", "output")}),
        ("tasks.load.items[each.index].status", {Reference("tasks", "load", "items"), Reference("each", "index")}),
        ("tasks.load[inputs.name]", {Reference("tasks", "load"), Reference("inputs", "name")}),
        ("[x.output for x in inputs.any if env.HOME]", {Reference("inputs", "any"), Reference("env", "HOME")}),
        ("previous.x + output", {Reference("previous", None), Reference("output", None)}),
        ("json(inputs)", {Reference("inputs", None)}),
        ("x.tasks.load", set()),
        ("'tasks.load.output'", set()),
    ],
)
def test_everything_that_is_read_is_found(text: str, found: set[Reference], expr: Expressions) -> None:
    assert references(expr.parse(text)) == found


def test_references_of_a_template_are_those_of_its_expressions(expr: Expressions) -> None:
    text = parse_text("a ${{ inputs.top }} b ${{ each.item }}", expr.ids)

    found = references(ListTemplate((text, Constant("${{ tasks.a.output }}"))))

    assert found == {Reference("inputs", "top"), Reference("each", "item")}
    assert mentions(text, "each")
    assert not mentions(text, "tasks")


def test_what_default_guards_may_be_missing(expr: Expressions) -> None:
    text = "default(tasks.load.output.x, tasks.from.output) + default(fallback=1, value=tasks._own.output)"
    expression = expr.parse(text)

    assert {reference.name: is_guarded for reference, is_guarded in references_of(expression.code)} == {
        "load": True,
        "from": False,
        "_own": True,
    }


def test_a_reference_has_a_place(expr: Expressions) -> None:
    expression = expr.parse("1 + tasks.load-data.output + tasks.load-data.output")

    place = locate(expression, Reference("tasks", "load-data", "output"))

    assert place == (4, 26)
    assert locate(expression, Reference("inputs", "top")) is None


def test_code_that_cannot_be_read_refers_to_nothing() -> None:
    assert references(Expression("(", "(")) == frozenset()
