"""Values as templates with types: the short cut for plain references says what the parser says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.source import Source
from flowpar.core.types import INT, STR, ListOf
from flowpar.expr.check import check_template
from flowpar.expr.parse import parse_text
from flowpar.expr.references import references
from flowpar.expr.template import Constant, ListTemplate, Text
from flowpar.lang.loader import parse
from flowpar.lang.model import TaskModel, Workflow
from flowpar.lang.rules.findings import Findings
from flowpar.lang.rules.reading import Reading
from flowpar.lang.rules.scope import Surroundings, TaskTypes, View

NAMES = ["a", "load", "x1", "in", "None", "load_2", "_hidden", "load-data"]


def view() -> View:
    inputs = dict.fromkeys(NAMES, STR)
    workflow = Workflow(tasks={name: TaskModel(kind="shell", body="true") for name in NAMES})
    tasks = TaskTypes(workflow, lambda _: ListOf(INT))
    return Surroundings(inputs, tasks, {}, {}).of_items("each", dict.fromkeys(NAMES, INT))


def reading() -> Reading:
    document = parse(Source("w.yaml", "x: 1\n")).document
    assert document is not None
    return Reading(Findings(document))


@given(
    st.sampled_from(["inputs", "tasks", "each"]),
    st.sampled_from(NAMES),
    st.sampled_from(["", ".output", ".status"]),
    st.sampled_from(["", " ", "  "]),
)
def test_a_plain_reference_reads_as_the_parser_would(context: str, name: str, field: str, blank: str) -> None:
    text = f"${{{{{blank}{context}.{name}{field}{blank}}}}}"
    place, reader = view(), reading()
    template = parse_text(text, place.ids)
    kind, errors = check_template(template, place)

    found = reader.value(text, ("x",), place)

    if any(errors):
        assert found.template is None
    else:
        assert (found.template, found.type) == (template, kind)
    assert {mention.reference for mention in reader.mentions} == references(template)


def test_a_value_without_expressions_is_a_constant_at_any_depth() -> None:
    value = {"a": [1, {"b": "text"}]}

    assert reading().value(value, ("x",), view()).template == Constant(value)


def test_braces_that_are_escaped_are_text_again() -> None:
    found = reading().value(["$${{ x }}", 1], ("x",), view())

    assert found.template == Constant(["${{ x }}", 1])


def test_expressions_are_found_at_any_depth() -> None:
    reader = reading()

    found = reader.value([1, ["a ${{ inputs.a }}"]], ("x",), view())

    assert isinstance(found.template, ListTemplate)
    assert found.type == ListOf(found.type.item) if isinstance(found.type, ListOf) else False
    assert [mention.path for mention in reader.take_mentions()] == [("x", 1, 0)]
    assert reader.take_mentions() == []


@pytest.mark.parametrize("text", ["${{ inputs.a }} ", "x${{ inputs.a }}"])
def test_text_around_an_expression_makes_it_text(text: str) -> None:
    found = reading().value(text, ("x",), view())

    assert isinstance(found.template, Text)
    assert found.type == STR
