from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NONE,
    PATH,
    STR,
    Constant,
    ListOf,
    MapOf,
    OneOf,
    TupleOf,
    Type,
    show,
)
from flowpar.expr.check import check, check_template
from flowpar.expr.finding import ExpressionErrors
from flowpar.expr.parse import parse_expression, parse_text
from flowpar.expr.rewrite import Places
from flowpar.expr.syntax import tree_of
from flowpar.expr.template import Constant as ConstantTemplate
from flowpar.expr.template import ListTemplate, MapTemplate

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("inputs.top", INT),
        ("inputs.any.x[0].y", ANY),
        ("tasks.load-data.output[0].count", INT),
        ("[w.word for w in tasks.load-data.output]", ListOf(STR)),
        ("{w.word: w.count for w in tasks.load-data.output}", MapOf(STR, INT)),
        ("tasks.load-data.output[1:][0].word", STR),
        ("inputs.top + 1", INT),
        ("inputs.top / 2", FLOAT),
        ("inputs.top * inputs.rate", FLOAT),
        ("inputs.name * 2 + 'x'", STR),
        ("[1] + [2.5]", ListOf(OneOf((INT, FLOAT)))),
        ("inputs.dir / 'x'", PATH),
        ("inputs.dir.parent.name", STR),
        ("-inputs.rate", FLOAT),
        ("inputs.top > 1 and inputs.flag", BOOL),
        ("not inputs.any", BOOL),
        ("1 if inputs.flag else None", OneOf((Constant((1,)), NONE))),
        ("inputs.maybe or 1", INT),
        ("default(inputs.maybe, 'x')", OneOf((INT, STR))),
        ("default(None, 1)", INT),
        ("inputs.table['a']", INT),
        ("inputs.table.a", INT),
        ("items(inputs.table)[0]", TupleOf((STR, INT))),
        ("[v for k, v in items(inputs.table)]", ListOf(INT)),
        ("[i for i, w in enumerate(tasks.load-data.output)]", ListOf(INT)),
        ("max(tasks.load-data.output, by='count').word", STR),
        ("sum(w.count for w in tasks.load-data.output)", INT),
        ("sorted([2.5])[0]", FLOAT),
        ("flatten([[1], [2]])", ListOf(INT)),
        ("zip([1], ['a'])[0][1]", STR),
        ("range(3)", ListOf(INT)),
        ("split(inputs.name)[0]", STR),
        ("glob('*')", ListOf(STR)),
        ("path('a', 'b')", PATH),
        ("from_json('1')", ANY),
        ("json(inputs.any)", STR),
        ("{'a': 1}.a", Constant((1,))),
        ("('x', 1)[1]", INT),
        ("each.lr - 1", FLOAT),
        ("each.lr-1", FLOAT),
        ("round(inputs.rate)", INT),
        ("round(inputs.rate, 2)", FLOAT),
        ("abs(inputs.top)", INT),
        ("1 in [1, 2]", BOOL),
        ("None is None", BOOL),
        ("min(1, 2.5)", OneOf((INT, FLOAT))),
    ],
)
def test_types_are_worked_out(text: str, kind: Type, expr: Expressions) -> None:
    assert expr.type_of(text) == kind


@pytest.mark.parametrize(
    ("text", "code", "marked", "words"),
    [
        ("nothing", "FP303", "nothing", 'there is no name "nothing"; put text in quotes'),
        ("top > 1", "FP303", "top", "write inputs.top"),
        ("load", "FP303", "load", "write tasks.load.output"),
        ("input.top", "FP303", "input", "write inputs.<name>"),
        ("taks.load", "FP303", "taks", 'did you mean "tasks"?'),
        ("len", "FP303", "len", "call it: len(value)"),
        ("lne([1])", "FP303", "lne", 'did you mean "len"?'),
        ("toJSON(1)", "FP303", "toJSON", "write json(value)"),
        ("frobnicate(1)", "FP303", "frobnicate", "do this in a task"),
        ("tasks.laod.output", "FP304", "laod", 'there is no task "laod"; did you mean "load"?'),
        ("tasks.load-dta.output", "FP304", "load-dta", 'did you mean "load-data"?'),
        ("tasks['nope'].output", "FP304", "'nope'", 'there is no task "nope"; there is load-data, load, from, _own'),
        ("inputs.tpo", "FP304", "tpo", 'there is no input "tpo"; did you mean "top"?'),
        ("each.itme", "FP304", "itme", '"each" has no "itme"; did you mean "item"?'),
        ("run.status", "FP304", "run.status", "is known in the tasks of finally only"),
        ("run.stats", "FP304", "stats", '"run" has no "stats"'),
        ("matrix.lr", "FP305", "matrix.lr", '"matrix" is not available here: it belongs to another place'),
        ("previous + 1", "FP305", "previous", "not available"),
        ("len()", "FP306", "len()", 'len() needs "value"; it is len(value)'),
        ("len([1], 2)", "FP306", "len([1], 2)", "takes 1 argument, not 2"),
        ("sorted([1], key=1)", "FP306", "sorted([1], key=1)", 'no argument "key"'),
        ("join([1], items=[2])", "FP306", "join([1], items=[2])", 'is given "items" twice'),
        ("upper(inputs.top)", "FP307", "inputs.top", '"text" of upper() must be text, not int'),
        ("len(inputs.top)", "FP307", "inputs.top", "must be a list, a mapping or text, not int"),
        ("keys([1])", "FP307", "[1]", "must be a mapping, not list[int]"),
        ("sorted([1], reverse='yes')", "FP307", "'yes'", "must be True or False, not str"),
        ("inputs.top + inputs.name", "FP307", "inputs.top + inputs.name", '"+" does not work between int and str'),
        ("inputs.name / 2", "FP307", "inputs.name / 2", "make a number of the text"),
        ("inputs.name - inputs.name", "FP307", "inputs.name - inputs.name", "between str and str"),
        ("'%d' % 3", "FP307", "'%d' % 3", "put text around expressions"),
        ("-inputs.name", "FP307", "-inputs.name", '"-" does not work on str'),
        ("inputs.top < 'a'", "FP307", "inputs.top < 'a'", '"<" does not work between int and str'),
        ("1 < 2 < 'a'", "FP307", "'a'", '"<" does not work between int and str'),
        ("inputs.flag == 'true'", "FP307", "inputs.flag == 'true'", "bool and str are never equal"),
        ("inputs.top == '10'", "FP307", "inputs.top == '10'", "leave the quotes out"),
        ("inputs.dir == 'a'", "FP307", "inputs.dir == 'a'", "str(path)"),
        ("'a' in inputs.top", "FP307", "'a' in inputs.top", "does not work for str in int"),
        ("1 in inputs.name", "FP307", "1 in inputs.name", "does not work for int in str"),
        ("inputs.top in ['a']", "FP307", "inputs.top in ['a']", "int is never in list[str]"),
        ("tasks.load.status == 'sucess'", "FP307", "tasks.load.status == 'sucess'", 'the value is never "sucess"'),
        ("tasks.load.status in ['done']", "FP307", "tasks.load.status in ['done']", "it is one of succeeded, failed"),
        ("[x for x in inputs.top]", "FP307", "inputs.top", "a loop needs a list, not int"),
        ("[a for a, b in [1]]", "FP307", "a, b", "int cannot be divided among 2 names"),
        ("[a for a, b in zip([1], [2], [3])]", "FP307", "a, b", "cannot be divided among 2 names"),
        ("inputs.name['a':]", "FP307", "'a'", "a bound of a slice must be a whole number"),
        ("tasks.load.outptu", "FP308", "outptu", 'tasks.load has no "outptu"; did you mean "output"?'),
        ("tasks.load-data.output[0].wrod", "FP308", "wrod", 'Word has no field "wrod"; did you mean "word"?'),
        (
            "tasks.load-data.output.word",
            "FP308",
            "word",
            "take one item, [0].word, or all of them, [x.word for x in …]",
        ),
        ("\n tasks.load-data.outptu ", "FP308", "outptu", 'tasks.load-data has no "outptu"'),
        ("tasks.load-data.output['a']", "FP308", "'a'", 'list[Word] has no key "a"'),
        ("each.item['word']", "FP308", "'word'", "write .word"),
        ("inputs.name.upper", "FP308", "upper", "write upper(x)"),
        ("inputs.dir.nmae", "FP308", "nmae", 'did you mean "name"?'),
        ("inputs.top[0]", "FP308", "0", "int has no items"),
        ("inputs.table[1]", "FP308", "1", "the keys of dict[str, int] are str, not int"),
        ("(1, 2)[5]", "FP308", "5", "has 2 items, and none at 5"),
        ("{'a': 1}.b", "FP308", "b", 'the mapping has no key "b"; its keys are a'),
        ("sorted(tasks.load-data.output, by='cont')", "FP308", "'cont'", 'did you mean "count"?'),
        ("None.x", "FP308", "x", 'None has no field "x"'),
        ("inputs", "FP311", "inputs", "read one of its members: inputs.<name>"),
        ("tasks[inputs.name].output", "FP311", "tasks", "tasks.<id>.output"),
        ("tasks.load", "FP311", "tasks.load", "its output is tasks.load.output"),
        ("len(tasks.load)", "FP311", "tasks.load", "is a task and no value by itself"),
        ("matches(inputs.name, '(a')", "FP312", "'(a'", "the pattern is wrong"),
        ("matches(inputs.name, pattern='(?=a)')", "FP312", "'(?=a)'", "not supported"),
    ],
)
def test_what_cannot_be_right_is_found_at_its_place(
    text: str, code: str, marked: str, words: str, expr: Expressions
) -> None:
    [(found_code, found_at, message)] = expr.findings(text)

    assert (found_code, found_at) == (code, marked)
    assert words in message


@pytest.mark.parametrize(
    "text",
    [
        "default({'a': 1}.b, 2)",
        "default((1, 2)[5], 2)",
        "inputs.maybe + 1",
        "inputs.maybe < 3",
        "inputs.any == 'x'",
        "inputs.maybe == None",
        "tasks.load.error.kind",
        "tasks.load.status == 'failed'",
        "len(inputs.any) + inputs.any",
        "[w for w in inputs.any.x if w.y]",
        "sorted(inputs.any, by=0)",
        "join(inputs.any, separator=', ')",
        "[len for len in ['a']]",
        "min([], default=None)",
        "1 == 1",
        "'b' in {'a': 1}",
    ],
)
def test_what_may_be_right_is_let_through(text: str, expr: Expressions) -> None:
    assert expr.findings(text) == []


def test_all_findings_of_an_expression_come_in_order(expr: Expressions) -> None:
    found = expr.findings("inputs.tpo + lne(taks.load) + tasks.load-data.output[0].wrod")

    assert [marked for _, marked, _ in found] == ["tpo", "lne", "taks", "wrod"]


def test_a_list_inside_text_is_a_finding_of_the_whole_expression(expr: Expressions) -> None:
    template = parse_text("a ${{ tasks.load-data.output }} b ${{ inputs.top }}", expr.ids)

    kind, (first, second) = check_template(template, expr.scope)

    assert kind == STR
    assert second == []
    assert [(e.code, e.message) for e in first] == [("FP309", "a value of type list[Word] cannot stand inside a text")]
    assert " tasks.load-data.output "[first[0].start : first[0].end] == "tasks.load-data.output"


def test_templates_have_types_too(expr: Expressions) -> None:
    one = parse_text("${{ inputs.top }}", expr.ids)
    template = MapTemplate((("a", ListTemplate((one, ConstantTemplate("x")))), ("b", one)))

    kind, findings = check_template(template, expr.scope)

    assert findings == ([], [])
    assert show(kind) == "dict"
    assert getattr(kind, "fields", None) == (("a", ListOf(OneOf((INT, STR)))), ("b", INT))


@pytest.mark.parametrize(
    "text",
    [
        "tasks.load-data.output",
        "'ä€𝄞' + tasks . load-data . output",
        "1 +\n  tasks.from.output.class\n + inputs.top",
        "1\r\n + 2",
    ],
)
def test_places_in_the_code_lead_back_to_the_text(text: str, expr: Expressions) -> None:
    expression = expr.parse(text)
    places = Places(expression.text, expression.code)

    start, end = places.span(tree_of(expression.code))

    assert text[start:end] == text


@given(
    st.text(
        alphabet=st.sampled_from("tasks.load-dt inputs[](){}'\"+*/%<>=!,:1and or not in for if x\n#é𝄞_"), max_size=60
    )
)
def test_whatever_parses_can_be_checked(text: str) -> None:
    from tests.expr.conftest import IDS, FakeScope

    try:
        expression = parse_expression(text, IDS)
    except ExpressionErrors:
        return

    _, errors = check(expression, FakeScope())

    assert all(0 <= one.start < one.end <= len(text) for one in errors)
