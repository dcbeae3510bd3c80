"""Dotenv files are read as people write them, and refused by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.planning.dotenv import DotenvProblem, parse_dotenv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("# note\n\n  A = 1  \n", {"A": "1"}),
        ("export A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=", {"A": ""}),
        ("A=one two # note", {"A": "one two"}),
        ("A=one#two", {"A": "one#two"}),
        ("A= # note", {"A": ""}),
        ("A='as $it \\n is' # note", {"A": "as $it \\n is"}),
        ('A="tab\\tline\\nquote\\" back\\\\ $X"', {"A": 'tab\tline\nquote" back\\ $X'}),
        ("A='two\nlines'\nB=1", {"A": "two\nlines", "B": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("A=b=c", {"A": "b=c"}),
    ],
)
def test_a_dotenv_text_gives_its_variables(text: str, expected: dict[str, str]) -> None:
    assert parse_dotenv(text) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [("A", 1), ("A=1\n2B=3", 2), ("A='open\n\n", 1), ("A=1\n\n-", 3), ('A="x" y', 1), ("A B=1", 1)],
)
def test_a_line_that_is_no_variable_is_named(text: str, line: int) -> None:
    with pytest.raises(DotenvProblem, match=f"no NAME=value at line {line}$"):
        parse_dotenv(text)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_characters="'\0\r", codec="utf-8"))))
def test_single_quotes_keep_any_text(variables: dict[str, str]) -> None:
    text = "".join(f"{name}='{value}'\n" for name, value in variables.items())

    assert parse_dotenv(text) == variables


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_dotenv(text)
    except DotenvProblem:
        return
    assert all(name.isidentifier() for name in found)
