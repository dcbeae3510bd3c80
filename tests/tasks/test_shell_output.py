from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import TaskFailed
from flowpar.tasks.shell_output import captured, parse_outputs

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
lines = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))


def failure(stdout: bytes, capture: str) -> str:
    with pytest.raises(TaskFailed) as caught:
        captured(stdout, capture)  # type: ignore[arg-type]
    return caught.value.failure.message


def problem(text: str) -> str:
    with pytest.raises(TaskFailed) as caught:
        parse_outputs(text)
    return caught.value.failure.message


@given(st.dictionaries(names, lines))
def test_every_line_comes_back_as_it_was_written(outputs: dict[str, str]) -> None:
    assert parse_outputs("".join(f"{name}={value}\n" for name, value in outputs.items())) == outputs


@given(st.dictionaries(names, st.lists(lines.filter(lambda line: line != "END"))))
def test_every_text_of_several_lines_comes_back_as_it_was_written(outputs: dict[str, list[str]]) -> None:
    text = "".join("\n".join([f"{name}<<END", *value, "END", ""]) for name, value in outputs.items())

    assert parse_outputs(text) == {name: "\n".join(value) for name, value in outputs.items()}


@given(st.text())
def test_any_text_is_outputs_or_names_a_line(text: str) -> None:
    with suppress(TaskFailed):
        assert all(name in text for name in parse_outputs(text))


def test_the_sign_that_stands_first_decides_and_the_last_of_a_name_counts() -> None:
    assert parse_outputs("a=x<<y\n\n  \na=2\nb<<=\nc=1\n=\nd=") == {"a": "2", "b": "c=1", "d": ""}


def test_line_ends_of_windows_belong_to_no_value() -> None:
    assert parse_outputs("a=1\r\nb=2\r\n") == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1\nb c=2\n", 'line 2 of $FLOWPAR_OUTPUT is no "name=value": "b c=2"; a name has letters, digits, _ and -'),
        ("=2", 'line 1 of $FLOWPAR_OUTPUT is no "name=value": "=2"; a name has letters, digits, _ and -'),
        ("a<<END\nx\n", 'line 1 of $FLOWPAR_OUTPUT begins "a<<END", and no line after it is "END"'),
        ("a<<\nx\n\n", 'line 1 of $FLOWPAR_OUTPUT begins "a<<", and no line after it is ""'),
    ],
)
def test_a_line_that_is_no_output_is_named(text: str, message: str) -> None:
    assert problem(text) == message


@pytest.mark.parametrize(
    ("stdout", "message"),
    [
        (b" \n", 'it printed nothing, and "capture: json" wants JSON'),
        (
            b'{"a": 1,\n "b": oops}',
            'what it printed is not JSON: line 2, column 7: expecting value, near "{\\"a\\": 1,',
        ),
        (b"{}\n{}\n", 'it printed more than one JSON value, the second in line 2; take "capture: lines"'),
        (b"[" * 100_000, "what it printed is JSON that is nested too deeply"),
        (b"1" * 5_000, "what it printed can't be read as JSON: exceeds the limit"),
        (b'"\xff"', "what it printed is not UTF-8: byte 0xff in line 1"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(stdout: bytes, message: str) -> None:
    assert failure(stdout, "json").startswith(message)


@given(st.recursive(st.none() | st.booleans() | st.integers() | lines, st.lists, max_leaves=5))
def test_json_comes_back_as_it_was_printed(value: object) -> None:
    assert captured(json.dumps(value).encode(), "json") == value
