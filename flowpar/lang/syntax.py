"""What a YAML scanner complains about, in words for the person who wrote the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Label
from flowpar.lang.indentation import misindented

if TYPE_CHECKING:
    import yaml

    from flowpar.core.source import Span
    from flowpar.lang.node import Lines

_UNCLOSED = {
    "flow sequence": ('this "[" is never closed', "close it with ]"),
    "flow mapping": ('this "{" is never closed', "close it with }"),
    "quoted scalar": ("this quote is never closed", "close it with the same quote; write '' or \\\" for one inside"),
}
_MISPLACED = ("did not find expected key", "expected <block end>", "expected <document start>")
_BARE_EXPRESSION = "an expression inside { } or [ ] needs quotes"
_QUOTE_HINT = "put the value in quotes"
_LONGEST_KEY = 1024
_WORDING = (
    ("mapping values are not allowed", 'a ":" is not allowed here', 'a text that holds ": " needs quotes'),
    ("could not find expected ':'", 'this key has no ":" after it', "is the line above complete?"),
    ("did not find expected key", "this line does not fit the mapping above it", "is it indented like its neighbours?"),
    ("expected <block end>", "this line does not fit the block above it", "is it indented like its neighbours?"),
    ("did not find expected '-' indicator", 'this line does not start with "-" like its list', None),
    ("block sequence entries are not allowed", 'a list item "-" is not allowed here', "start the list on a new line"),
    ("unknown escape character", "this escape is not known in double quotes", 'use single quotes, or "\\\\" for a \\'),
    ("expected <document start>", "the document has ended above this line", "is it indented like its neighbours?"),
    ("undefined tag handle", "this tag is not known", "only the standard tags such as !!str are"),
    ("comment or line break", "after | or > only a comment may follow", "start the text on the next line"),
    ("alphabetic or numeric character", 'this "&" or "*" starts no anchor or alias', "put the whole value in quotes"),
    ("did not find expected node content", "a value is missing here", "write it, or take one comma out"),
    ("duplicate anchor", "this anchor is there already", None),
)


def describe_syntax_error(error: yaml.MarkedYAMLError, lines: Lines) -> Diagnostic:
    """Return the finding for an error of the parser, at the place that has to be changed."""
    problem, context = error.problem or "this is no YAML", error.context or ""
    offset = _offset(error.problem_mark, lines)
    opened = None if error.context_mark is None else _offset(error.context_mark, lines)
    path = lines.source.path
    tab = _tab_before(lines, offset)
    if tab is not None:
        hint = "indent with spaces"
        return Diagnostic("FP104", "a tab can't indent YAML", path, lines.span(tab, tab + 1), hint=hint)
    if _text_at(lines, offset - 1).startswith("${{"):
        place = lines.span(offset - 1, offset + 2)
        return Diagnostic("FP103", _BARE_EXPRESSION, path, place, hint='write "${{ … }}" with the quotes')
    if (found := misindented(problem, lines, offset)) is not None:
        message, hint, at = found
        return Diagnostic("FP103", message, path, lines.span(at, at + 1), hint=hint)
    for name, (message, hint) in _UNCLOSED.items():
        if opened is not None and name in context and _is_unclosed(problem):
            label = Label(path, _visible(lines, offset), "it should have been closed before this")
            place = lines.span(opened, opened + 1)
            return Diagnostic("FP103", message, path, place, hint=hint, labels=(label,))
    message, advice = _wording(problem, lines, offset)
    return Diagnostic("FP103", message, path, _visible(lines, offset), hint=advice)


def _text_at(lines: Lines, offset: int) -> str:
    """Return the three characters from `offset` on."""
    return lines.source.text[max(0, offset) : offset + 3]


def _before(lines: Lines, offset: int) -> str:
    """Return what stands before `offset` on its line."""
    line, _ = lines.place(offset)
    return lines.source.text[lines.starts[line - 1] : offset].strip(" -?")


def _is_unclosed(problem: str) -> bool:
    return bool(re.search(r"expected ',' or '[\]}]'|end of stream|document separator", problem))


def _wording(problem: str, lines: Lines, offset: int) -> tuple[str, str | None]:
    before = _before(lines, offset)
    if "mapping values are not allowed" in problem and len(before) > _LONGEST_KEY and ": " not in before:
        return "this key is too long", f"a key has at most {_LONGEST_KEY:,} characters"
    if before and any(text in problem for text in _MISPLACED):
        return "this can't follow the value before it", "put the whole value in one pair of quotes"
    if "cannot start any token" in problem:
        return f'a value can\'t start with "{lines.source.text[offset : offset + 1]}"', _QUOTE_HINT
    for start, message, hint in _WORDING:
        if start in problem:
            return message, hint
    return f"this is no YAML: {problem}", None


def _offset(mark: yaml.Mark | None, lines: Lines) -> int:
    return min(mark.index, len(lines.source.text)) if mark is not None else 0


def _visible(lines: Lines, offset: int) -> Span:
    """Return the place of an offset; past the last line, the end of the last one that holds something."""
    text = lines.source.text
    if offset >= len(text):
        offset = max(0, len(text.rstrip()) - 1)
    return lines.span(offset, offset + 1)


def _tab_before(lines: Lines, offset: int) -> int | None:
    """Return the offset of a tab in the indentation of the line that `offset` is on."""
    line, _ = lines.place(offset)
    start = lines.starts[line - 1]
    found = re.compile(r"[ ]*(\t)").match(lines.source.text, start)
    return found.start(1) if found else None
