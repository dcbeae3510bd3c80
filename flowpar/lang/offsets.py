r"""From a character of a scalar's value back to where it was written.

    ${{ inputs.top }}        value   0123456…
    │  written in YAML as    source  plain, 'single', "double \u0041", | literal, > folded
    Offsets                  for each character of the value: where its text begins and ends

Each style is read again from the source by the rules of the YAML scanner; the result counts only
when it spells the value, so a surprise gives no place rather than a wrong one.
"""

from __future__ import annotations

import re

from flowpar.core.frozen import dataclass, field

_BREAK = re.compile(r"\r\n|\r|\n|\x85|\u2028|\u2029")
_SPECIAL = re.compile(r"[ \t\r\n\x85\u2028\u2029'\"\\]")
_HEADER = re.compile(r"[|>](?:([1-9])[+-]?|[+-]([1-9])?)?")
_ESCAPE_WIDTHS = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {
    "0": "\0", "a": "\x07", "b": "\x08", "t": "\t", "\t": "\t", "n": "\n", "v": "\x0b", "f": "\x0c", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


@dataclass(slots=True)
class Offsets:
    """Where each character of a value stands; grows while a scalar is read, then is only looked at."""

    text: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    end: int = 0

    def add(self, character: str, start: int, end: int) -> None:
        """Note that the next character of the value was written from `start` to `end`."""
        self.text.append(character)
        self.starts.append(start)
        self.ends.append(end)

    def copy(self, source: str, start: int, end: int) -> None:
        """Note a stretch that stands in the source as it is."""
        self.text.append(source[start:end])
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))

    def add_breaks(self, breaks: list[tuple[str, int, int]]) -> None:
        """Note line ends that are part of the value."""
        for character, start, end in breaks:
            self.add(character, start, end)

    def start_of(self, index: int) -> int:
        """Return where character `index` begins; one past the last gives the end of the last."""
        if index < len(self.starts):
            return self.starts[index]
        return self.ends[-1] if self.ends else self.end

    def end_of(self, index: int) -> int:
        """Return where character `index` ends."""
        return self.ends[index]


def offsets_of(source: str, start: int, text: str, style: str) -> Offsets | None:
    """Return where each character of `text` stands in `source`, or None where that can't be told."""
    if not style and source.startswith(text, start) and not _BREAK.search(text):
        offsets = Offsets(end=start)
        offsets.copy(source, start, start + len(text))
        return offsets
    if style in {"|", ">"}:
        return _block(source, start, text, style)
    offsets = _flow(source, start, style, len(text))
    return offsets if "".join(offsets.text) == text else None


def _flow(source: str, start: int, style: str, length: int) -> Offsets:
    """Read a plain or quoted scalar; a plain one ends where the value has all its characters."""
    offsets = Offsets(end=start + len(style))
    at = start + len(style)
    while at < len(source) and (style or len(offsets.starts) < length):
        character = source[at]
        if character in " \t\r\n\x85\u2028\u2029":
            at = _flow_space(source, at, offsets)
        elif style == "'" and source.startswith("''", at):
            offsets.add("'", at, at + 2)
            at += 2
        elif style and character == style:
            break
        elif style == '"' and character == "\\":
            at = _escape(source, at, offsets)
        else:
            special = _SPECIAL.search(source, at + 1)
            end = special.start() if special else len(source)
            end = end if style else min(end, at + length - len(offsets.starts))
            offsets.copy(source, at, end)
            at = end
    return offsets


def _flow_space(source: str, at: int, offsets: Offsets) -> int:
    """Read blanks and line ends: one break is a space, more are one fewer, blanks around them go."""
    end = at
    while end < len(source) and source[end] in " \t":
        end += 1
    if not _BREAK.match(source, end):
        offsets.copy(source, at, end)
        return end
    first, end = _read_break(source, end)
    more, end = _more_breaks(source, end)
    if first[0] != "\n":
        offsets.add_breaks([first])
    elif not more:
        offsets.add(" ", first[1], first[2])
    offsets.add_breaks(more)
    return end


def _read_break(source: str, at: int) -> tuple[tuple[str, int, int], int]:
    match = _BREAK.match(source, at)
    end = match.end() if match else at
    written = source[at:end]
    return (written if written in {"\u2028", "\u2029"} else "\n", at, end), end


def _more_breaks(source: str, at: int) -> tuple[list[tuple[str, int, int]], int]:
    breaks: list[tuple[str, int, int]] = []
    while True:
        end = at
        while end < len(source) and source[end] in " \t":
            end += 1
        if not _BREAK.match(source, end):
            return breaks, end
        found, at = _read_break(source, end)
        breaks.append(found)


def _escape(source: str, at: int, offsets: Offsets) -> int:
    code = source[at + 1 : at + 2]
    if _BREAK.match(source, at + 1):
        _, end = _read_break(source, at + 1)
        more, end = _more_breaks(source, end)
        offsets.add_breaks(more)
        return end
    width = _ESCAPE_WIDTHS.get(code)
    if width is None:
        offsets.add(_ESCAPES.get(code, code), at, at + 2)
        return at + 2
    end = at + 2 + width
    offsets.add(chr(int(source[at + 2 : end], 16)), at, end)
    return end


def _block(source: str, start: int, text: str, style: str) -> Offsets | None:
    """Read a literal or folded scalar, with the indentation that makes it spell the value."""
    header = _HEADER.match(source, start)
    line_end = _BREAK.search(source, start)
    if header is None or line_end is None:
        return None if text else Offsets(end=start)
    body = line_end.end()
    is_given = any(header.groups())
    widths = range(1, _first_width(source, body) + 1) if is_given else (max(1, _widest_start(source, body)),)
    for width in widths:
        offsets = _block_lines(source, body, width, is_literal=style == "|", length=len(text))
        if "".join(offsets.text)[: len(text)] == text:
            return offsets
    return None


def _first_width(source: str, at: int) -> int:
    """Return the indentation of the first line that holds more than spaces."""
    match = re.compile(r"(?:[ ]*(?:\r\n|\r|\n))*([ ]*)").match(source, at)
    return len(match.group(1)) if match else 0


def _widest_start(source: str, at: int) -> int:
    """Return the indentation that a scanner finds: the widest of the leading blank lines and the first full one."""
    widest = 0
    while True:
        end = at
        while end < len(source) and source[end] == " ":
            end += 1
        widest = max(widest, end - at)
        found = _BREAK.match(source, end)
        if not found:
            return widest
        at = found.end()


def _block_lines(source: str, at: int, width: int, *, is_literal: bool, length: int) -> Offsets:
    offsets = Offsets(end=at)
    pending: list[tuple[str, int, int]] = []
    was_blank = False
    breaks, at = _block_breaks(source, at, width)
    while 0 <= at < len(source) and len(offsets.starts) < length:
        is_blank = source[at] in " \t"
        if not is_literal and pending and pending[0][0] == "\n" and not was_blank and not is_blank:
            if not breaks:
                offsets.add(" ", pending[0][1], pending[0][2])
        else:
            offsets.add_breaks(pending)
        offsets.add_breaks(breaks)
        was_blank = is_blank
        line_end = _BREAK.search(source, at)
        stop = line_end.start() if line_end else len(source)
        offsets.copy(source, at, stop)
        if line_end is None:
            return offsets
        found, after = _read_break(source, stop)
        pending = [found]
        breaks, at = _block_breaks(source, after, width)
    offsets.add_breaks(pending)
    offsets.add_breaks(breaks)
    return offsets


def _block_breaks(source: str, at: int, width: int) -> tuple[list[tuple[str, int, int]], int]:
    """Read empty lines and the next line's indentation; -1 where that line belongs to the scalar no more."""
    breaks: list[tuple[str, int, int]] = []
    while True:
        end = at
        while end < len(source) and end - at < width and source[end] == " ":
            end += 1
        if _BREAK.match(source, end):
            found, at = _read_break(source, end)
            breaks.append(found)
            continue
        return breaks, end if end - at == width and end < len(source) else -1
