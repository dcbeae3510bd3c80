"""What is quoted, escaped or expanded in a shell text: `'…'`, `"…"`, `$(…)`, `${…}`, `$((…))`, backquotes.

Where `sh` and `bash`, or two kinds of `sh`, would end such a thing at different places, the text is `Lost`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final

from flowpar.lang.shell.cursor import VALUE, Cursor, Lost

_SPECIAL: Final = "#?$!@*-0123456789"
# What may stand in arithmetic of which all shells see the same end.
_IN_ARITHMETIC = re.compile(r"[\w\s+\-*/%<>=!&|^~?:,.@#\[\];\0]")
_PAIR_IN_BRACES = re.compile(r"\"[^\"\\`}'{(\0]*\"")
_ANSI = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)


class Quotes(Cursor, ABC):
    """Reads what is quoted; `commands` reads what `$(…)` holds."""

    @abstractmethod
    def commands(self, closer: str, start: int) -> None:
        """Read commands up to a closing bracket."""

    def quoted_under(self, why_not: str, letter: str) -> None:
        """Read what is quoted, and refuse every value in it if there is a reason."""
        if not why_not:
            self.quoted(letter)
            return
        with self.refusing(why_not):
            self.quoted(letter)

    def quoted(self, letter: str) -> None:
        """Read what begins with a quote, a backslash or a dollar, outside of double quotes."""
        match letter:
            case "\\":
                self._backslash()
            case "'":
                self._single()
            case '"':
                self._double()
            case "`":
                self._backquotes()
            case _:
                self._dollar(in_double=False)

    def _backslash(self) -> None:
        if self.at + 1 >= len(self.text):
            raise Lost("a backslash at the end", self.at)
        after = self.text[self.at + 1]
        if after == VALUE:
            self.at += 1
            self.refuse_until(self.at + 1, "behind a backslash")
            return
        if after == "\n":
            self.refuse_split()
        self.at += 2

    def _single(self) -> None:
        start = self.at
        end = self.text.find("'", start + 1)
        if end < 0:
            raise Lost("a quote that is never closed", start)
        self.refuse_until(end + 1, "in single quotes")
        self.refuse_lines(start)

    def _double(self) -> None:
        start = self.at
        self.at += 1
        with self.deeper(start):
            while letter := self.peek():
                if letter == '"':
                    self.at += 1
                    self.refuse_lines(start)
                    return
                if letter == VALUE:
                    self.judge("", is_quoted=True)
                else:
                    self._in_double(letter)
        raise Lost("a quote that is never closed", start)

    def _in_double(self, letter: str) -> None:
        match letter:
            case "\\":
                self._backslash()
            case "`":
                self._backquotes()
            case "$":
                self._dollar(in_double=True)
            case _:
                self.at += 1

    def _backquotes(self) -> None:
        start = self.at
        end = start + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        content = self.text[start + 1 : end]
        # A backquote in quotes ends it for one shell and not for another.
        if end >= len(self.text) or content.count("'") % 2 or content.count('"') % 2 or "#" in content:
            raise Lost("backquotes", start)
        self.refuse_until(end + 1, "in backquotes")
        self.refuse_lines(start)

    def _dollar(self, *, in_double: bool) -> None:
        start = self.at
        after = self.text[start + 1 : start + 2]
        if self.text.startswith("$((", start):
            self.arithmetic(start, start + 3, "in $((…))")
        elif after == "(":
            self.at += 2
            self.commands(")", start)
        elif after == "{":
            self._braces(start, in_double=in_double)
        elif after == "'" and not in_double:
            self._ansi(start)
        elif after == '"' and not in_double:
            self.at += 1
            with self.refusing('in $"…"'):
                self._double()
        elif after in {"[", "\\", VALUE} and not (after == "\\" and self.text[start + 2 : start + 3] != "\n"):
            raise Lost('a "$" like this', start)
        else:
            self.at += 2 if after and after in _SPECIAL else 1

    def _ansi(self, start: int) -> None:
        """Read `$'…'`, in which `sh` may know no backslash."""
        found = _ANSI.match(self.text, start + 1)
        if found is None or (not self.is_bash and "\\" in found[1]):
            raise Lost("$'…'", start)
        self.refuse_until(found.end(), "in $'…'")
        self.refuse_lines(start)

    def _braces(self, start: int, *, in_double: bool) -> None:
        """Read `${…}`."""
        if self.text[start + 2 : start + 3] in {"", " ", "\t", "\n", "|"}:
            raise Lost("${…}", start)
        self.at = start + 2
        with self.deeper(start), self.refusing("in ${…}"):
            while letter := self.peek():
                if letter == "}":
                    self.at += 1
                    self.refuse_lines(start)
                    return
                self._in_braces(letter, start, in_double=in_double)
        raise Lost("${…}", start)

    def _in_braces(self, letter: str, start: int, *, in_double: bool) -> None:
        if letter == VALUE:
            self.judge("", is_quoted=True)
        elif letter in "'\"" and in_double:
            pair = _PAIR_IN_BRACES.match(self.text, self.at)
            if pair is None:
                raise Lost("quotes in ${…}", start)
            self.at = pair.end()
        elif letter in "'\"":
            self.quoted(letter)
        else:
            self._in_double(letter)

    def arithmetic(self, start: int, begin: int, why: str) -> None:
        """Read up to the two brackets that close `((`; brackets that close one by one are no arithmetic."""
        self.at = begin
        depth = 2
        with self.deeper(start), self.refusing(why):
            while depth:
                letter = self.peek()
                if letter == VALUE:
                    self.judge("", is_quoted=False)
                    continue
                if letter == "$":
                    self._in_arithmetic(start)
                    continue
                if letter == ")" and depth == 2:  # noqa: PLR2004 - the two brackets of the beginning
                    if not self.text.startswith("))", self.at):
                        break
                    self.at += 2
                    self.refuse_lines(start)
                    return
                if letter not in "()" and not _IN_ARITHMETIC.match(letter):
                    break
                if letter == "" or (letter == "#" and self.text[self.at - 1] in " \t\n;(&|"):
                    break
                depth += {"(": 1, ")": -1}.get(letter, 0)
                self.at += 1
        raise Lost("double brackets", start)

    def _in_arithmetic(self, start: int) -> None:
        after = self.text[self.at + 1 : self.at + 2]
        if after in {"'", '"', "", VALUE}:
            raise Lost("double brackets", start)
        self._dollar(in_double=True)
