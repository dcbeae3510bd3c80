"""Items of sub-workflows by their keys: a label for each, and the names that people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.part_name import canonical, label_of, matching

KEYS = st.one_of(st.text(max_size=120), st.integers(), st.floats(allow_nan=False), st.booleans())


@given(st.lists(KEYS, max_size=8))
def test_no_two_keys_have_the_same_label(keys: list[str | float]) -> None:
    apart = {(type(key), repr(key)): label_of(key) for key in keys}

    assert len(set(apart.values())) == len(apart)


@given(KEYS)
def test_a_label_has_no_sign_that_names_have_of_their_own(key: str | float) -> None:
    label = label_of(key)

    assert label
    assert not set(label) & set('[]/@"\\*\n')
    assert matching(f"train[{label}]/fit", ["train[x]/fit", f"train[{label}]/fit"]) == [f"train[{label}]/fit"]


@pytest.mark.parametrize(
    ("key", "label"),
    [("emma", "emma"), ("New York", "New York"), ("a/b", "a%2Fb"), ("7", "'7'"), (7, "7"), (True, "true"), ("", "''")],
)
def test_labels_are_what_people_would_write(key: str | float, label: str) -> None:
    assert label_of(key) == label


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('train["emma"]/fit', "train[emma]/fit"),
        ('train["7"]/fit', "train['7']/fit"),
        ("train[a/b]/fit", "train[a%2Fb]/fit"),
        ("train[a%2Fb]", "train[a%2Fb]"),
    ],
)
def test_keys_may_be_written_as_they_are(written: str, name: str) -> None:
    assert canonical(written) == name
    assert matching(written, [name, "other"]) == [name]
