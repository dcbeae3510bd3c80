"""Pictures over pictures, read back by a terminal that is small enough to be right."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from flowpar.report.canvas import Canvas

_TOKEN = re.compile(r"\x1b\[(\??)(\d*)([A-Za-z])|(\n)|(\r)|([^\x1b\n\r]+)")


class Screen:
    """What lines a terminal without an end shows, and where its cursor is."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = 0
        self.writes = 0

    def write(self, text: str) -> None:
        self.writes += 1
        for private, number, kind, down, home, letters in _TOKEN.findall(text):
            if letters:
                self.lines[self.row] = letters
            elif down:
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif kind == "A":
                self.row = max(0, self.row - int(number))
            elif kind == "J":
                self.lines[self.row :] = [""]
            else:
                assert home or kind == "K" or (private and kind in "lh")

    def shown(self) -> list[str]:
        assert self.row == len(self.lines) - 1
        return self.lines[:-1]


def lines_of(*texts: str) -> list[tuple[tuple[str, str], ...]]:
    return [(("", text),) for text in texts]


@given(st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("xyz"), max_size=3))))
def test_a_terminal_shows_all_that_was_told_and_the_last_picture(story: list[tuple[list[str], list[str]]]) -> None:
    screen, told = Screen(), list[str]()
    canvas = Canvas(screen.write, has_colors=False)

    for picture, above in story:
        canvas.draw(lines_of(*picture), 80, 24, above=lines_of(*above))  # type: ignore[arg-type]
        told += above
        assert screen.shown() == [*told, *picture]
    canvas.erase(80)

    assert screen.shown() == told


def test_a_picture_that_has_not_changed_is_not_written_again() -> None:
    screen = Screen()
    canvas = Canvas(screen.write, has_colors=False)

    for _ in range(10):
        canvas.draw(lines_of("a", "b"), 80, 24)  # type: ignore[arg-type]

    assert screen.writes == 1


def test_what_others_wrote_below_a_picture_stays_when_that_is_forgotten() -> None:
    screen = Screen()
    canvas = Canvas(screen.write, has_colors=False)
    canvas.draw(lines_of("a", "b"), 80, 24)  # type: ignore[arg-type]
    screen.write("[1]+ Stopped\n")

    canvas.forget()
    canvas.draw(lines_of("c"), 80, 24)  # type: ignore[arg-type]

    assert screen.shown() == ["a", "b", "[1]+ Stopped", "c"]


def test_a_terminal_that_became_narrower_has_folded_the_picture() -> None:
    written: list[str] = []
    canvas = Canvas(written.append, has_colors=False)

    canvas.draw(lines_of("a" * 70, "b" * 30), 80, 24)  # type: ignore[arg-type]
    canvas.draw(lines_of("c"), 40, 24)  # type: ignore[arg-type]

    assert written[-1].startswith("\r\x1b[3A\x1b[J")


def test_a_picture_is_no_larger_than_the_terminal() -> None:
    screen = Screen()

    Canvas(screen.write, has_colors=False).draw(lines_of("abcdef", "b", "c", "d"), 5, 4)  # type: ignore[arg-type]

    assert screen.shown() == ["abc…", "b", "c"]
