"""The bottom of a terminal on which a picture is drawn again and again, and lines that are told above it.

    told before
    told now           ◄── `above`, once
    picture            ◄── drawn over the picture before it
    cursor

The cursor is never hidden and rests below the picture, so whoever is killed leaves a terminal that is fit for use, and
what others write begins on a line of its own. A terminal that has become narrower has folded the lines of the picture:
so many more are drawn over. Lines of the picture are never folded when they are drawn, as a terminal may have become
narrower and not said so yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowpar.report.ink import cut, painted, plain, width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.report.ink import Line

_FLAT: Final = "\x1b[?7l"  # what goes beyond the last column is lost, until:
_FOLDED: Final = "\x1b[?7h"
_CLEAR: Final = "\x1b[J"


class Canvas:
    """Draws on what `write` reaches; it writes once for each picture, and only what has changed."""

    def __init__(self, write: Callable[[str], object], *, has_colors: bool = True, mark: str = "…") -> None:
        """Begin below what is there."""
        self._write = write
        self._text = painted if has_colors else plain
        self._mark = mark
        self._shown: list[str] = []
        self._widths: list[int] = []
        self._columns = 0

    def draw(self, lines: Sequence[Line], columns: int, rows: int, *, above: Sequence[Line] = ()) -> None:
        """Draw a picture for a terminal of that size over the last one, below the lines that are told `above` it."""
        # The last column stays free: what some terminals do when it is reached is not what others do.
        lines = [cut(line, max(1, columns - 1), mark=self._mark) for line in lines[: max(1, rows - 1)]]
        texts = [self._text(line) for line in lines]
        up = self._height(columns)
        if above or columns != self._columns:
            told = "".join(f"{self._text(line)}\n" for line in above)
            picture = "".join(f"{text}\n" for text in texts)
            text = f"{_up(up)}{_CLEAR}{told}{_FLAT}{picture}{_FOLDED}"
        elif texts == self._shown:
            return
        else:
            picture = "".join(map(self._changed, range(len(texts)), texts))
            text = f"{_up(up)}{_FLAT}{picture}{_FOLDED}{_CLEAR}"
        self._shown, self._widths, self._columns = texts, [width(line) for line in lines], columns
        self._write(text)

    def tell(self, lines: Sequence[Line]) -> None:
        """Write lines where the cursor is, without a picture."""
        if lines:
            self._write("".join(f"{self._text(line)}\n" for line in lines))

    def erase(self, columns: int) -> None:
        """Take the picture away."""
        if self._shown:
            self._write(f"{_up(self._height(columns))}{_CLEAR}")
        self.forget()

    def forget(self) -> None:
        """Leave the picture where it is, and draw the next one below whatever came after it."""
        self._shown, self._widths = [], []

    def _height(self, columns: int) -> int:
        return sum(max(1, -(-wide // max(1, columns))) for wide in self._widths)

    def _changed(self, at: int, text: str) -> str:
        if at < len(self._shown) and self._shown[at] == text:
            return "\n"
        return f"{text}\x1b[K\n"


def _up(rows: int) -> str:
    return f"\r\x1b[{rows}A" if rows else "\r"
