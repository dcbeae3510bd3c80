"""A workflow as Mermaid text, for Markdown pages that draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.graph import label

if TYPE_CHECKING:
    from flowpar.report.graph import GraphNode, GraphView


def render(view: GraphView) -> str:
    """Return a flowchart, top to bottom."""
    # Numbered names: an id such as `end` or `graph` is a word of Mermaid's own.
    names = {node.id: f"t{number}" for number, node in enumerate(view.nodes, 1)}
    lines = ["flowchart TB"]
    lines += [f"    {names[node.id]}{_shape(node)}" for node in view.nodes]
    lines += [f"    {names[need]} --> {names[node.id]}" for node in view.nodes for need in node.needs]
    return "\n".join(lines) + "\n"


def _shape(node: GraphNode) -> str:
    text = _escaped(label(node))
    if node.is_fan_out:
        return f'[["{text}"]]'
    return f'(["{text}"])' if node.is_conditional else f'["{text}"]'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
