"""Durations and sizes are read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.lang.duration import seconds


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5m", 300),
        ("1h30m", 5_400),
        ("1d", 86_400),
        ("1m500ms", 60.5),
        ("1.5h", 5_400),
        (10, 10),
        (0.25, 0.25),
        (0, 0),
    ],
)
def test_durations(text: object, amount: float) -> None:
    assert seconds(text) == pytest.approx(amount)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "10",
        "-5s",
        "30m1h",
        "1h1h",
        "5 m",
        "1e3s",
        "s",
        -1,
        float("nan"),
        float("inf"),
        10**400,
        True,
        None,
        [],
        "9" * 70 + "s",
    ],
)
def test_what_is_no_duration(value: object) -> None:
    assert seconds(value) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, minutes: int, secs: int, millis: int) -> None:
    text = f"{hours}h{minutes}m{secs}s{millis}ms"

    assert seconds(text) == pytest.approx(hours * 3600 + minutes * 60 + secs + millis / 1000)
