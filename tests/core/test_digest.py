"""A digest tells whether something changed, the same way in every process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.digest import digest, digest_bytes

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: object


def canonical(value: object) -> str:
    """Return text that is the same for the same value, types and all."""
    if isinstance(value, dict):
        return f"{{{sorted((canonical(key), canonical(entry)) for key, entry in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[canonical(entry) for entry in value]}"
    return f"{type(value).__name__} {value!r}"


@given(PLAIN, PLAIN)
def test_values_have_the_same_digest_exactly_where_they_are_the_same(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_a_mapping_does_not_count(found: dict[str, int]) -> None:
    assert digest(dict(reversed(found.items()))) == digest(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        ("ab", b"ab"),
        (["a", "b"], ["ab"]),
        ([[1], 2], [[1, 2]]),
        ([1], (1,)),
        ({"a": 1}, {"a": 2}),
        ("x", Path("x")),
        (Point(1, 2), Point(2, 1)),
        (0.0, -0.0),
    ],
)
def test_what_differs_has_another_digest(one: object, other: object) -> None:
    assert digest(one) != digest(other)


def test_it_is_the_same_in_another_process_with_another_hash_seed() -> None:
    value = "{'words': {'the', 'and', 'of'}, 'n': [1, 2.5, None, b'x'], 'text': 'é\\ud800'}"
    code = f"from flowpar.core.digest import digest; print(digest({value}))"

    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    }

    assert found == {f"{digest(eval(value))}\n".encode()}  # noqa: S307 - the literal above


def test_a_file_has_the_digest_of_its_bytes() -> None:
    assert digest_bytes(b"") == "e4a6a0577479b2b4"
