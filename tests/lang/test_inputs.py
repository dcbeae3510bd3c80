"""The inputs of a run: who wins, what fits, what is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import UsageError
from flowpar.data.input_value import InputProblem, value_from_data, value_from_text
from flowpar.lang.check import check
from flowpar.lang.inputs import GivenInputs, read_given, read_inputs_file, resolve_inputs, variable_of
from flowpar.lang.model import InputModel, InputType
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from flowpar.lang.checked import Checked

HERE = Path("/here")


def workflow(folder: Path, inputs: str) -> Checked:
    (folder / "workflow.yaml").write_text(f"flowpar: 1\ninputs: {inputs}\ntasks: {{a: {{shell: echo}}}}\n")
    return check(folder / "workflow.yaml", registry=Registry())


def test_the_command_line_wins_over_the_file_over_the_environment_over_the_default(tmp_path: Path) -> None:
    checked = workflow(tmp_path, "{a: 1, b: 1, c: 1, d-e: 1}")
    environment = {variable_of(name): "2" for name in ("a", "b", "c")}

    found = resolve_inputs(checked, GivenInputs({"a": "4"}, {"a": 3, "b": 3}, environment))

    assert found.values == {"a": 4, "b": 3, "c": 2, "d-e": 1}
    assert not found.diagnostics


def test_a_path_is_relative_to_who_gives_it(tmp_path: Path) -> None:
    checked = workflow(tmp_path, "{a: {type: path, default: x}, b: {type: path}, c: {type: list, items: path}}")

    found = resolve_inputs(checked, GivenInputs({"b": "y", "c": "p,/q"}, folder=HERE))

    assert found.values == {"a": tmp_path / "x", "b": HERE / "y", "c": [HERE / "p", Path("/q")]}


def test_all_that_is_wrong_is_said_at_once_at_the_declarations(tmp_path: Path) -> None:
    inputs = "{n: {type: integer}, top: {type: integer, default: 1, maximum: 5}, flag: {type: boolean}}"

    found = resolve_inputs(
        workflow(tmp_path, inputs), GivenInputs({"top": "9", "tpo": "1"}, {"flag": "maybe"}, origin="in.yaml")
    )

    assert [(finding.code, finding.span.column) for finding in found.diagnostics] == [
        ("FP505", 10),
        ("FP507", 30),
        ("FP506", 76),
        ("FP504", 1),
    ]
    assert found.diagnostics[2].message == 'input "flag", given by in.yaml, must be true or false, not "maybe"'
    assert found.diagnostics[3].hint == 'did you mean "top"?'


def test_an_input_with_a_null_default_may_be_null(tmp_path: Path) -> None:
    checked = workflow(tmp_path, "{a: {type: integer, default: null}, b: {type: integer, default: 1}}")

    found = resolve_inputs(checked, GivenInputs(values={"a": None, "b": None}))

    assert found.values == {"a": None}
    assert [finding.code for finding in found.diagnostics] == ["FP506"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "10", "10"),
        ("string", "", ""),
        ("integer", "-10", -10),
        ("integer", "010", 10),
        ("number", "2", 2),
        ("number", "2.5e3", 2500.0),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("path", "a b", HERE / "a b"),
        ("list", "a,b", ["a", "b"]),
        ("list", '["a", 1]', ["a", 1]),
        ("list", "", []),
        ("mapping", '{"a": 1}', {"a": 1}),
        ("any", "[1]", [1]),
        ("any", "text", "text"),
    ],
)
def test_a_text_is_read_by_the_declared_type(kind: InputType, text: str, value: object) -> None:
    found = value_from_text(InputModel(type=kind), text, HERE)

    assert found == value
    assert type(found) is type(value)


def test_the_items_of_a_list_are_read_by_their_type() -> None:
    model = InputModel(type="list", items="integer")

    assert value_from_text(model, "1, 2", HERE) == [1, 2]
    with pytest.raises(InputProblem, match='must have a whole number as item 1, not "x"'):
        value_from_text(model, "1,x", HERE)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1.5"), ("integer", "ten"), ("integer", "1_000"), ("integer", "9" * 5000),
        ("integer", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("number", "nan"), ("number", "inf"), ("number", "1e999"), ("number", ""), ("boolean", "yes"),
        ("boolean", "1"), ("path", ""), ("path", "a\0b"), ("path", "~nobody-of-that-name/x"), ("mapping", "[1]"),
        ("mapping", "a=1"), ("list", "[1"), ("mapping", "[" * 100_000),
    ],
)  # fmt: skip
def test_a_text_that_does_not_fit_is_refused(kind: InputType, text: str) -> None:
    with pytest.raises(InputProblem):
        value_from_text(InputModel(type=kind), text, HERE)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        ({"type": "string", "enum": ["a", "b"]}, "c"),
        ({"type": "integer", "enum": [0, 1]}, True),
        ({"type": "integer", "minimum": 1}, 0),
        ({"type": "number", "maximum": 1.5}, 1.6),
        ({"type": "string", "pattern": "^a"}, "b"),
        ({"type": "string", "min_length": 2}, "b"),
        ({"type": "list", "max_length": 1}, [1, 2]),
        ({"type": "mapping", "min_length": 1}, {}),
    ],
)
def test_a_value_outside_of_its_bounds_is_refused(model: dict[str, Any], value: object) -> None:
    with pytest.raises(InputProblem):
        value_from_data(InputModel(**model), value, HERE)


@given(st.sampled_from(get_args(InputType)), st.text(max_size=20))
def test_any_text_gives_a_value_or_a_problem(kind: InputType, text: str) -> None:
    message = problem_of(InputModel(type=kind), text)

    assert message is None or (message.startswith("must ") and message.isprintable())


def problem_of(model: InputModel, text: str) -> str | None:
    try:
        value_from_text(model, text, HERE)
    except InputProblem as problem:
        return problem.message
    return None


@given(st.integers())
def test_a_whole_number_comes_back(number: int) -> None:
    assert value_from_text(InputModel(type="integer"), str(number), HERE) == number


@given(st.lists(st.integers()))
def test_a_list_comes_back(numbers: list[int]) -> None:
    model = InputModel(type="list", items="integer")

    assert value_from_text(model, str(numbers), HERE) == numbers
    assert value_from_text(model, ",".join(map(str, numbers)), HERE) == numbers


@pytest.mark.parametrize("assignment", ["name", "=value", ""])
def test_an_assignment_without_name_or_value_is_refused(assignment: str) -> None:
    with pytest.raises(UsageError, match="-i is not of the form name=value: there is no"):
        read_given([assignment])


def test_what_is_given_without_a_name_may_be_a_secret_and_is_not_shown() -> None:
    with pytest.raises(UsageError) as told:
        read_given(["top=3", "hunter2-hunter2"])

    assert str(told.value) == '-i number 2 is not of the form name=value: there is no "=" in it'


def test_a_value_may_hold_an_equals_sign() -> None:
    assert read_given(["a=b=c"]).texts == {"a": "b=c"}


@pytest.mark.parametrize(
    ("name", "text"), [("in.yaml", "a: [1, x]\nb: no\n"), ("in.json", '{"a": [1, "x"], "b": "no"}')]
)
def test_an_inputs_file_is_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert read_inputs_file(str(tmp_path / name)) == {"a": [1, "x"], "b": "no"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "in.yaml: an inputs file is a mapping of names to values"),
        ("", "in.yaml: an inputs file is a mapping of names to values"),
        ("a: [1\n", r"in.yaml:\d+:\d+: "),
        ("a: 1\na: 2\n", r"in.yaml:2:1: "),
    ],
)
def test_an_inputs_file_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "in.yaml").write_text(text)

    with pytest.raises(UsageError, match=message):
        read_inputs_file(str(tmp_path / "in.yaml"))


def test_an_inputs_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"inputs file \S+gone\.yaml: the file can't be read: no such file"):
        read_inputs_file(str(tmp_path / "gone.yaml"))
