"""A workflow as DOT text, for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.graph import label

if TYPE_CHECKING:
    from flowpar.report.graph import GraphNode, GraphView


def render(view: GraphView) -> str:
    """Return a digraph, top to bottom, with a rank for each layer."""
    lines = [f"digraph {_quoted(view.title)} {{", "    rankdir=TB;", "    node [shape=box, style=rounded];"]
    for layer in view.layers:
        lines.append("    { rank=same;")
        lines += [f"        {_quoted(node.id)} [{_attributes(node)}];" for node in layer]
        lines.append("    }")
    lines += [f"    {_quoted(need)} -> {_quoted(node.id)};" for node in view.nodes for need in node.needs]
    return "\n".join([*lines, "}"]) + "\n"


def _attributes(node: GraphNode) -> str:
    attributes = [f"label={_quoted(label(node))}"]
    if node.detail:
        attributes.append(f"tooltip={_quoted(node.detail)}")
    if node.is_fan_out:
        attributes.append("peripheries=2")
    if node.is_conditional:
        attributes.append('style="rounded,dashed"')
    return ", ".join(attributes)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
