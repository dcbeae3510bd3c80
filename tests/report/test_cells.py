from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.cells import cut, padded, plain_cells, width


def test_what_joins_characters_is_taken_out() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert plain_cells(family) == "\U0001f468\U0001f469\U0001f467"
    assert width(plain_cells(family)) == 6
    assert width("e\u0301") == 1


@given(st.text(st.characters(exclude_categories=["C", "Z"])), st.integers(1, 20))
def test_a_text_that_was_cut_fits(text: str, columns: int) -> None:
    shown = cut(text, columns)

    assert width(shown) <= columns
    assert shown == text or shown.endswith("…")


def test_a_wide_text_is_padded_by_columns() -> None:
    assert padded("日本", 6) == "日本  "
