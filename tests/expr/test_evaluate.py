from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import NeedsWorker
from flowpar.expr.evaluate import EvaluationError, Missing, evaluate
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("7 // 2 + 7 % 4 + 6 / 4", 7.5),
        ("-(-3)", 3),
        ("'a' + 'b' * 2", "abb"),
        ("[1] + [2] * 2", [1, 2, 2]),
        ("(1, 2)", (1, 2)),
        ("{'a': 1, 'b': [2]}", {"a": 1, "b": [2]}),
        ("{x: x * x for x in [1, 2]}", {1: 1, 2: 4}),
        ("[a + b for a, b in [[1, 2], [3, 4]]]", [3, 7]),
        ("[x for x in range(6) if x % 2 if x > 1]", [3, 5]),
        ("[[y for y in range(x)] for x in range(3)]", [[], [0], [0, 1]]),
        ("sum(x for x in [1, 2])", 3),
        ("1 < 2 < 3", True),
        ("1 < 2 > 3", False),
        ("'b' in 'abc' and 'd' not in ['a']", True),
        ("None is None", True),
        ("1 is not None", True),
        ("not 0 or 5", True),
        ("0 or '' or 'x'", "x"),
        ("1 and 2", 2),
        ("'y' if 1 > 2 else 'n'", "n"),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][1:]", [2, 3]),
        ("'hello'[::-1]", "olleh"),
        ("{'a': 1}['a']", 1),
        ("{'a': {'b': 2}}.a.b", 2),
        ("default({'a': None}.a, 7)", 7),
        ("default({'a': 1}.b, 7)", 7),
        ("default([1][3], 7)", 7),
        ("default({'a': 1}['b'], 7)", 7),
        ("default(0, 7)", 0),
        ("default(fallback=2, value=None)", 2),
    ],
)
def test_expressions_mean_what_they_mean_in_python(text: str, value: object, expr: Expressions) -> None:
    found = expr.value(text)

    assert found == value
    assert type(found) is type(value)


def test_ids_are_read_from_their_contexts(expr: Expressions) -> None:
    tasks = {"load-data": {"output": 5}, "from": {"output": 6}, "_own": {"output": 7}}

    assert expr.value("tasks.load-data.output", tasks=tasks) == 5
    assert expr.value("tasks['load-data'].output - 1", tasks=tasks) == 4
    assert expr.value("tasks.from.output + tasks._own.output", tasks=tasks) == 13


def test_contexts_may_be_objects_that_load_when_they_are_read(expr: Expressions) -> None:
    class View:
        status = "failed"
        loads = 0

        @property
        def output(self) -> object:
            self.loads += 1
            raise Missing('task "a" has no output: it failed')

    view = View()

    assert expr.value(
        "default(tasks.load.output, 'none') if tasks.load.status == 'failed' else 1", tasks={"load": view}
    )
    assert view.loads == 1
    with pytest.raises(EvaluationError, match='task "a" has no output') as caught:
        expr.value("tasks.load.output + 1", tasks={"load": view})
    assert caught.value.expression_text == "tasks.load.output + 1"


def test_what_only_a_worker_may_read_is_passed_on(expr: Expressions) -> None:
    class View:
        @property
        def output(self) -> object:
            raise NeedsWorker("a class of the user's")

    with pytest.raises(NeedsWorker):
        expr.value("default(tasks.load.output.x, 1)", tasks={"load": View()})


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Book:
    title: str
    parts: list[Point]

    @property
    def first(self) -> Point:
        return self.parts[0]

    @property
    def broken(self) -> int:
        raise ZeroDivisionError

    def method(self) -> int:
        return 1


def test_fields_of_classes_are_read_but_methods_are_not(expr: Expressions) -> None:
    book = Book("t", [Point(1, 2)])

    assert expr.value("inputs.any.title + str(inputs.any.parts[0].y)", inputs={"any": book}) == "t2"
    assert expr.value("inputs.any.first.x", inputs={"any": book}) == 1
    with pytest.raises(EvaluationError, match='"method" of Book is a method'):
        expr.value("inputs.any.method", inputs={"any": book})
    with pytest.raises(EvaluationError, match='did you mean "title"'):
        expr.value("inputs.any.titel", inputs={"any": book})
    with pytest.raises(EvaluationError, match='reading "broken" of Book raised ZeroDivisionError'):
        expr.value("inputs.any.broken", inputs={"any": book})


def test_a_key_wins_over_an_attribute(expr: Expressions) -> None:
    assert expr.value("inputs.any.items", inputs={"any": {"items": 1}}) == 1
    with pytest.raises(EvaluationError, match='there is no key "items"'):
        expr.value("inputs.any.items", inputs={"any": {}})


@pytest.mark.parametrize("value", [int, json, len, Book.method, Book("t", []).method, (n for n in [1])])
def test_the_insides_of_python_cannot_be_reached(value: object, expr: Expressions) -> None:
    for name in ("gi_frame", "mro", "decoder", "f_globals"):
        with pytest.raises(EvaluationError, match="cannot be read"):
            expr.value(f"inputs.any.{name}", inputs={"any": value})


@pytest.mark.parametrize("code", ["().__class__", "__import__('os')", "lambda: 1", "2 ** 9", "x.y()", "(lambda: 1)()"])
def test_code_that_no_parser_let_through_is_refused_again(code: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(Expression(code, code), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 + 'a'", '"+" does not work between int and str'),
        ("None < 1", '"<" does not work between None and int'),
        ("1 / 0", "divided by zero"),
        ("-'a'", '"-" does not work on str'),
        ("'%s' % 1", '"%" does not format text'),
        ("1 in 2", '"in" does not work on int'),
        ("[][0]", "there is no index 0 in a list of length 0"),
        ("{'name': 1}.nmae", 'there is no key "nmae"; did you mean "name"?'),
        ("5 .x", 'a value of type int has no field "x"'),
        ("[1]['a']", "a list has no item by a str"),
        ("None.x", 'a value of type None has no field "x"'),
        ("int('ten')", '"ten" is not a whole number'),
        ("float([])", "a value of type list is not a number"),
        ("upper(1)", '"text" of upper() must be text, not int'),
        ("min([])", "min() of nothing"),
        ("{[1]: 2}", "a list cannot be the key of a mapping"),
        ("[x for x in 5]", "a loop needs a list, not int"),
        ("[a for a, b in [1]]", "divides each item among 2 names, but one is a int"),
        ("from_json('{')", "is not JSON: line 1, column 2"),
        ("round(1.5, 1000)", "at most 300 digits"),
        ("range(1, 2, 0)", "may not be 0"),
        ("nothing", 'there is no name "nothing"'),
        ("output", '"output" is not available here'),
        ("inputs", "no value by itself"),
        ("json(path('a') == 1 or len)", "no name"),
        ("matches('a', '(')", "the pattern is wrong"),
    ],
)
def test_what_has_no_value_is_said_in_the_users_words(text: str, message: str, expr: Expressions) -> None:
    with pytest.raises(EvaluationError) as caught:
        expr.value(text)

    assert message in str(caught.value)
    assert caught.value.expression_text == text


def test_scalars_become_text_inside_text(expr: Expressions) -> None:
    class Colour(enum.Enum):
        RED = "red"

    values = [1, 2.5, True, None, "x", Path("a/b"), Decimal("1.10"), datetime(2026, 1, 2, tzinfo=UTC), Colour.RED]
    texts = [expr.text("<${{ inputs.any }}>", inputs={"any": value}) for value in values]

    assert texts[:6] == ["<1>", "<2.5>", "<True>", "<None>", "<x>", "<a/b>"]
    assert texts[6:] == ["<1.10>", "<2026-01-02 00:00:00+00:00>", "<red>"]


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1,), {1}, b"x", Book("t", [])])
def test_lists_and_mappings_do_not_stand_inside_text(value: object, expr: Expressions) -> None:
    with pytest.raises(EvaluationError, match="cannot stand inside a text") as caught:
        expr.text("<${{ inputs.any }}>", inputs={"any": value})

    assert caught.value.expression_text == " inputs.any "


def test_a_result_that_looks_like_an_expression_is_not_evaluated_again(expr: Expressions) -> None:
    assert expr.text("${{ inputs.name }}", inputs={"name": "${{ 1 + 1 }}"}) == "${{ 1 + 1 }}"
    assert expr.text("a ${{ inputs.name }}", inputs={"name": "${{ 1 }}"}) == "a ${{ 1 }}"


def test_templates_are_evaluated_all_the_way_down() -> None:
    one = Expression("1 + 1", "1 + 1")
    template = MapTemplate((("a", ListTemplate((one, Constant({"b": 1})))), ("c", Constant(None))))

    assert evaluate(template, {}) == {"a": [2, {"b": 1}], "c": None}


def test_a_default_is_only_evaluated_where_it_is_needed(expr: Expressions) -> None:
    assert expr.value("default(1, 1 / 0)") == 1
    with pytest.raises(EvaluationError, match="divided by zero"):
        expr.value("default(None, 1 / 0)")


def test_a_default_does_not_hide_other_errors(expr: Expressions) -> None:
    with pytest.raises(EvaluationError, match="divided by zero"):
        expr.value("default(1 / 0, 2)")


def test_names_of_a_loop_end_with_it(expr: Expressions) -> None:
    assert expr.value("[default([x.no for x in [[]]], x) for x in [1, 2]]") == [1, 2]
    with pytest.raises(EvaluationError, match='no name "x"'):
        expr.value("[x for x in [1]] + [x]")


def test_what_the_users_classes_raise_is_told(expr: Expressions) -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise KeyError("odd")

        def __hash__(self) -> int:
            return 1

        def __bool__(self) -> bool:
            raise ValueError

    with pytest.raises(EvaluationError, match="KeyError: 'odd'"):
        expr.value("inputs.any == 1", inputs={"any": Odd()})
    with pytest.raises(EvaluationError, match=r"^ValueError"):
        expr.value("not inputs.any", inputs={"any": Odd()})


def test_a_mapping_may_be_lazy(expr: Expressions) -> None:
    class Lazy(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            if name != "top":
                raise KeyError(name)
            return 10

        def __iter__(self) -> Iterator[str]:
            return iter(("top",))

        def __len__(self) -> int:
            return 1

    assert expr.value("inputs.top + default(inputs.rate, 1)", inputs=Lazy()) == 11


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
OPERATORS = ("+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or")


@given(plain, plain, st.sampled_from(OPERATORS))
def test_operators_agree_with_python_or_raise_ours(left: Any, right: Any, sign: str) -> None:
    code = f"inputs.a {sign} inputs.b"
    try:
        expected = eval(code.replace("inputs.a", "a").replace("inputs.b", "b"), {"a": left, "b": right})  # noqa: S307 - the oracle
    except Exception:  # noqa: BLE001 - whatever Python says
        expected = EvaluationError

    try:
        found = evaluate(Expression(code, code), {"inputs": {"a": left, "b": right}})
    except EvaluationError:
        assert expected is EvaluationError or sign == "%" or isinstance(expected, int)
    else:
        assert repr(found) == repr(expected)


def test_files_are_found_from_the_workflows_folder(expr: Expressions, tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "deep/c.csv", "d.txt"):
        (tmp_path / "data" / name).write_text("")

    found = expr.value("glob('data/**/*.csv')", workflow={"dir": str(tmp_path)})

    assert found == [str(tmp_path / "data" / name) for name in ("a.csv", "b.csv", "deep/c.csv")]
    assert expr.value("len(glob(inputs.dir / '*.txt'))", inputs={"dir": tmp_path / "data"}) == 1
    assert expr.value("[stem(f) for f in glob('data/d*')]", workflow={"dir": str(tmp_path)}) == ["d", "deep"]


def test_json_is_written_of_classes_with_fields(expr: Expressions) -> None:
    class Model:
        model_fields = {"x": None}  # noqa: RUF012 - as pydantic's
        x = float("nan")

    value = {"p": Point(1, 2), "b": Book("t", []), "m": Model(), "f": Path("a"), "s": (1, 2), None: True, 3: "x"}

    text = expr.value("json(inputs.any)", inputs={"any": value})

    assert json.loads(text) == {
        "p": {"x": 1, "y": 2},
        "b": {"title": "t", "parts": []},
        "m": {"x": None},
        "f": "a",
        "s": [1, 2],
        "null": True,
        "3": "x",
    }
    with pytest.raises(EvaluationError, match="cannot be written as JSON"):
        expr.value("json(inputs.any)", inputs={"any": object()})


def test_numpy_values_are_numbers_in_text_and_json(expr: Expressions) -> None:
    numpy = pytest.importorskip("numpy")
    inputs = {"any": numpy.int64(3), "rate": numpy.float64(2.5), "table": numpy.array([1, 2])}

    assert expr.text("${{ inputs.any }} ${{ inputs.rate }}", inputs=inputs) == "3 2.5"
    assert expr.value("json([inputs.any, inputs.rate])", inputs=inputs) == "[3, 2.5]"
    assert expr.value("inputs.any + 1 == 4 and sum(inputs.table) == 3 and len(inputs.table) == 2", inputs=inputs)
