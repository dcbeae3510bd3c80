"""Lines that are indented too far, or not far enough: what YAML's parser finds there is seldom what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.lang.node import Lines

_FARTHEST = 1_000  # lines that are looked at; a file may have a million
_WITH_VALUE = re.compile(r"(?P<indent> *)(?:- +)*(?P<key>[\w.-]+): +(?![|>#&*!\"'\[{])\S")
_OPENS_TEXT = re.compile(r"(?P<indent> *)(?:- +)*(?P<key>[\w.-]+): +[|>][-+0-9]* *(?:#.*)?")
_KEY = re.compile(r" *(?P<key>[\w.-]+):(?: |$)")


def misindented(problem: str, lines: Lines, offset: int) -> tuple[str, str, int] | None:
    """Return message, hint and the offset of the line, where a problem of the parser comes from its indentation."""
    return _too_shallow(lines, offset) if "could not find expected ':'" in problem else _too_deep(lines, offset)


def _too_deep(lines: Lines, offset: int) -> tuple[str, str, int] | None:
    """Look for a key that stands below one with a value: YAML takes the line for more of that value."""
    line, column = lines.place(offset)
    key = _KEY.match(_line(lines, line))
    if key is None or column - 1 not in key.span("key"):
        return None
    number, above = next(_above(lines, line), (0, ""))
    found = _WITH_VALUE.match(above)
    if found is None or key.start("key") <= len(found["indent"]):
        return None
    message = f'"{key["key"]}" is indented deeper than "{found["key"]}" in line {number}, which has its value already'
    return message, "give both the same indentation", lines.starts[line - 1] + key.start("key")


def _too_shallow(lines: Lines, offset: int) -> tuple[str, str, int] | None:
    """Look for a `|` or `>` whose text stands no deeper than its key: YAML takes the text for keys."""
    below, _ = lines.place(offset)
    for number, above in _above(lines, below):
        indent = _indent(above)
        if found := _OPENS_TEXT.fullmatch(above):
            if indent < _indent(_line(lines, below)):
                return None
            at = lines.starts[below - 1] + _indent(_line(lines, below))
            return f'the text of "{found["key"]}" in line {number} is not indented', "indent it deeper than its key", at
        below = number
    return None


def _above(lines: Lines, line: int) -> Iterator[tuple[int, str]]:
    """Give the lines above one with their numbers, the nearest first, less those that say nothing."""
    for number in range(line - 1, max(0, line - _FARTHEST), -1):
        text = _line(lines, number)
        if text.strip() and not text.lstrip().startswith("#"):
            yield number, text


def _line(lines: Lines, number: int) -> str:
    text, starts = lines.source.text, lines.starts
    end = starts[number] if number < len(starts) else len(text)
    return text[starts[number - 1] : end].rstrip("\r\n")


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
