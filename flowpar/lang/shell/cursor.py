"""A place in a shell text that moves forward, and what is known of the values on the way.

VALUE    the letter that stands for a value in a text
Place    where one stands, or why it can't stand there
Lost     from somewhere on the text can't be followed
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE: Final = "\0"
META: Final = " \t\n;&|<>()"
_MAX_DEPTH: Final = 40
_BLANKS = re.compile(r"(?:[ \t]|\\\n)*")
_JOINING: Final = "$<>&|;()"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: in a word, there within double quotes or not; `why_not` says why it can't be there."""

    is_quoted: bool = False
    why_not: str = ""


class Lost(Exception):  # noqa: N818 - it says where the reader is
    """From `start` on the text can't be followed, because of `what`."""

    def __init__(self, what: str, start: int) -> None:
        """Keep the place."""
        super().__init__(what)
        self.what = what
        self.start = start


@dataclass(frozen=True, slots=True)
class _Heredoc:
    """A heredoc whose text is still to come."""

    delimiter: str
    strips_tabs: bool
    is_raw: bool


class Cursor:
    """Moves through one text; `places` has the values so far by their offsets."""

    def __init__(self, text: str, *, is_bash: bool) -> None:
        """Start at the beginning."""
        self.text = text
        self.at = 0
        self.is_bash = is_bash
        self.places: dict[int, Place] = {}
        self.heredocs: list[_Heredoc] = []
        self._depth = 0
        self._refusals: list[str] = []

    @property
    def is_refusing(self) -> bool:
        """Whether no value can stand here, whatever comes."""
        return bool(self._refusals)

    def peek(self) -> str:
        """Return the letter that comes next, "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip_blanks(self) -> None:
        """Go on to what is no blank; a line end behind a backslash is one."""
        found = _BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at

    @contextmanager
    def deeper(self, start: int) -> Iterator[None]:
        """Read what is nested, within a bound."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Lost("something nested too deeply", start)
        yield
        self._depth -= 1

    @contextmanager
    def refusing(self, why: str) -> Iterator[None]:
        """Refuse every value in what is read meanwhile."""
        self._refusals.append(why)
        yield
        self._refusals.pop()

    def judge(self, why_not: str, *, is_quoted: bool) -> None:
        """Say of the value that stands here what its place is, and go on."""
        why_not = self._refusals[-1] if self._refusals else why_not
        self.places[self.at] = Place(why_not=why_not) if why_not else Place(is_quoted)
        self.at += 1

    def refuse_until(self, end: int, why: str) -> None:
        """Refuse the values from here to `end`, and go there."""
        start = self.text.find(VALUE, self.at, end)
        while start >= 0:
            self.places[start] = Place(why_not=why)
            start = self.text.find(VALUE, start + 1, end)
        self.at = end

    def refuse_split(self) -> None:
        """Give up where a line ends within an operator: what comes of it depends on what follows."""
        if self.text.startswith("\\\n", self.at) and self.text[self.at - 1] in _JOINING:
            after = self.text[self.at + 2 : self.at + 3]
            if self.text[self.at - 1] == "$" or (after and after in _JOINING + "-\\"):
                raise Lost("an operator over two lines", self.at - 1)

    def refuse_lines(self, start: int) -> None:
        """Give up where lines end in quotes while a heredoc is to come."""
        if self.heredocs and "\n" in self.text[start : self.at]:
            raise Lost("a heredoc around quotes", start)

    # -- heredocs ---------------------------------------------------------------------------------------------

    def announce_heredoc(self, start: int) -> None:
        """Read the word that will end a heredoc."""
        strips_tabs = self.text[self.at - 1] == "-"
        self.skip_blanks()
        begin = self.at
        while (letter := self.peek()) and letter not in META:
            if letter in "$`" + VALUE or self.text.startswith("\\\n", self.at):
                raise Lost("a heredoc", start)
            if letter in "'\"":
                end = self.text.find(letter, self.at + 1)
                if end < 0 or set("\n\\\0$`") & set(self.text[self.at : end]):
                    raise Lost("a heredoc", start)
                self.at = end
            self.at += 2 if letter == "\\" else 1
        word = self.text[begin : self.at]
        delimiter = re.sub(r"\\(.)|['\"]", r"\1", word)
        if not delimiter:
            raise Lost("a heredoc", start)
        self.heredocs.append(_Heredoc(delimiter, strips_tabs, is_raw=delimiter != word))

    def read_heredocs(self) -> None:
        """Read the texts of the heredocs that the line before has announced."""
        for heredoc in self.heredocs:
            start = self.at
            is_joined = False
            while True:
                if self.at >= len(self.text):
                    raise Lost("a heredoc without its end", start)
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.refuse_until(end, "in a heredoc")
                self.at = min(end + 1, len(self.text))
                if not is_joined and (line.lstrip("\t") if heredoc.strips_tabs else line) == heredoc.delimiter:
                    break
                is_joined = not heredoc.is_raw and (len(line) - len(line.rstrip("\\"))) % 2 == 1
        self.heredocs = []
