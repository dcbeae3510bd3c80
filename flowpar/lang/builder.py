"""Builds nodes from YAML events, one open collection upon the other.

frames  the collections that are open, outermost first; never more than MAX_DEPTH
anchors name ─► node, its size and its height, known once it is closed
bounds  nodes that aliases and merge keys repeat count as if they were written out
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flowpar.core.diagnostics import Diagnostic, Label
from flowpar.core.frozen import dataclass, field
from flowpar.lang.merge import Entries, merge
from flowpar.lang.node import MappingNode, ScalarNode, SequenceNode, first_line

if TYPE_CHECKING:
    from flowpar.lang.node import Lines, Node

MAX_DEPTH = 64
MAX_REPEATED = 500_000
REPEATED_PER_NODE = 10

_STANDARD = "tag:yaml.org,2002:"
_COLLECTION_TAGS = {"map": True, "seq": False}
_SCALAR_TAGS = frozenset({"str", "int", "float", "bool", "null"})
_PROPERTIES = re.compile(r"(?:[&!]\S*|[ \t\r\n]+|#[^\r\n]*)+")
_SHARED_LENGTH = 64  # texts up to this length are kept once: keys and targets repeat in every task


@dataclass(slots=True)
class _Frame:
    """An open collection; `children` are the items, or keys and values in turn."""

    is_mapping: bool
    start: int
    anchor: str | None
    children: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A node with a name; `node` is None while it is open."""

    node: Node | None
    size: int = 0
    height: int = 0


class Builder:
    """Takes the events of one document; `is_over` says that a finding makes going on pointless."""

    def __init__(self, lines: Lines) -> None:
        """Start with nothing."""
        self.findings: list[Diagnostic] = []
        self.root: Node | None = None
        self.is_over = False
        self._lines = lines
        self._text = lines.source.text
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._written = 0
        self._repeated = 0
        self._has_document = False
        self._shared: dict[str, str] = {}

    @property
    def has_aliases(self) -> bool:
        """Whether any node is there more than once."""
        return self._repeated > 0

    def start_document(self, event: Any) -> None:
        """Take the start of a document; a second one ends the work."""
        if self._has_document:
            place = event.start_mark.index
            hint = "a workflow is one document; write the second in a file of its own"
            self._stop("FP105", "a second document starts here", place, place + 3, hint=hint)
        self._has_document = True

    def scalar(self, event: Any) -> None:
        """Take a scalar."""
        text = event.value
        if len(text) <= _SHARED_LENGTH:
            text = self._shared.setdefault(text, text)
        start, end = event.start_mark.index, event.end_mark.index
        tag = ""
        if event.anchor is not None or event.tag is not None:
            tag = self._scalar_tag(event, start)
            start = self._after_properties(start, end)
        node = ScalarNode(text, start, end - start, event.style or "", tag, self._lines)
        self._written += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        self._add(node, 1, 0)

    def open_mapping(self, event: Any) -> None:
        """Take the start of a mapping."""
        self._open(event, is_mapping=True)

    def open_sequence(self, event: Any) -> None:
        """Take the start of a list."""
        self._open(event, is_mapping=False)

    def close(self, event: Any) -> None:
        """Take the end of the innermost collection."""
        frame = self._frames.pop()
        length = event.end_mark.index - frame.start
        self._written += 1
        if frame.is_mapping:
            entries = self._entries(frame.children)
            node: Node = MappingNode(tuple(entries.keys), tuple(entries.values), frame.start, length, self._lines)
        else:
            node = SequenceNode(tuple(frame.children), frame.start, length, self._lines)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(node, frame.size, frame.height)
        self._add(node, frame.size, frame.height)

    def alias(self, event: Any) -> None:
        """Take a reference to an anchored node."""
        start, end = event.start_mark.index, event.end_mark.index
        target = self._anchors.get(event.anchor)
        if target is None:
            self._stop("FP107", f'the alias "*{event.anchor}" names no anchor above it', start, end)
            return
        if target.node is None:
            self._stop("FP107", f'the alias "*{event.anchor}" stands inside the value it names', start, end)
            return
        if len(self._frames) + target.height > MAX_DEPTH:
            self._stop("FP109", f"with its aliases written out, this is nested deeper than {MAX_DEPTH}", start, end)
            return
        self._repeated += target.size
        if self._repeated > MAX_REPEATED + REPEATED_PER_NODE * self._written:
            message = f"written out, the aliases and merge keys of this file make over {MAX_REPEATED:,} values"
            self._stop("FP108", message, start, end, hint="repeat less; hand long lists over as an input or a file")
            return
        self._add(target.node, target.size, target.height)

    def _open(self, event: Any, *, is_mapping: bool) -> None:
        start = event.start_mark.index
        if len(self._frames) >= MAX_DEPTH:
            message = f"lists and mappings are nested deeper than {MAX_DEPTH}"
            self._stop("FP109", message, start, start + 1)
            return
        if event.tag is not None:
            self._check_collection_tag(event, start, is_mapping=is_mapping)
        if event.anchor is not None or event.tag is not None:
            start = self._after_properties(start, len(self._text))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(None)
        self._frames.append(_Frame(is_mapping, start, event.anchor))

    def _add(self, node: Node, size: int, height: int) -> None:
        if not self._frames:
            self.root = node
            return
        frame = self._frames[-1]
        frame.children.append(node)
        frame.size += size
        if height >= frame.height:
            frame.height = height + 1

    def _entries(self, children: list[Node]) -> Entries:
        entries = Entries()
        merges: list[tuple[ScalarNode, Node]] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self._find_key(key)
            elif key.text == "<<" and key.is_plain:
                merges.append((key, value))
            elif (first := entries.add(key, value)) is not None:
                self._find_duplicate(key, first)
        for key, _ in merges[1:]:
            self._find_duplicate(key, merges[0][0])
        if not merges:
            return entries
        merged, wrong = merge(entries, merges[0][1])
        for node in wrong:
            self._find("FP112", "a merge key takes a mapping or a list of mappings", node)
        return merged

    def _find_key(self, key: Node) -> None:
        is_expression = self._text.startswith("{{", key.start - 1)
        hint = "an expression is written ${{ … }}" if is_expression else None
        self._find("FP111", "a key must be text, this is a list or mapping", key, hint)

    def _find_duplicate(self, key: ScalarNode, first: ScalarNode) -> None:
        line = first.span.line
        message = f'the key "{_short(key.text)}" stands twice, first on line {line}'
        label = Label(self._lines.source.path, first.span, "the first one")
        self.findings.append(Diagnostic("FP110", message, self._lines.source.path, key.span, labels=(label,)))

    def _scalar_tag(self, event: Any, start: int) -> str:
        tag = event.tag
        if tag is None:
            return ""
        name = tag.removeprefix(_STANDARD)
        if tag == "!":
            return "str"
        if tag.startswith(_STANDARD) and name in _SCALAR_TAGS:
            return str(name)
        self._find_tag(tag, start)
        return "str"

    def _check_collection_tag(self, event: Any, start: int, *, is_mapping: bool) -> None:
        name = event.tag.removeprefix(_STANDARD)
        if event.tag != "!" and _COLLECTION_TAGS.get(name) is not is_mapping:
            self._find_tag(event.tag, start)

    def _find_tag(self, tag: str, start: int) -> None:
        name = f"!!{tag.removeprefix(_STANDARD)}" if tag.startswith(_STANDARD) else tag
        found = re.compile(r"![^\s,\]}]*").search(self._text, start)
        begin, end = found.span() if found else (start, start + 1)
        message = f'the tag "{_short(name)}" is not allowed here'
        hint = "the tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq, where they fit"
        place = self._lines.span(begin, end)
        self.findings.append(Diagnostic("FP106", message, self._lines.source.path, place, hint=hint))

    def _after_properties(self, start: int, end: int) -> int:
        found = _PROPERTIES.match(self._text, start)
        return min(found.end(), max(start, end)) if found else start

    def _find(self, code: str, message: str, node: Node, hint: str | None = None) -> None:
        self.findings.append(Diagnostic(code, message, self._lines.source.path, first_line(node), hint=hint))

    def _stop(self, code: str, message: str, start: int, end: int, *, hint: str | None = None) -> None:
        place = self._lines.span(start, end)
        self.findings.append(Diagnostic(code, message, self._lines.source.path, place, hint=hint))
        self.is_over = True


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 -- what fits a message
