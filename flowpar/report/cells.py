"""How wide text is on a terminal: most characters take a column, East Asian ones and emoji two, marks none.

Terminals disagree about what is joined to one picture, so `plain_cells` takes joiners out: each part is then shown
by itself, everywhere as wide as it is counted here.
"""

from __future__ import annotations

import unicodedata

_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})
_JOINERS = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff"))


def plain_cells(text: str) -> str:
    """Return a text without what joins characters or chooses how they look."""
    return text if text.isascii() else text.translate(_JOINERS)


def width(text: str) -> int:
    """Return how many columns a text takes that is one printable line.

    >>> width("naïve"), width("日本"), width("🐍")
    (5, 4, 2)
    """
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, columns: int, *, mark: str = "…") -> str:
    """Return a text that takes at most `columns`, its end replaced by `mark` where it is longer.

    >>> cut("quarterly", 6), cut("日本語", 4), cut("ab", 6)
    ('quart…', '日…', 'ab')
    """
    if width(text) <= columns:
        return text
    left = columns - width(mark)
    if left < 0:
        return ""
    kept = 0
    for at, character in enumerate(text):
        kept += _width(character)
        if kept > left:
            return text[:at] + mark
    return text


def padded(text: str, columns: int) -> str:
    """Return a text with blanks behind it, up to `columns`."""
    return text + " " * (columns - width(text))


def _width(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
