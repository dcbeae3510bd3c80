"""Findings as text: where and what on one line, then the line itself with a caret below the place.

    etl.yaml:14:13: error[FP201]: task "clean" needs "laod", which is not a task; did you mean "load"?
       |
    14 |     needs: [laod]
       |             ^~~~

What stands in a file is shown with care: control characters as dots, long lines cut around the place.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Severity
from flowpar.core.frozen import dataclass, field
from flowpar.core.source import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.core.source import Source, Span

_WIDTH = 140
_LEAD = 40
_MESSAGE = 1_000
_RESET = "\x1b[0m"
_BOLD, _RED, _YELLOW, _BLUE = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m"


def render(
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, Source],
    *,
    is_coloured: bool = False,
    has_excerpts: bool = True,
) -> str:
    """Return the findings as text that ends with a line end, or nothing for none.

    `sources` has the text of files by the path that findings name; without it a finding has no excerpt.
    """
    printer = _Printer(sources, is_coloured=is_coloured, has_excerpts=has_excerpts)
    blocks = [printer.block(diagnostic) for diagnostic in diagnostics]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def count_line(diagnostics: Iterable[Diagnostic]) -> str:
    """Return "2 errors, 1 warning"."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    errors = severities.count(Severity.ERROR)
    warnings = len(severities) - errors
    parts = [f"{n} {name}{'s' if n != 1 else ''}" for n, name in ((errors, "error"), (warnings, "warning")) if n]
    return ", ".join(parts) or "no findings"


def one_line(text: str) -> str:
    r"""Return a text without line ends and control characters, which a terminal would obey.

    >>> one_line("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text[:_MESSAGE]
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:_MESSAGE])
    return "".join(shown)


@dataclass(slots=True)
class _Printer:
    """Prints findings; the lines of each source are found once."""

    sources: Mapping[str, Source]
    is_coloured: bool
    has_excerpts: bool
    lines_of: dict[str, list[str]] = field(default_factory=dict)

    def block(self, diagnostic: Diagnostic) -> str:
        """Return one finding with its labels."""
        spans = [diagnostic.span, *(label.span for label in diagnostic.labels)]
        gutter = len(str(max(span.line for span in spans)))
        colour = _RED if diagnostic.severity is Severity.ERROR else _YELLOW
        head = f"{self._paint(diagnostic.severity, colour)}{self._paint(f'[{diagnostic.code}]', colour)}"
        text = diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}; {diagnostic.hint}"
        lines = [f"{self._place(diagnostic.file, diagnostic.span)} {head}: {self._paint(one_line(text), _BOLD)}"]
        lines += self._excerpt(diagnostic.file, diagnostic.span, gutter, colour)
        for label in diagnostic.labels:
            place = self._place(label.file, label.span)
            lines.append(f"{place} {self._paint('note', _BLUE)}: {one_line(label.message)}")
            lines += self._excerpt(label.file, label.span, gutter, _BLUE)
        return "\n".join(lines)

    def _place(self, file: str, span: Span) -> str:
        name = one_line(file)
        return f"{name}:" if span == NOWHERE else f"{name}:{span.line}:{span.column}:"

    def _excerpt(self, file: str, span: Span, gutter: int, colour: str) -> list[str]:
        line = self._line(file, span.line)
        if line is None or not self.has_excerpts:
            return []
        end = span.end_column if span.end_line == span.line else len(line) + 1
        text, before, width = crop(line, span.column - 1, max(end, span.column + 1) - 1)
        bar = self._paint(f"{'':{gutter}} |", _BLUE)
        number = self._paint(f"{span.line:>{gutter}} |", _BLUE)
        mark = self._paint(f"^{'~' * (width - 1)}", colour)
        return [bar, f"{number} {text}".rstrip(), f"{bar} {' ' * before}{mark}"]

    def _line(self, file: str, number: int) -> str | None:
        source = self.sources.get(file)
        if source is None or number < 1:
            return None
        lines = self.lines_of.get(file)
        if lines is None:
            lines = self.lines_of[file] = source.lines()
        return lines[number - 1] if number <= len(lines) else None

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self.is_coloured else text


def crop(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Return the line as it is shown, the columns before the place, and the width of the place."""
    start = min(start, len(line))
    end = max(start + 1, end)
    first = max(0, start - _LEAD) if len(line) > _WIDTH else 0
    last = min(len(line), first + _WIDTH)
    lead, tail = "…" if first else "", "…" if last < len(line) else ""
    before = lead + _visible(line[first:start])
    marked = _visible(line[start : min(end, last)])
    text = before + marked + _visible(line[min(end, last) : last]) + tail
    return text, _columns(before), max(1, _columns(marked))


def _visible(text: str) -> str:
    """Return text with tabs as four blanks and control characters as dots."""
    text = text.replace("\t", "    ")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "·" for c in text)


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in {"W", "F"} for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
