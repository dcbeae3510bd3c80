"""A terminal that keeps what was written on it."""

from __future__ import annotations


class Paper:
    """What a live view is drawn on in tests; a test may put it into the background and back."""

    def __init__(self, columns: int = 100, rows: int = 20) -> None:
        """Begin blank, in the foreground."""
        self.columns, self.rows = columns, rows
        self.written: list[str] = []
        self.is_foreground = True
        self.came_back = False
        self.is_closed = False

    def write(self, text: str) -> None:
        """Keep a text."""
        self.written.append(text)

    def size(self) -> tuple[int, int]:
        """Return columns and rows."""
        return self.columns, self.rows

    def is_ours(self) -> bool:
        """Whether it is in the foreground."""
        return self.is_foreground

    def take_return(self) -> bool:
        """Whether it came back since this was asked last."""
        came_back, self.came_back = self.came_back, False
        return came_back

    def close(self) -> None:
        """Note that nobody draws any more."""
        self.is_closed = True
