"""Ids as the user wrote them become Python, and places in that Python become places in the user's text.

    text  tasks.load-data.output.from        each.lr-1   (`lr` is declared)
    code  tasks["load-data"].output["from"]  each.lr-1

Only what Python could not read is changed: ids with hyphens, keywords, and declared ids that start
with an underscore. So text and code can be aligned again without remembering anything.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

DeclaredIds: TypeAlias = Mapping[str, Collection[str]]
"""The ids that a document declares, for each context that has ids (see `WITH_IDS`)."""

WITH_IDS = frozenset({"tasks", "inputs", "secrets", "each", "matrix"})
_LONGEST_ID = 128
_MEMBER = re.compile(r"(?<!\w)(?P<owner>[^\W\d]\w*|[)\]'])(?P<dot>\s*\.\s*)(?P<name>[^\W\d][\w-]*)")
_PLAIN = re.compile(
    r"\s*(?P<owner>tasks|inputs|secrets|each|matrix)\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"(?P<fields>(?:\.[A-Za-z][A-Za-z0-9_]*){0,20})\s*"
)
_IDENTIFIER = re.compile(r"\w+")
_DOT = re.compile(r"\s*\.\s*")


def rewrite(text: str, blanked: str, ids: DeclaredIds) -> str:
    """Return the Python for an expression; `blanked` is the same text without its strings."""
    pieces = []
    position = 0
    for start, end, name in _renamed(blanked, ids):
        pieces.append(f'{text[position:start]}["{name}"]')
        position = end
    return ("".join(pieces) + text[position:]).replace("\r", " ")


def plain_member(text: str, ids: DeclaredIds) -> str | None:
    """Return the code of `tasks.load.output` and its like, which most expressions are, or None for any other."""
    member = _PLAIN.fullmatch(text)
    if member is None or member["name"] not in ids.get(member["owner"], ()) or len(member["name"]) > _LONGEST_ID:
        return None
    if any(map(keyword.iskeyword, member["fields"].split("."))):
        return None
    name = member["name"]
    is_plain = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    return text if is_plain else f'{text[: member.end("owner")]}["{name}"]{text[member.end("name") :]}'


def _renamed(blanked: str, ids: DeclaredIds) -> Iterator[tuple[int, int, str]]:
    """Give (start of the dot, end of the name, name) of each member that Python could not read."""
    position = chain_end = 0
    while member := _MEMBER.search(blanked, position):
        position = member.start("name")
        owner, name = member["owner"], member["name"]
        is_id = owner in WITH_IDS and member.start() >= chain_end
        declared = ids.get(owner, ()) if is_id else ()
        name = _written_id(member, declared, blanked[member.end() :]) if is_id else _identifier(name)
        chain_end = position + len(name)
        hides = name.startswith("_") and name in declared
        if not name.isidentifier() or keyword.iskeyword(name) or hides:
            yield member.start("dot"), chain_end, name


def _identifier(name: str) -> str:
    found = _IDENTIFIER.match(name)
    return found.group() if found else name


def _written_id(member: re.Match[str], declared: Collection[str], rest: str) -> str:
    """Return how much of a name is the id: the longest declared one, else what was probably meant."""
    name = member["name"]
    goes_on = rest.lstrip()[:1] in {".", "["}
    if goes_on and member["owner"] == "tasks" and len(name) <= _LONGEST_ID:
        return name  # nothing can be subtracted from a task
    for end in range(min(len(name), _LONGEST_ID), 0, -1):
        if name[:end] in declared and (end == len(name) or name[end] == "-"):
            return name[:end]
    plain = _identifier(name)
    if plain == name or len(name) > _LONGEST_ID:
        return plain
    return name if goes_on or nearest(name, declared) else plain


class Places:
    """Maps places of syntax nodes in the code of an expression back to offsets in its text."""

    def __init__(self, text: str, code: str) -> None:
        """Keep both; they are aligned when the first place is asked for, which few expressions need."""
        self._text = text
        self._code = code
        self._lines = code.split("\n")

    @cached_property
    def _offsets(self) -> list[int]:
        return _aligned(self._text, self._code)

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self._lines), initial=0))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return (start, end) of a node in the user's text."""
        start = self._offset(getattr(node, "lineno", 2), getattr(node, "col_offset", 0))
        end = self._offset(getattr(node, "end_lineno", 2), getattr(node, "end_col_offset", 0))
        return start, max(end, start + 1)

    def _offset(self, lineno: int, byte_column: int) -> int:
        # The parser saw the code below a line with an opening bracket, hence line 2 is our first.
        line = min(max(lineno - 2, 0), len(self._lines) - 1)
        column = len(self._lines[line].encode()[:byte_column].decode(errors="ignore"))
        return self.of_code(self._starts[line] + column)

    def at(self, lineno: int, column: int) -> int:
        """Return the offset of a line and a column in characters, both from 1, as a SyntaxError has them."""
        line = min(max(lineno - 2, 0), len(self._lines) - 1)
        return self.of_code(self._starts[line] + min(max(column - 1, 0), len(self._lines[line])))

    def of_code(self, offset: int) -> int:
        """Return the offset in the text that belongs to an offset in the code."""
        return self._offsets[min(offset, len(self._offsets) - 1)]


def _aligned(text: str, code: str) -> list[int]:
    """Return for each offset in the code, its end included, the offset in the text."""
    if text == code:
        return list(range(len(code) + 1))
    offsets: list[int] = []
    here = 0
    while len(offsets) < len(code):
        at = len(offsets)
        dot = _DOT.match(text, here) if code[at : at + 2] == '["' and text[here] != "[" else None
        if dot is None:
            offsets.append(here)
            here += 1
            continue
        name_end = code.index('"', at + 2)
        length = name_end - at - 2
        offsets.append(here)
        offsets.extend(range(dot.end(), dot.end() + 1))
        offsets.extend(range(dot.end(), dot.end() + length))
        here = dot.end() + length
        offsets.extend((here, here))
    return [*offsets, here]
