from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.suggest import Names, nearest

KEYS = ["needs", "if", "for_each", "matrix", "max_parallel", "on_item_error", "with", "env", "cwd", "timeout", "retry"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("laod", "load"),
        ("lod", "load"),
        ("loadd", "load"),
        ("lead", "load"),
        ("LOAD", "load"),
        ("clean_up", "clean-up"),
    ],
)
def test_a_typo_is_one_edit_away(word: str, meant: str) -> None:
    assert nearest(word, ["save", "load", "clean-up"]) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [("need", "needs"), ("foreach", "for_each"), ("maxParallel", "max_parallel"), ("wiht", "with")],
)
def test_keys_of_the_language_are_found(word: str, meant: str) -> None:
    assert nearest(word, KEYS) == meant


@pytest.mark.parametrize("word", ["", "x", "database", "zz", "l" * 500])
def test_nothing_is_suggested_for_what_is_not_near(word: str) -> None:
    assert nearest(word, ["load", "save", "l" * 499]) is None


def test_the_nearest_wins_and_the_first_among_equals() -> None:
    assert nearest("loads", ["loaded", "load"]) == "load"
    assert nearest("loat", ["load", "loan"]) == "load"


def test_a_name_is_not_suggested_for_itself() -> None:
    assert nearest("load", ["load"]) is None


def test_typos_among_many_names_are_found() -> None:
    names = [f"task-{number}" for number in range(100_000)]

    assert nearest("taks-4711", names) == "task-4711"
    assert nearest("nothing-like-it", names) is None


def test_many_typos_among_many_names_are_found_within_the_deadline_of_a_test() -> None:
    """Were each compared with all names, it would take many minutes."""
    names = Names(f"task-{number}" for number in range(20_000))

    found = [names.nearest(f"taks-{number}") for number in range(20_000)]

    assert found == list(names)


def test_a_name_among_many_is_not_suggested_for_itself() -> None:
    names = Names([*(f"other{number}" for number in range(5_000)), "a-b", "a_c"])

    assert names.nearest("a-b") == "a_c"
    assert names.nearest("other4711") is not None


# At least five letters: _ and - count for nothing, so "___a_" has but one, and without it nothing to go by.
words = st.text(string.ascii_lowercase + "_-", min_size=5, max_size=12).filter(
    lambda word: sum(map(str.isalpha, word)) >= 5
)


@given(words, st.integers(0, 11))
def test_a_dropped_letter_leads_back(word: str, place: int) -> None:
    typo = word[: place % len(word)] + word[place % len(word) + 1 :]

    assert nearest(typo, [word]) in ({word} if typo != word else {None})


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=20))
def test_it_answers_with_a_known_name_or_none(word: str, known: list[str]) -> None:
    assert nearest(word, known) in {None, *known}
