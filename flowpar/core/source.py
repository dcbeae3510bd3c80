"""Text with positions: where in which file something stands."""

from __future__ import annotations

import re

from flowpar.core.frozen import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text; lines and columns count characters from 1, the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def at(cls, line: int, column: int, *, length: int = 1) -> Span:
        """Return a span of `length` characters within one line."""
        return cls(line, column, line, column + length)


NOWHERE = Span(0, 0, 0, 0)
"""The place of a finding about a file as a whole, such as one that can't be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it was read; `path` is as the user wrote it, and so as messages show it."""

    path: str
    text: str

    def lines(self) -> list[str]:
        """Return all lines without their ends; a line ends with LF, CRLF or CR, as in editors."""
        return _LINE_END.split(self.text)

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line end, or an empty text past the last one.

        It looks through the whole text; who needs many lines keeps `lines()`.
        """
        lines = self.lines()
        return lines[number - 1] if 0 < number <= len(lines) else ""
