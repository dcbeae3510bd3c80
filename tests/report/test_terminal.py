from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.terminal import one_line, strip_controls


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("plain", "plain"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("50%\r100%", "50%100%"),
        ("one\r\ntwo", "one\ntwo"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("\x1bcreset", "reset"),
        ("cut off \x1b[", "cut off "),
        ("grüße, 東京, 🎉", "grüße, 東京, 🎉"),
    ],
)
def test_what_would_steer_a_terminal_is_gone(text: str, harmless: str) -> None:
    assert strip_controls(text) == harmless


@given(st.text(alphabet=st.sampled_from("\x1b\x9b\x07[]0;mPX\\\x00\n\r\tab\u202e")))
def test_no_control_character_but_tab_and_line_end_survives(text: str) -> None:
    left = strip_controls(text)

    assert {c for c in left if unicodedata.category(c) in {"Cc", "Cf"}} <= {"\t", "\n"}


@given(st.text(), st.integers(2, 50))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, limit: int) -> None:
    line = one_line(text, limit=limit)

    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_a_line_that_is_cut_says_so() -> None:
    assert one_line("abcdefgh", limit=5) == "abcd…"
