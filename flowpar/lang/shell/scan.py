"""Where values stand in a text for `sh` or `bash`: in a word, inside double quotes, or where they would be code.

    text with VALUE for each value ─ places_of ─► a Place for each, in order

What shells do not all read alike, and what this reader does not know, is never guessed at: from there on
every value is refused. A value in a nested `$(…)` is judged in the command that it stands in.
"""

from __future__ import annotations

import re
from functools import lru_cache

from flowpar.lang.shell.command import Command, bare
from flowpar.lang.shell.cursor import META, VALUE, Lost, Place
from flowpar.lang.shell.quote import Quotes

_QUOTING = "'\"`$\\" + VALUE
_EMPTY_BRACKETS = re.compile(r"\([ \t]*\)")


@lru_cache(maxsize=1024)  # commands of thousands of tasks often differ in their values only
def places_of(text: str, *, is_bash: bool) -> tuple[Place, ...]:
    """Return the place of each value in a text."""
    scanner = _Scanner(text, is_bash=is_bash)
    lost: Lost | None = None
    try:
        scanner.commands("", 0)
    except Lost as error:
        lost = error
    return tuple(_place(scanner, found.start(), lost) for found in re.finditer(VALUE, text))


def _place(scanner: _Scanner, at: int, lost: Lost | None) -> Place:
    found = scanner.places.get(at)
    if lost is None or (found is not None and (found.why_not or at < lost.start)):
        return found or Place(why_not="somewhere")
    line = scanner.text.count("\n", 0, lost.start) + 1
    return Place(why_not=f"behind {lost.what} in line {line} of the text, which shells may read in several ways")


class _Scanner(Quotes):
    """Reads commands."""

    def commands(self, closer: str, start: int) -> None:
        """Read commands up to the closing bracket, or to the end of the text."""
        heredocs = len(self.heredocs)
        command = Command()
        with self.deeper(start):
            while self.at < len(self.text):
                self.skip_blanks()
                letter = self.peek()
                if letter == ")" and closer and not command.is_pattern:
                    if command.cases or len(self.heredocs) > heredocs:
                        raise Lost('a ")" that comes too early', start)
                    self.at += 1
                    return
                if letter == "\n" and heredocs:
                    raise Lost("a heredoc around brackets", start)
                self._token(command, letter)
        if closer or command.cases or self.heredocs:
            raise Lost("something that is never closed", start)

    def _token(self, command: Command, letter: str) -> None:
        if letter == "\n":
            self.at += 1
            command.end()
            self.read_heredocs()
        elif letter == "#":
            self._comment()
        elif letter == "(":
            self._bracket(command)
        elif letter in {"<", ">"}:
            self._redirection(command)
        elif letter in {";", "&", "|", ")"}:
            self._operator(command, letter)
        elif letter:
            self._word(command)
            if command.is_conditional:
                self._conditional()
                command.end()

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.refuse_until(len(self.text) if end < 0 else end, "in a comment")

    def _operator(self, command: Command, letter: str) -> None:
        start = self.at
        fits = letter in ")|" if command.is_pattern else letter != ")"
        if command.is_head or not fits:
            raise Lost(f'a "{letter}" that fits nothing', start)
        if letter == ")":
            self.at += 1
            command.open_branch()
        elif command.is_pattern and letter == "|":
            self.at += 1
        elif self.text.startswith((";;", ";&"), start):
            self.at += 3 if self.text.startswith(";;&", start) else 2
            if not command.close_branch():
                raise Lost('a ";;" that fits nothing', start)
        else:
            self.at += 1
            self.refuse_split()
            if not (letter == "&" and self.peek() == ">"):  # to bash it is a redirection, and the command goes on
                command.end()

    def _bracket(self, command: Command) -> None:
        start = self.at
        if command.is_pattern:
            self.at += 1
        elif command.is_array and self.text[start - 1] == "=":
            if not self.is_bash:
                raise Lost("an array", start)
            self.at += 1
            self._array(start)
            command.is_array = False
        elif command.may_be_function and (found := _EMPTY_BRACKETS.match(self.text, start)):
            self.at = found.end()
            command.end()
        elif self.text.startswith("((", start) and (command.is_at_start or command.words == ["for"]):
            self.arithmetic(start, start + 2, "in ((…))")
        elif command.is_at_start:
            self.at += 1
            self.commands(")", start)
            command.end()
        else:
            raise Lost('a "(" that fits nothing', start)

    def _array(self, start: int) -> None:
        """Read the words of `name=(…)`."""
        command = Command(["("])
        with self.deeper(start):
            while self.peek() != ")":
                self.skip_blanks()
                letter = self.peek()
                if letter == "\n" and not self.heredocs:
                    self.at += 1
                elif letter == "#":
                    self._comment()
                elif letter and letter not in META:
                    self._word(command)
                elif letter != ")":
                    raise Lost("an array", start)
        self.at += 1

    def _redirection(self, command: Command) -> None:
        start = self.at
        if command.is_head or command.is_pattern:
            raise Lost("a redirection that fits nothing", start)
        command.drop_descriptor(self.text[start - 1 : start] if start else " ")
        if self.text.startswith("<<<", start):
            self.at += 3
            command.target = "" if self.is_bash else 'behind "<<<", which only bash has'
        elif self.text.startswith("<<", start):
            self.at += 3 if self.text.startswith("<<-", start) else 2
            self.refuse_split()
            self.announce_heredoc(start)
        elif self.text.startswith(("<(", ">("), start):
            if not self.is_bash:
                raise Lost("<(…)", start)
            self.at += 2
            self.commands(")", start)
            command.take("<()", is_plain=False)
        else:
            is_descriptor = self.text.startswith((">&", "<&"), start)
            self.at += 2 if self.text.startswith((">>", ">|", "<>", ">&", "<&"), start) else 1
            self.refuse_split()
            command.target = "in place of the number of a descriptor" if is_descriptor else ""

    def _conditional(self) -> None:
        """Read what stands in `[[ … ]]`."""
        start = self.at
        command = Command(["[["])
        with self.refusing("in [[…]]"):
            while self.at < len(self.text):
                self.skip_blanks()
                letter = self.peek()
                if letter == "#" or (letter == "\n" and self.heredocs):
                    break
                if letter and letter in META:
                    self.at += 1
                elif letter:
                    begin = self.at
                    self._word(command)
                    if self.text[begin : self.at] == "]]":
                        return
        raise Lost("[[…]]", start)

    def _word(self, command: Command) -> None:
        """Read a word of a command, with all that is quoted and nested in it."""
        start = self.at
        prefix = ""
        is_plain = True
        while (letter := self.peek()) and letter not in META:
            begin = self.at
            if letter not in _QUOTING:
                self.at += 1
                prefix += letter
                continue
            why_not = "" if self.is_refusing else command.why_not(prefix, self.text)
            if letter == VALUE:
                self.judge(why_not, is_quoted=False)
            else:
                self.quoted_under(why_not, letter)
            part = self.text[begin : self.at]
            is_plain &= part == "\\\n"
            prefix += bare(part)
        command.take(prefix, is_plain=is_plain)
        if command.changes_reading:
            raise Lost(f'"{command.changes_reading}"', start)
