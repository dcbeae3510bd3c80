"""From text to nodes: YAML events in, a document with places out, and every finding on the way.

    path ─► read_source ─► Source ─► parser events ─► Builder ─► nodes ─► Document
                                      (C, else Python)   │
                                                         └► findings

Nothing is ever constructed from a tag, and nothing recurses: depth and size are bounded while the events
come, aliases and merge keys counted as if they were written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from flowpar.core.collector import collector_paused
from flowpar.core.diagnostics import Diagnostic
from flowpar.core.frozen import dataclass, replace
from flowpar.lang.builder import Builder
from flowpar.lang.node import Document, Lines, MappingNode, ScalarNode
from flowpar.lang.plain import is_null
from flowpar.lang.reading import read_source
from flowpar.lang.syntax import describe_syntax_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.core.source import Source
    from flowpar.lang.node import Node

try:
    from yaml.cyaml import CParser as _FastParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML built without libyaml: the same events, ten times slower
    _FastParser = None  # type: ignore[assignment,misc]


_DEPTH = "maximum nesting depth"


class _SlowParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser without a composer or constructor."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file; without `document` there are findings, without `source` it could not be read."""

    source: Source | None
    document: Document | None
    diagnostics: tuple[Diagnostic, ...]


def load(path: str | Path) -> Loaded:
    """Read a YAML file into nodes; never raises for what is in or at `path`."""
    source = read_source(path)
    if isinstance(source, Diagnostic):
        return Loaded(None, None, (source,))
    return parse(source)


def parse(source: Source, *, use_fast_parser: bool = True) -> Loaded:
    """Turn the text of a source into nodes."""
    lines = Lines(source)
    builder = Builder(lines)
    parser = _FastParser(source.text) if use_fast_parser and _FastParser is not None else _SlowParser(source.text)
    try:
        with collector_paused():
            _feed(parser.get_event, builder)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if _DEPTH in str(error.problem) and mark is not None and mark.index < len(source.text):
            # From 0.2.6 on libyaml looks ahead and gives up before it has told of one list: what stands before that
            # place is read alone, so that the builder finds where it gets too deep, as with any other parser.
            before = replace(source, text=source.text[: mark.index])
            return replace(parse(before, use_fast_parser=use_fast_parser), source=source)
        builder.findings.append(describe_syntax_error(error, lines))
        return Loaded(source, None, tuple(builder.findings))
    finally:
        parser.dispose()
    return _finish(source, lines, builder)


def _feed(next_event: Callable[[], object], builder: Builder) -> None:
    """Hand events to the builder until the stream or its patience ends; the loop is hot."""
    takers = {
        yaml.ScalarEvent: builder.scalar,
        yaml.MappingStartEvent: builder.open_mapping,
        yaml.SequenceStartEvent: builder.open_sequence,
        yaml.MappingEndEvent: builder.close,
        yaml.SequenceEndEvent: builder.close,
        yaml.AliasEvent: builder.alias,
        yaml.DocumentStartEvent: builder.start_document,
    }
    while not builder.is_over:
        event = next_event()
        take = takers.get(type(event))
        if take is not None:
            take(event)
        elif isinstance(event, yaml.StreamEndEvent):
            return


def _finish(source: Source, lines: Lines, builder: Builder) -> Loaded:
    findings, root = builder.findings, builder.root
    if builder.is_over:
        return Loaded(source, None, tuple(findings))
    if isinstance(root, MappingNode):
        return Loaded(source, Document(source, root, builder.has_aliases), tuple(findings))
    if root is None or (isinstance(root, ScalarNode) and not root.style and is_null(root)):
        place, message = lines.span(0, 0), "the workflow has no tasks: the file is empty"
    else:
        place = lines.span(root.start, root.start + 1)
        message = f"a workflow is a mapping with the key tasks, this file holds {_kind(root)}"
    hint = 'start with "flowpar: 1" and "tasks:"'
    findings.append(Diagnostic("FP120", message, source.path, place, hint=hint))
    return Loaded(source, None, tuple(findings))


def _kind(root: Node) -> str:
    return "text" if isinstance(root, ScalarNode) else "a list"
