from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.expr.scan import Fault, bracket_fault, find_expressions, stretches, unescape, without_strings


def inner(text: str) -> list[str]:
    return [text[start:end] for _, _, start, end in find_expressions(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no expression, }} { ${ $", []),
        ("${{ a }}", [" a "]),
        ("x ${{a}} y ${{ b }}", ["a", " b "]),
        ("${{ '}}' }}", [" '}}' "]),
        ("${{ {'a': {'b': 1}} }}", [" {'a': {'b': 1}} "]),
        ("${{ {'a': 1}}}", [" {'a': 1}"]),
        (r"${{ 'it\'s }}' }}", [r" 'it\'s }}' "]),
        ('${{ """ " }} """ }}', [' """ " }} """ ']),
        ("$${{ a }}", []),
        ("$$${{ a }}", []),
        ("$${{ a }} ${{ b }}", [" b "]),
        ("${{ f(a }} ${{ b }}", [" f(a ", " b "]),
        ("${{ 'a }} ${{ b }}", [" 'a ", " b "]),
    ],
)
def test_an_expression_ends_at_the_first_braces_outside_strings_and_brackets(text: str, found: list[str]) -> None:
    assert inner(text) == found


def test_offsets_hold_the_braces_outside_and_the_expression_inside() -> None:
    assert find_expressions("ab ${{ x }} c") == [(3, 11, 6, 9)]


def test_one_that_is_never_closed_ends_with_the_text() -> None:
    [stretch] = stretches("a ${{ b")

    assert not stretch.is_closed
    assert (stretch.start, stretch.end) == (2, 7)


def test_escapes_stand_for_themselves() -> None:
    assert unescape("a $${{ b }} $$") == "a ${{ b }} $$"


def test_strings_are_blanked_in_place() -> None:
    assert without_strings("f('a{', \"b\") + x") == "f('''', ''') + x"
    assert without_strings("a + 'b") == Fault("this quote is never closed", 4, 5)


def test_a_line_end_within_quotes_is_told_with_how_to_write_one() -> None:
    fault = without_strings("join(x, 'a\n') + y")

    assert isinstance(fault, Fault)
    assert (fault.message, fault.start, fault.end) == ("the line ends before this quote is closed", 8, 10)
    assert fault.hint is not None
    assert '"\\n"' in fault.hint
    assert without_strings("x + 'a\nb") == Fault("this quote is never closed", 4, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a", 'this "(" is never closed'),
        ("a]", 'this "]" closes nothing'),
        ("(a]", '"(" is closed by "]"'),
        ("1) + (2", 'this ")" closes nothing'),
    ],
)
def test_brackets_need_their_partners(text: str, message: str) -> None:
    fault = bracket_fault(text)

    assert fault is not None
    assert fault.message == message


@given(st.text(alphabet="${}'\" ()[]\\\nax"))
def test_stretches_are_in_order_and_inside_the_text(text: str) -> None:
    position = 0
    for start, end, inner_start, inner_end in find_expressions(text):
        assert position <= start < inner_start <= inner_end <= end <= len(text)
        assert text[start:inner_start] == "${{"
        position = end


def test_a_million_letters_of_openings_are_scanned_at_once() -> None:
    assert len(find_expressions("${{ a }}" * 100_000)) == 100_000
    assert len(find_expressions("${{ '\"" * 100_000)) == 1
