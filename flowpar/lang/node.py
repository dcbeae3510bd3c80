"""YAML nodes that keep their place: what the document says and where it says it.

    Lines         a source and where its lines begin; turns an offset into line and column
    ScalarNode    a text with its style; `span_of` leads from its value back into the source
    SequenceNode  nodes in order
    MappingNode   keys and values in order, merge keys resolved, keys unique
    Document      the root mapping, with look-up by path

Aliases give the same node twice, so nodes are a graph without cycles. Nodes are never changed once
a loader has built them; they are slotted and hold offsets instead of spans because a document of
100,000 tasks has millions of them.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.core.source import Source, Span
from flowpar.lang.offsets import offsets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LINE_END = re.compile(r"\r\n|\r|\n")
_INDEXED = 8  # below this many keys a scan is as fast as an index and needs no memory


class Lines:
    """Where the lines of a source begin; a line ends with LF, CRLF or CR, as in editors."""

    __slots__ = ("source", "starts")

    def __init__(self, source: Source) -> None:
        """Find the lines of `source`, once."""
        self.source = source
        self.starts = array("Q", [0])
        self.starts.extend(match.end() for match in _LINE_END.finditer(source.text))

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """Return the span of the offsets from `start` up to but without `end`."""
        return Span(*self.place(start), *self.place(max(start, end)))


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A scalar: `text` as YAML gives it, before its type is resolved.

    `style` is "" for plain, else one of `'`, `"`, `|`, `>`; `tag` is "" or the short name of a
    standard tag that was written out ("str", "int", …).
    """

    text: str
    start: int
    length: int
    style: str
    tag: str
    lines: Lines

    @property
    def span(self) -> Span:
        """Where it stands, quotes included."""
        return self.lines.span(self.start, self.start + self.length)

    @property
    def is_plain(self) -> bool:
        """Whether its type is resolved from its text."""
        return not self.style and not self.tag

    def span_of(self, start: int, end: int) -> Span:
        """Return where the characters `start` to `end` (exclusive) of `text` stand in the source.

        Offsets past the text are cut; an empty range gives the one place where it would begin. Where the
        source can't be followed the whole node's span is returned.
        """
        places = offsets_of(self.lines.source.text, self.start, self.text, self.style)
        if places is None:
            return self.span
        first, last = max(0, min(start, len(self.text))), min(end, len(self.text))
        begin = places.start_of(first)
        return self.lines.span(begin, places.end_of(last - 1) if last > first else begin)


@dataclass(slots=True, eq=False)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    start: int
    length: int
    lines: Lines

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.lines.span(self.start, self.start + self.length)


@dataclass(slots=True, eq=False)
class MappingNode:
    """A mapping; a key that came by a merge keeps the place where it was written."""

    keys: tuple[ScalarNode, ...]
    values: tuple[Node, ...]
    start: int
    length: int
    lines: Lines
    _places: dict[str, int] | None = field(default=None, repr=False)

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.lines.span(self.start, self.start + self.length)

    @property
    def is_written_empty(self) -> bool:
        """Whether it is `{}`; a mapping whose every key was refused has no keys either."""
        return not self.keys and self.lines.source.text.startswith("{}", self.start)

    def items(self) -> Iterator[tuple[ScalarNode, Node]]:
        """Give each key with its value, in order."""
        return zip(self.keys, self.values, strict=True)

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or None."""
        place = self._find(key)
        return None if place is None else self.values[place]

    def key(self, key: str) -> ScalarNode | None:
        """Return the node of `key` itself, or None."""
        place = self._find(key)
        return None if place is None else self.keys[place]

    def _find(self, key: str) -> int | None:
        if len(self.keys) < _INDEXED:
            return next((n for n, node in enumerate(self.keys) if node.text == key), None)
        if self._places is None:
            self._places = {node.text: n for n, node in enumerate(self.keys)}
        return self._places.get(key)


Node = ScalarNode | SequenceNode | MappingNode


@dataclass(frozen=True, slots=True)
class Document:
    """A workflow file as nodes; paths are keys and indexes from the root: ("tasks", "load", "needs", 0)."""

    source: Source
    root: MappingNode
    has_aliases: bool = False

    def node(self, path: Sequence[str | int]) -> Node | None:
        """Return the node at `path`, or None where there is none."""
        node: Node | None = self.root
        for step in path:
            node = _child(node, step)
        return node

    def key(self, path: Sequence[str | int]) -> ScalarNode | None:
        """Return the key node that the last step of `path` names, or None."""
        parent = self.node(path[:-1]) if path else None
        return parent.key(str(path[-1])) if isinstance(parent, MappingNode) else None

    def span(self, path: Sequence[str | int], *, of_key: bool = False) -> Span:
        """Return the best span for `path`: the value's (or the key's), else that of the nearest parent."""
        node = self.key(path) if of_key else self.node(path)
        if node is not None:
            return first_line(node)
        return self.span(path[:-1], of_key=True) if path else self.root.lines.span(0, 0)


def first_line(node: Node) -> Span:
    """Return the node's span, cut to its first line; block scalars and collections go over many."""
    span = node.span
    if span.line == span.end_line:
        return span
    lines = node.lines
    end = lines.starts[span.line] if span.line < len(lines.starts) else len(lines.source.text)
    width = len(lines.source.text[node.start : end].rstrip())
    return Span.at(span.line, span.column, length=max(1, width))


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return node.get(str(step))
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None
