from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.outputs import readable, table


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"greeting": "hello"}, "hello\n"),
        ({"page": "one\ntwo\n"}, "one\ntwo\n"),
        ({"count": 3}, "3\n"),
        ({"share": None}, "null\n"),
        ({"nested": {"a": [1]}}, '{\n  "a": [\n    1\n  ]\n}\n'),
        ({"a": 1, "b": "x"}, "a: 1\nb: x\n"),
        ({"empty": []}, "[]\n"),
    ],
)
def test_outputs_are_written_for_people(outputs: dict[str, object], text: str) -> None:
    assert readable(outputs) == text


def test_a_list_of_flat_mappings_is_a_table() -> None:
    rows = [{"word": "the", "count": 120}, {"word": "sea", "count": 7, "note": None}]

    assert readable({"words": rows}) == "word  count  note\n----  -----  ----\nthe     120\nsea       7\n"


def test_several_outputs_have_their_names_above_them() -> None:
    text = readable({"total": 2, "words": [{"word": "the"}], "log": "a\nb"})

    assert text == "total: 2\nwords:\nword\n----\nthe\n\nlog:\na\nb\n"


def test_a_list_of_nested_mappings_is_json() -> None:
    value = [{"word": {"deep": 1}}]

    assert json.loads(readable({"words": value})) == value


def test_a_cell_stays_on_its_line_and_is_cut_when_long() -> None:
    text = table([{"a": "x\ny", "b": "z" * 500}])

    assert len(text.splitlines()) == 3
    assert max(map(len, text.splitlines())) < 100


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="ab \n", max_size=5)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), cells, min_size=1), min_size=1, max_size=5))
def test_a_table_has_a_line_for_each_row(rows: list[dict[str, object]]) -> None:
    lines = table(rows).split("\n")

    assert len(lines) == len(rows) + 3


def test_no_outputs_are_no_text() -> None:
    assert readable({}).strip() == ""
