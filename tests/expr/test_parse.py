from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.expr.finding import ExpressionError, ExpressionErrors
from flowpar.expr.parse import parse_condition, parse_expression, parse_text
from flowpar.expr.rewrite import plain_member, rewrite
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text, expressions_in, is_constant

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions


def test_a_scalar_that_is_one_expression_is_an_expression(expr: Expressions) -> None:
    assert parse_text("${{ inputs.top }}", expr.ids) == Expression(" inputs.top ", " inputs.top ")
    assert parse_text("${{ inputs.top }}\n", expr.ids) == Expression(" inputs.top ", " inputs.top ")


def test_text_around_an_expression_makes_it_text(expr: Expressions) -> None:
    template = parse_text("a $${{ ${{ 1 }} b", expr.ids)

    assert template == Text(("a ${{ ", Expression(" 1 ", " 1 "), " b"))
    assert isinstance(parse_text(" ${{ 1 }}", expr.ids), Text)


def test_text_without_expressions_is_constant(expr: Expressions) -> None:
    assert parse_text("a $${{ b }}", expr.ids) == Constant("a ${{ b }}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tasks.load-data.output", 'tasks["load-data"].output'),
        ("tasks.load.output", "tasks.load.output"),
        ("tasks.load-1", "tasks.load-1"),
        ("tasks.from.output", 'tasks["from"].output'),
        ("tasks._own.output", 'tasks["_own"].output'),
        ("tasks . load-data . output", 'tasks["load-data"] . output'),
        ("each.lr-1", "each.lr-1"),
        ("tasks.laod-data.output", 'tasks["laod-data"].output'),
        ("'tasks.load-data' + x", "'tasks.load-data' + x"),
        ("x.tasks.load-data", "x.tasks.load-data"),
        ("mytasks.load-data", "mytasks.load-data"),
        ("tasks.load.output.class", 'tasks.load.output["class"]'),
        ("[x.in for x in y]", '[x["in"] for x in y]'),
        ("tasks.load-dta.output", 'tasks["load-dta"].output'),
        ("each.lr-each.lr", "each.lr-each.lr"),
        ("each.lr-rate", "each.lr-rate"),
    ],
)
def test_ids_are_taken_as_written(text: str, code: str, expr: Expressions) -> None:
    assert expr.parse(text).code == code


@pytest.mark.parametrize("text", ["inputs.top > 1", "${{ inputs.top > 1 }}", "  ${{ inputs.top > 1 }}\n"])
def test_a_condition_needs_no_braces(text: str, expr: Expressions) -> None:
    assert parse_condition(text, expr.ids).code.strip() == "inputs.top > 1"


@pytest.mark.parametrize("text", ["${{ a }} and ${{ b }}", "not ${{ a }}", "${{ a }} == 1"])
def test_a_condition_is_one_expression(text: str, expr: Expressions) -> None:
    with pytest.raises(ExpressionErrors) as caught:
        parse_condition(text, expr.ids)

    assert caught.value.errors[0].code == "FP310"


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("", "", "the expression is empty"),
        ("   ", "   ", "the expression is empty"),
        ("a b", "a", '"a" is not expected here; is an operator or a comma missing?'),
        ("1 +", "+", "the expression ends too early; complete it"),
        ("(1", "(", 'this "(" is never closed'),
        ("'a", "'", "this quote is never closed"),
        ("x if y", "x", '"x" is not expected here; write "x if condition else y"'),
        ("f(x", "(", 'this "(" is never closed'),
        ("a ]", "]", 'this "]" closes nothing'),
        ("top = 3", "top", '"top" is not expected here; compare with "=="'),
        ("1 +\n * 2", "*", '"*" is not expected here'),
        ("'ä€𝄞' + + * 2", "*", '"*" is not expected here'),
    ],
)
def test_what_cannot_be_read_is_marked(text: str, marked: str, message: str, expr: Expressions) -> None:
    assert expr.findings(text) == [("FP301", marked, message)]


@pytest.mark.parametrize(
    ("text", "marked", "hint"),
    [
        ("a && b", "&&", 'write "and"'),
        ("a || b", "||", 'write "or"'),
        ("!a", "!", 'write "not x"'),
        ("a ? b : c", "?", 'write "x if condition else y"'),
        ("a === b", "===", 'write "=="'),
        ("a # b", "#", "no comments"),
        ("$HOME", "$", "env.HOME"),
        ("true", "true", 'write "True"'),
        ("null", "null", 'write "None"'),
        ("2 ** 3", "2 ** 3", "use x * x"),
        ("lambda x: x", "lambda x: x", "comprehension"),
        ("name.upper()", "name.upper()", "write upper(x)"),
        ("name.frobnicate()", "name.frobnicate()", "built-in functions"),
        ("__import__('os')", "__import__", "public fields"),
        ("x.__class__", "x.__class__", "public fields"),
        ("x._a", "x._a", "choose a name without it"),
        ("(x := 1)", "x := 1", "where it is used"),
        ("f'{x}'", "f'{x}'", "around expressions"),
        ("x is 1", "x is 1", 'use "=="'),
        ("x is not 'a'", "x is not 'a'", 'use "!="'),
        ("{1, 2}", "{1, 2}", "write a list"),
        ("[*x]", "*x", "flatten"),
        ("{**x}", "{**x}", "one by one"),
        ("a | upper", "a | upper", 'use "or"'),
        ("~a", "~a", 'use "not"'),
        ("[x for y in z for x in y]", "[x for y in z for x in y]", "flatten"),
        ("[x for x.y in z]", "[x for x.y in z]", "[… for x in items]"),
        ("[tasks for tasks in z]", "[tasks for tasks in z]", "another name"),
        ("f()()", "f()()", "before the bracket"),
        ("len(**x)", "len(**x)", "one by one"),
        ("b'x'", "b'x'", "write text"),
        ("1j", "1j", "in a task"),
        ("...", "...", "the value"),
        ("9" * 3000, "9" * 3000, "in a task"),
    ],
)
def test_what_is_refused_has_a_hint(text: str, marked: str, hint: str, expr: Expressions) -> None:
    [(code, where, words)] = expr.findings(text)

    assert (code, where) == ("FP302", marked)
    assert hint in words


def test_lists_without_brackets_are_refused(expr: Expressions) -> None:
    assert [code for code, _, _ in expr.findings("1, 2")] == ["FP302"]
    assert [code for code, _, _ in expr.findings("x for x in [1]")] == ["FP302"]
    assert expr.findings("(1, 2)") == []


def test_all_findings_of_a_text_come_at_once_with_their_places(expr: Expressions) -> None:
    text = "a ${{ x.upper() }} b ${{ 1 + }} c ${{ 2 ** 3 }} ${{ open"

    with pytest.raises(ExpressionErrors) as caught:
        parse_text(text, expr.ids)

    assert [text[e.start : e.end] for e in caught.value.errors] == ["x.upper()", "+", "2 ** 3", "${{"]
    assert [e.code for e in caught.value.errors] == ["FP302", "FP301", "FP302", "FP301"]


def test_an_unclosed_expression_names_what_keeps_it_open(expr: Expressions) -> None:
    with pytest.raises(ExpressionErrors) as caught:
        parse_text("${{ {'a': 1 }}", expr.ids)

    assert caught.value.errors[0].message == 'this "{" is never closed'


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + ")" * 5_000,
        "-" * 9_000 + "1",
        "not " * 2_000 + "x",
        "+".join(["1"] * 4_000),
        "x" + ".a" * 4_000,
        "[" * 150 + "]" * 150,
        "1" * 20_000,
        "x if y else " * 500 + "z",
        "1\x00",
    ],
)
def test_monstrous_expressions_are_refused_cleanly(text: str, expr: Expressions) -> None:
    [(code, _, message)] = expr.findings(text)

    assert code in {"FP301", "FP302"}
    assert len(message) < 200


def test_templates_say_whether_they_are_constant(expr: Expressions) -> None:
    one = parse_text("${{ 1 }}", expr.ids)
    nested = MapTemplate((("a", ListTemplate((Constant(1), one))), ("b", Text(("x", Expression("2", "2"))))))

    assert not is_constant(nested)
    assert is_constant(ListTemplate((Constant("${{ 1 }}"),)))
    assert [e.text for e in expressions_in(nested)] == [" 1 ", "2"]


def test_templates_travel_as_small_pickles(expr: Expressions) -> None:
    template = parse_text("${{ tasks.load-data.output }}", expr.ids)

    packed = pickle.dumps(template)

    assert pickle.loads(packed) == template
    assert len(packed) < 200


@given(
    st.text(
        alphabet=st.sampled_from("tasks.load-dt inputs[](){}'\"+*/%<>=!,:1and or not in for if x\n#é𝄞\\_"), max_size=60
    )
)
def test_any_text_is_an_expression_or_has_findings_inside_it(text: str) -> None:
    errors: tuple[ExpressionError, ...] = ()
    try:
        parse_expression(text, {"tasks": ["load-data"], "inputs": ["x"]})
    except ExpressionErrors as error:
        errors = error.errors

    assert all(0 <= one.start < one.end <= max(len(text), 1) for one in errors)


TOKENS = ["tasks.load", "tasks", "inputs.top", ".", "-data", "from", "_own", "inputs", "-1", " ", "output", "in", "\n"]


@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6).map("".join))
def test_the_short_way_for_plain_references_leads_where_the_long_one_does(text: str) -> None:
    ids = {"tasks": ["load", "load-data", "from", "_own"], "inputs": ["top"]}

    short = plain_member(text, ids)

    assert short in {None, rewrite(text, text, ids)}


def test_what_python_warns_of_reaches_nobody(expr: Expressions) -> None:
    assert parse_expression("1in [1]", expr.ids) == Expression("1in [1]", "1in [1]")  # warnings are errors here
