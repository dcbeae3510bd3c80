"""Expressions of one shape are read and checked once; nobody may be able to tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.types import ANY, INT, NONE, STR, Constant, Enumeration, ListOf, OneOf, Record, TupleOf, Type
from flowpar.expr.alike import Alike
from flowpar.expr.check import check
from flowpar.expr.finding import ExpressionErrors
from flowpar.expr.parse import parse_expression
from flowpar.expr.references import Reference, references_in, references_of, sole_reference
from flowpar.expr.rewrite import rewrite
from flowpar.expr.scan import Fault, without_strings
from flowpar.expr.shape import shape_of
from flowpar.expr.template import Expression
from tests.expr.conftest import TYPES, WORD, FakeScope, task

_OUTPUTS: dict[str, Type] = {
    "load-data": ListOf(WORD),
    "from": INT,
    "t0": WORD,
    "t1": TupleOf((INT, STR)),
    "a": STR,
    "b2": Constant(("fast", "slow")),
    "B-3": Enumeration("Mode", (("FAST", 1), ("SLOW", 2)), INT),
    "maybe": OneOf((WORD, NONE)),
    "pair": Record("Pair", (("n", INT), ("m", Constant((1, 2)))), items=(INT, STR)),
    "any": ANY,
}
_SCOPE = FakeScope({**TYPES, "tasks": {name: task(kind) for name, kind in _OUTPUTS.items()}})
_IDS = {context: tuple(names) for context, names in _SCOPE.types.items()}

_ids = st.sampled_from([*_OUTPUTS, "absent"])
_fields = st.sampled_from(["", ".word", ".n", ".count", "[0]", "[1]", '["word"]', ".value", ".from"])
_reads = st.builds("tasks.{}.{}{}".format, _ids, st.sampled_from(["output", "status", "items", "error", "x"]), _fields)
_numbers = st.sampled_from([*map(str, range(4)), "17", "007", "1e3", "1.5", "-1", "1_0", "3000000000"])
_leaves = st.one_of(
    _reads,
    _numbers,
    st.sampled_from(
        ["inputs.top", "inputs.name", "each.lr-1", "run.id", "tasks", '"fast"', "'tasks.a.output'", '"it\'s 17"', "x"]
    ),
)
_forms = st.sampled_from(
    [
        "{0} + {1}",
        "{0}*{1}",
        "{0} % {1} == {1}",
        "{0} == {1}",
        "{0} < {1}",
        "{0} in [{1}, {0}]",
        "default({0}, {1})",
        "[{0}, {1}]",
        "{{'k': {0}}}",
        "{0} if {1} else {0}",
        "{0} is not None and {1}",
        "not {0} or {1}",
        "len({0})",
        "range({0}, {1})",
        "[item for item in {0} if item == {1}]",
        "({0})[{1}]",
        "-{0}",
        "{0}.strip()",
        "tasks .a.output + {0}",
        "{0}-{1}",
        "join({0}, ', ')",
    ]
)
_texts = st.recursive(_leaves, lambda parts: st.builds(str.format, _forms, parts, parts), max_leaves=4)


@given(texts=st.lists(_texts, min_size=1, max_size=6), place=st.sampled_from([None, "inputs.top", "tasks.t0.output"]))
def test_an_expression_is_what_it_is_alone_whatever_was_looked_at_before(texts: list[str], place: str | None) -> None:
    alike = Alike()
    scope = _SCOPE if place is None else replace(_SCOPE, present=frozenset({place}))

    for text in texts:
        try:
            expression = parse_expression(text, _IDS)
        except ExpressionErrors:
            continue

        assert alike.check(expression, scope) == check(expression, scope), text
        assert references_in(expression) == references_of(expression.code)
        blanked = without_strings(text)
        assert not isinstance(blanked, Fault)
        assert expression.code == rewrite(text, blanked, _IDS)


@given(text=_texts, other=_ids, number=_numbers)
def test_who_differs_in_an_id_and_a_number_is_of_one_shape_and_yet_judged_alone(
    text: str, other: str, number: str
) -> None:
    alike = Alike()
    for one in (text, text.replace("t0", other).replace("17", number), text.replace("pair", other)):
        try:
            expression = parse_expression(one, _IDS)
        except ExpressionErrors:
            continue

        assert alike.check(expression, _SCOPE) == check(expression, _SCOPE), one


def test_a_shape_lacks_ids_and_numbers_and_keeps_texts() -> None:
    shape = shape_of('tasks.load-data.output[0].word == "item 17" and tasks.a.output > 17')

    assert shape is not None
    assert shape.text == 'tasks.t0.output[0].word == "item 17" and tasks.t1.output > 0'
    assert shape.names == ("load-data", "a")
    assert shape.numbers == ("0", "17")
    assert shape.code == 'tasks["load-data"].output[0].word == "item 17" and tasks.a.output > 17'


@pytest.mark.parametrize(
    "text",
    [
        'tasks["a"].output',
        '"tasks.a.output"',
        "tasks.a",
        "x . tasks.a.output",
        "each.lr-1",
        "'''tasks.a.output'''",
        "tasks.a.output + 'é'",
        "tasks.a.output # 1",
        "tasks.a.output\n+ 1",
        "1 + " * 300,
    ],
)
def test_what_takes_a_parser_to_tell_has_no_shape(text: str) -> None:
    assert shape_of(text) is None


def test_a_task_of_another_type_is_refused_though_its_shape_is_known() -> None:
    alike = Alike()
    first, second = (parse_expression(f"tasks.{name}.output.count * 2", _IDS) for name in ("t0", "pair"))

    assert alike.check(first, _SCOPE) == (INT, [])
    kind, errors = alike.check(second, _SCOPE)

    assert kind == ANY
    assert [error.message for error in errors] == ['Pair has no field "count"']


def test_numbers_count_where_they_are_the_value() -> None:
    alike = Alike()
    kinds = [alike.check(parse_expression(f"{n} if inputs.flag else {n}", _IDS), _SCOPE)[0] for n in (1, 2)]
    items = [alike.check(parse_expression(f"tasks.t1.output[{n}]", _IDS), _SCOPE)[0] for n in (0, 1)]

    assert kinds == [Constant((1,)), Constant((2,))]
    assert items == [INT, STR]


def test_the_one_reference_of_an_expression_is_its_own() -> None:
    texts = ("tasks.load-data.output", "tasks.a.output", "inputs.top", "tasks.a.output + 1")
    expressions = [parse_expression(text, _IDS) for text in texts]

    assert [sole_reference(expression) for expression in expressions] == [
        Reference("tasks", "load-data", "output"),
        Reference("tasks", "a", "output"),
        Reference("inputs", "top"),
        None,
    ]
    assert sole_reference(Expression("tasks.a", "tasks.a")) == Reference("tasks", "a")
