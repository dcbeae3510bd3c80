"""Plain scalars mean what the core schema of YAML 1.2 says, and text otherwise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.lang.scalars import LONGEST_NUMBER, NumberTooLongError, is_surely_text, old_meaning, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("Yes", "Yes"),
        ("10", 10),
        ("-3", -3),
        ("+3", 3),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1e999", math.inf),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("<<", "<<"),
        ("-", "-"),
        (".", "."),
        ("+", "+"),
        ("10m", "10m"),
        ("1.2.3", "1.2.3"),
        ("0o9", "0o9"),
    ],
)
def test_the_core_schema(text: str, value: object) -> None:
    found = resolve(text)

    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(float(resolve(".nan") or 0))


def test_an_endless_number_is_refused() -> None:
    with pytest.raises(NumberTooLongError):
        resolve("9" * (LONGEST_NUMBER + 1))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("no", "false"),
        ("On", "true"),
        ("y", "true"),
        ("OFF", "false"),
        ("010", "an octal number"),
        ("1_000", "the number 1000"),
        ("1:30", "a number of base 60"),
        ("0b1", "a binary number"),
        ("north", None),
        ("0", None),
        ("00", None),
        ("10", None),
        ("true", None),
        ("1.5", None),
        ("2024-01-01", None),
        (".nan", None),
        ("=", None),
        ("nO", None),
    ],
)
def test_what_yaml_1_1_reads_otherwise(text: str, meaning: str | None) -> None:
    assert old_meaning(text) == meaning


@given(st.one_of(st.text(max_size=6), st.text(alphabet="0123456789.eE+-_:xobaf", max_size=8)))
def test_sure_text_is_text_to_all(text: str) -> None:
    if is_surely_text(text):
        assert resolve(text) == text
        assert old_meaning(text) is None


@given(st.integers(-(10**30), 10**30))
def test_integers_come_back(number: int) -> None:
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back(number: float) -> None:
    assert resolve(repr(number)) == number
