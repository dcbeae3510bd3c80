"""Sizes are read as people write them, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.lang.amount import amount_of
from flowpar.lang.size import size_bytes, size_hint, size_text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("512MiB", 512 * 2**20),
        ("2GB", 2 * 10**9),
        (" 1.5 GiB ", 3 * 2**29),
        ("10kB", 10_000),
        ("7b", 7),
        ("1TiB", 2**40),
        (0, 0),
        (12.7, 12),
    ],
)
def test_sizes(written: object, expected: int) -> None:
    assert size_bytes(written) == expected


@pytest.mark.parametrize(
    "written",
    ["512", "512M", "MiB", "-1MiB", "1e3MB", "9999999TiB", "1 2MB", "", True, -1, float("nan"), None, [], "1" * 99],
)
def test_no_sizes(written: object) -> None:
    assert size_bytes(written) is None


@given(st.integers(1, 2**20), st.sampled_from(["MiB", "GiB"]))
def test_a_size_reads_as_it_is_written(number: int, unit: str) -> None:
    size = size_bytes(f"{number}{unit}")

    assert size is not None
    assert size_bytes(size_text(size)) == size


@pytest.mark.parametrize(
    ("written", "hint"),
    [("512M", 'write "512MiB"'), ("2gi", 'write "2GiB"'), (200, 'for MiB write "200MiB"'), ("x", "")],
)
def test_what_was_probably_meant(written: object, hint: str) -> None:
    assert size_hint(written) == hint


@pytest.mark.parametrize(
    ("pool", "value", "expected"),
    [
        ("cpu", 0.5, 0.5),
        ("cpu", -1, None),
        ("cpu", float("inf"), None),
        ("cpu", True, None),
        ("gpu", 2, 2),
        ("gpu", 0.5, None),
        ("memory", "1MiB", 2**20),
        ("memory", 1000, None),
        ("api", "1", None),
        ("api", 10**10, None),
    ],
)
def test_amounts(pool: str, value: object, expected: float | None) -> None:
    assert amount_of(pool, value) == expected
