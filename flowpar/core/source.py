"""Text with positions: where in which file something stands."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it was read; `path` is as the user wrote it, and so as messages show it."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line end, or an empty text past the last one."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""
