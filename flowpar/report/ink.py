"""Lines of coloured pieces, and how they become text: the views of a run are made of them.

    (("bold", "words"), ("", "  "), ("good", "━━━"))   ──painted──►   text with SGR codes

The colours are the first eight, which every terminal has in its own shades.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowpar.report.cells import cut as cut_text
from flowpar.report.cells import width as width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Style = Literal["", "bold", "good", "error", "warning", "accent", "faint"]
Piece = tuple[Style, str]
Line = tuple[Piece, ...]

_CODES: Mapping[Style, str] = {
    "bold": "1",
    "good": "32",
    "error": "1;31",
    "warning": "33",
    "accent": "36",
    "faint": "2",
}


def width(line: Iterable[Piece]) -> int:
    """Return how many columns a line takes."""
    return sum(width_of(text) for _, text in line)


def plain(line: Iterable[Piece]) -> str:
    """Return a line without its colours."""
    return "".join(text for _, text in line).rstrip()


def painted(line: Iterable[Piece]) -> str:
    """Return a line with its colours."""
    return "".join(f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style else text for style, text in line)


def cut(line: Line, columns: int, *, mark: str = "…") -> Line:
    """Return a line that takes at most `columns`."""
    if width(line) <= columns:
        return line
    kept: list[Piece] = []
    for style, text in line:
        room = columns - width(kept)
        if width_of(text) >= room:
            kept.append((style, cut_text(text + mark, room, mark=mark)))
            break
        kept.append((style, text))
    return tuple(kept)
