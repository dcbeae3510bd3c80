from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.accept import accepts
from flowpar.core.types import (
    ANY,
    BOOL,
    BYTES,
    FLOAT,
    INT,
    NONE,
    PATH,
    STR,
    Constant,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Simple,
    TupleOf,
    Type,
    of_value,
    show,
    union,
    widen,
)

WORD = Record("Word", (("word", STR), ("count", INT)), "steps.py", 3)
CONFIG = Record("Config", (("depth", INT),), is_mapping=True)


@pytest.mark.parametrize(
    ("wanted", "given_type"),
    [
        (ANY, WORD),
        (INT, ANY),
        (PATH, STR),
        (FLOAT, INT),
        (FLOAT, Constant((3,))),
        (Constant(("a", "b")), Constant(("a",))),
        (Constant(("a", "b")), STR),
        (STR, Constant(("a", "b"))),
        (ListOf(PATH), ListOf(STR)),
        (ListOf(INT), TupleOf((INT, INT))),
        (MapOf(STR, INT), Record("dict", (("a", INT),), is_mapping=True)),
        (CONFIG, MapOf(STR, ANY)),
        (Named("Frame"), WORD),
        (OneOf((INT, NONE)), NONE),
        (Simple("object"), WORD),
    ],
)
def test_what_may_be_right_is_accepted(wanted: Type, given_type: Type) -> None:
    assert accepts(wanted, given_type)


@pytest.mark.parametrize(
    ("wanted", "given_type"),
    [
        (INT, STR),
        (STR, PATH),
        (INT, FLOAT),
        (INT, OneOf((INT, NONE))),
        (Constant(("a", "b")), Constant(("c",))),
        (Constant(("a", "b")), INT),
        (ListOf(INT), ListOf(STR)),
        (ListOf(INT), INT),
        (TupleOf((INT, INT)), TupleOf((INT,))),
        (MapOf(STR, INT), Record("dict", (("a", STR),), is_mapping=True)),
        (WORD, INT),
        (BYTES, STR),
    ],
)
def test_what_cannot_be_right_is_refused(wanted: Type, given_type: Type) -> None:
    assert not accepts(wanted, given_type)


def test_a_union_is_flat_and_has_no_repeats() -> None:
    assert union([INT, OneOf((STR, INT)), STR]) == OneOf((INT, STR))
    assert union([INT, INT]) == INT
    assert union([INT, ANY]) == ANY
    assert union([]) == ANY


def test_types_are_shown_in_pythons_words() -> None:
    assert show(ListOf(OneOf((INT, NONE)))) == "list[int | None]"
    assert show(MapOf(STR, TupleOf((WORD, PATH)))) == "dict[str, tuple[Word, path]]"
    assert show(Constant(("a", 1))) == "Literal['a', 1]"


def test_literals_widen_to_their_types() -> None:
    assert widen(Constant(("a", None))) == OneOf((STR, NONE))
    assert widen(ListOf(Constant((True,)))) == ListOf(BOOL)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain)
def test_the_type_of_a_value_accepts_itself(value: object) -> None:
    kind = of_value(value)

    assert accepts(kind, kind)
    assert accepts(widen(kind), kind)
