"""Every character of a scalar's value leads back to where it was written, in each style of YAML."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.source import Source, Span
from flowpar.lang.loader import parse
from flowpar.lang.node import ScalarNode

WORDS = st.text(alphabet="ab${}. 'é漢😀\"#:-", min_size=0, max_size=12)
LINES = st.lists(WORDS, min_size=1, max_size=6)


def scalar(text: str, *, use_fast_parser: bool = True) -> ScalarNode:
    loaded = parse(Source("w.yaml", text), use_fast_parser=use_fast_parser)
    assert loaded.document is not None, loaded.diagnostics
    node = loaded.document.node(("outer", "key"))
    assert isinstance(node, ScalarNode)
    return node


def source_of(node: ScalarNode, index: int) -> str:
    span = node.span_of(index, index + 1)
    starts = node.lines.starts
    text = node.lines.source.text
    return text[starts[span.line - 1] + span.column - 1 : starts[span.end_line - 1] + span.end_column - 1]


def strays(node: ScalarNode) -> list[object]:
    """Return the characters of a value that were not written as themselves, an escape, a doubled quote or a line end.

    And those that stand where the one before them does.
    """
    places: list[Span] = []
    found: list[object] = []
    for index, character in enumerate(node.text):
        written = source_of(node, index)
        place = node.span_of(index, index + 1)
        if places and place <= places[-1]:
            found.append((index, character, place))
        places.append(place)
        is_folded = character in " \n" and re.fullmatch(r"\r\n|\r|\n", written)
        is_escape = written.startswith("\\") or written == "''"
        if not (written == character or is_folded or is_escape):
            found.append((index, character, written))
    return found


@given(
    LINES,
    st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-"]),
    st.integers(1, 4),
    st.sampled_from(["\n", "\r\n"]),
)
def test_block_scalars_lead_back(lines: list[str], header: str, indent: int, end: str) -> None:
    width = 2 if "2" in header else indent
    body = end.join(f"{' ' * (2 + width)}{line}" if line.strip() else "" for line in lines)
    text = f"outer:{end}  key: {header} # note{end}{body}{end}  next: 1{end}"
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        return

    node = scalar(text)

    assert strays(node) == []


@given(LINES, st.integers(1, 3))
def test_double_quoted_scalars_lead_back(lines: list[str], indent: int) -> None:
    escaped = [
        line.replace("\\", "\\\\").replace('"', '\\"').replace("é", "\\xe9").replace("漢", "\\u6f22") for line in lines
    ]
    text = 'outer:\n  key: "' + f"\n{' ' * (2 + indent)}".join(escaped) + '"\n  next: 1\n'

    node = scalar(text)

    assert node.text == yaml.safe_load(text)["outer"]["key"]
    assert strays(node) == []


@given(LINES, st.integers(1, 3))
def test_single_quoted_scalars_lead_back(lines: list[str], indent: int) -> None:
    escaped = [line.replace("'", "''") for line in lines]
    text = "outer:\n  key: '" + f"\n{' ' * (2 + indent)}".join(escaped) + "'\n  next: 1\n"

    node = scalar(text)

    assert strays(node) == []


@given(st.lists(st.text(alphabet="abc${}.é漢😀", min_size=1, max_size=8), min_size=1, max_size=5), st.booleans())
def test_plain_scalars_lead_back(words: list[str], is_broken: bool) -> None:  # noqa: FBT001
    joint = "\n      " if is_broken else " "
    text = f"outer:\n  key: x{joint.join(words)}\n  next: 1\n"

    node = scalar(text)

    assert node.text == "x" + " ".join(words)
    assert strays(node) == []


@given(LINES, st.sampled_from(["|", ">-", "'", '"']))
def test_both_parsers_agree(lines: list[str], style: str) -> None:
    body = "\n    ".join(re.sub("['\"]", "", line).strip() or "a" for line in lines)
    text = f"outer:\n  key: {style}\n    {body}\n" if style in "|>-" else f"outer:\n  key: {style}{body}{style}\n"

    fast, slow = scalar(text), scalar(text, use_fast_parser=False)

    assert (fast.text, fast.start, fast.style) == (slow.text, slow.start, slow.style)


def test_an_escaped_line_end_is_followed() -> None:
    node = scalar('outer:\n  key: "ab\\\n    cd"\n')

    assert node.text == "abcd"
    assert node.span_of(2, 4) == Span.at(3, 5, length=2)


def test_an_empty_range_has_a_place() -> None:
    node = scalar("outer:\n  key: abc\n")

    assert node.span_of(1, 1) == Span(2, 9, 2, 9)
    assert node.span_of(99, 120) == Span(2, 11, 2, 11)


@pytest.mark.parametrize("value", ["''", '""', "|\n", ">-\n"])
def test_empty_values_have_a_place(value: str) -> None:
    node = scalar(f"outer:\n  key: {value}\n  next: 1\n")

    assert node.text == ""
    assert node.span_of(0, 0).line in {2, 3}
