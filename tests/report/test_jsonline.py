"""JSON for programs that may end up on a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.jsonline import shown


@pytest.mark.parametrize("steering", ["\x9b31m", "\x7f", "\x85", "\u202e", "\u2069", "\x1b[2J", "\r", "\u200f"])
def test_nothing_that_steers_a_terminal_is_shown_as_it_is(steering: str) -> None:
    line = shown({"note": f"before{steering}after"})

    assert line.removesuffix("\n").isprintable()
    assert json.loads(line) == {"note": f"before{steering}after"}


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_it_reads_back_as_it_was(record: dict[str, object]) -> None:
    assert json.loads(shown(record)) == record
