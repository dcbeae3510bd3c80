"""Digests of content: equal for equal values alone, whatever process or checkout takes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.content import Digester
from flowpar.core.errors import NeedsWorker

HERE, THERE = Digester(b"secret", "/home/me/project"), Digester(b"secret", "/srv/project")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(VALUES, VALUES)
def test_equal_digests_are_of_equal_values(one: object, other: object) -> None:
    is_same = repr(one) == repr(other)  # 1 and True and 1.0 are equal, and not the same

    assert (HERE.value(one) == HERE.value(other)) is is_same


def test_the_order_of_entries_counts() -> None:
    assert HERE.value({"a": 1, "b": 2}) != HERE.value({"b": 2, "a": 1})


def test_the_order_of_a_set_does_not() -> None:
    assert HERE.value({"a", "b", "c"}) == HERE.value({"c", "a", "b"})


def test_a_path_in_the_checkout_is_the_same_in_another_one() -> None:
    assert HERE.value(Path("/home/me/project/data/a")) == THERE.value(Path("/srv/project/data/a"))
    assert HERE.value(["/home/me/project"]) == THERE.value(["/srv/project"])
    assert HERE.value("/home/me/projects") != THERE.value("/srv/projects")
    assert HERE.value(Path("/tmp/a")) == THERE.value(Path("/tmp/a"))
    assert HERE.value(Path("a")) != HERE.value("a")


@pytest.mark.parametrize("value", [dt.date(2026, 1, 1), Decimal("1.10"), 1j, range(3), (1, 2)])
def test_values_of_the_standard_library_have_digests(value: object) -> None:
    assert HERE.value(value) == HERE.value(value) != HERE.value(str(value))


def test_a_digest_tells_nothing_without_the_secret() -> None:
    assert HERE.value("short") != Digester(b"another", "/home/me/project").value("short")


def test_what_nobody_knows_has_none() -> None:
    with pytest.raises(NeedsWorker):
        HERE.value([object()])
