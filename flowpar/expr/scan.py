"""Where expressions begin and end in a text, and what in an expression is string and what is not.

text      abc ${{ f("}}") }} def          $${{ stands for ${{ itself
Stretch       └start └inner    └end
"""

from __future__ import annotations

import re

from flowpar.core.frozen import dataclass

OPENING = "${{"
ESCAPED = "$${{"
_OPENING = re.compile(r"\$?\$\{\{")
_MARK = re.compile(r"\"\"\"|'''|[\"'(){}\[\]]")
_STRING_ENDS = {quote: re.compile(rf"\\.|{quote}|\n", re.DOTALL) for quote in ("'", '"')} | {
    quote: re.compile(rf"\\.|{quote}", re.DOTALL) for quote in ("'''", '"""')
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One `${{ … }}`: `start` to `end` with its braces, `inner_start` to `inner_end` without."""

    start: int
    end: int
    inner_start: int
    inner_end: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A bracket or quote without its partner."""

    message: str
    start: int
    end: int
    hint: str | None = None


def find_expressions(text: str) -> list[tuple[int, int, int, int]]:
    """Return (start, end, inner start, inner end) of each `${{ … }}`; one that is not closed ends with the text."""
    return [(found.start, found.end, found.inner_start, found.inner_end) for found in stretches(text)]


def stretches(text: str) -> list[Stretch]:
    """Return each `${{ … }}` of a text, leaving out `$${{`."""
    found = []
    position = 0
    while opening := _OPENING.search(text, position):
        position = opening.end()
        if opening.group() == ESCAPED:
            continue
        inner_end = _closing(text, position)
        if inner_end < 0:
            found.append(Stretch(opening.start(), len(text), position, len(text), is_closed=False))
            break
        found.append(Stretch(opening.start(), inner_end + 2, position, inner_end, is_closed=True))
        position = inner_end + 2
    return found


def unescape(text: str) -> str:
    """Return text outside expressions with `$${{` as the `${{` it stands for."""
    return text.replace(ESCAPED, OPENING)


def _closing(text: str, position: int) -> int:
    """Return where the `}}` of an expression stands, or -1.

    A quote that is never closed, or a round or square bracket, must not swallow the rest of the
    document: the nearest `}}` then ends the expression, and the fault is reported inside it.
    """
    braces = 0
    while mark := _MARK.search(text, position):
        position = mark.end()
        if mark.group()[0] in "'\"":
            end = _string_end(text, mark)
            if end < 0:
                return text.find("}}", position)
            position = end
        elif mark.group() == "{":
            braces += 1
        elif mark.group() == "}":
            if not braces and text.startswith("}}", mark.start()):
                return mark.start()
            braces = max(0, braces - 1)
    return -1


def _string_end(text: str, quote: re.Match[str]) -> int:
    position = quote.end()
    while stop := _STRING_ENDS[quote.group()].search(text, position):
        position = stop.end()
        if stop.group() == quote.group():
            return position
        if stop.group() == "\n":
            return -1
    return -1


def without_strings(text: str) -> str | Fault:
    """Return an expression with every string blanked by quotes, of the same length, or the unclosed quote."""
    pieces = []
    position = 0
    while mark := _MARK.search(text, position):
        if mark.group()[0] not in "'\"":
            pieces.append(text[position : mark.end()])
            position = mark.end()
            continue
        end = _string_end(text, mark)
        if end < 0:
            return _unclosed_quote(text, mark)
        pieces.append(text[position : mark.start()] + "'" * (end - mark.start()))
        position = end
    return "".join(pieces) + text[position:]


def _unclosed_quote(text: str, mark: re.Match[str]) -> Fault:
    line, line_end, rest = text[mark.end() :].partition("\n")
    if not line_end or mark.group() not in rest:
        return Fault("this quote is never closed", mark.start(), mark.end())
    hint = r'write the line end as "\n"; where YAML has double quotes around the expression, as "\\n"'
    return Fault("the line ends before this quote is closed", mark.start(), mark.end() + len(line), hint)


def bracket_fault(blanked: str) -> Fault | None:
    """Return the first bracket without its partner, of an expression without strings."""
    opened: list[tuple[str, int]] = []
    for position, letter in enumerate(blanked):
        if letter in "([{":
            opened.append((letter, position))
        elif letter in ")]}":
            if not opened:
                return Fault(f'this "{letter}" closes nothing', position, position + 1)
            opener, start = opened.pop()
            if _CLOSERS[opener] != letter:
                return Fault(f'"{opener}" is closed by "{letter}"', start, position + 1)
    if opened:
        opener, start = opened[-1]
        return Fault(f'this "{opener}" is never closed', start, start + 1)
    return None
