"""A workflow as Mermaid text, for Markdown pages that draw it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from flowpar.report.graph import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowpar.report.graph import GraphNode, GraphView


def render(view: GraphView) -> str:
    """Return a flowchart, top to bottom."""
    # Numbered names: an id such as `end` or `graph` is a word of Mermaid's own.
    names = {node.id: f"t{number}" for number, node in enumerate(view.nodes, 1)}
    lines = ["flowchart TB", *_Boxes(view.nodes, names).lines()]
    lines += [f"    {names[need]} --> {names[node.id]}" for node in view.nodes for need in node.needs]
    return "\n".join(lines) + "\n"


class _Boxes:
    """The boxes of tasks, those of a sub-workflow, or of an item of one, in a frame of their own."""

    def __init__(self, nodes: Iterable[GraphNode], names: Mapping[str, str]) -> None:
        self._names = names
        self._frames = count(1)
        self._tree: dict[str, Any] = {}
        for node in nodes:
            *frames, last = node.id.split("/")
            inner = self._tree
            for frame in frames:
                inner = inner.setdefault(f"{frame}/", {})
            inner[last] = node

    def lines(self) -> Iterator[str]:
        yield from self._within(self._tree, "    ")

    def _within(self, tree: Mapping[str, Any], indent: str) -> Iterator[str]:
        for name, found in tree.items():
            if isinstance(found, dict):
                yield f'{indent}subgraph s{next(self._frames)}["{_escaped(name.removesuffix("/"))}"]'
                yield from self._within(found, f"{indent}    ")
                yield f"{indent}end"
            else:
                yield f"{indent}{self._names[found.id]}{_shape(found)}"


def _shape(node: GraphNode) -> str:
    text = _escaped(label(node))
    if node.is_fan_out:
        return f'[["{text}"]]'
    return f'(["{text}"])' if node.is_conditional else f'["{text}"]'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
