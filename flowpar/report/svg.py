"""A workflow as an SVG picture that needs nothing beside it: no script, no font, no remote resource."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from flowpar.report.graph import label
from flowpar.report.layout import BOX_HEIGHT, arrange
from flowpar.report.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.report.graph import GraphNode, GraphView
    from flowpar.report.layout import Box

_STYLE = (
    "text{font:13px ui-monospace,Menlo,Consolas,monospace;text-anchor:middle;fill:#1f2328}"
    "rect{fill:#f6f8fa;stroke:#57606a;stroke-width:1.2}.back{fill:#eaeef2}.maybe{stroke-dasharray:5 3}"
    "path.edge{fill:none;stroke:#8c959f;stroke-width:1.3}path.tip{fill:#8c959f}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#8b949e}.back{fill:#21262d}"
    "path.edge{stroke:#6e7681}path.tip{fill:#6e7681}}"
)
_DEFS = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)
_STACK = 4


def render(view: GraphView) -> str:
    """Return the picture as one SVG document."""
    layout = arrange(view)
    size = f"{_number(layout.width + _STACK)} {_number(layout.height + _STACK)}"
    width, height = size.split()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {size}" role="img">',
        f"<title>{_text(view.title)}</title>",
        f"<style>{_STYLE}</style>",
        _DEFS,
    ]
    parts += [_edge(points) for _, _, points in layout.routes]
    parts += [_node(node, layout.boxes[node.id]) for node in view.nodes]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _edge(points: Sequence[tuple[float, float]]) -> str:
    """Draw a line that leaves each point downwards, so that it bends between the layers only."""
    half = BOX_HEIGHT / 2
    (x, y), *rest = points
    path = [f"M{_number(x)} {_number(y + half)}"]
    y += half
    for at, (next_x, next_y) in enumerate(rest, 1):
        end = next_y - half
        middle = (y + end) / 2
        curve = (x, middle, next_x, middle, next_x, end)
        path.append("C" + " ".join(map(_number, curve)))
        x, y = next_x, end
        if at < len(rest):
            y = next_y + half  # past the boxes of that layer
            path.append(f"V{_number(y)}")
    return f'<path class="edge" marker-end="url(#tip)" d="{"".join(path)}"/>'


def _node(node: GraphNode, box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - BOX_HEIGHT / 2
    shape = f'width="{_number(box.width)}" height="{BOX_HEIGHT}" rx="6"'
    kind = ' class="maybe"' if node.is_conditional else ""
    parts = [f"<g><title>{_text(f'{node.id}: {node.detail}' if node.detail else node.id)}</title>"]
    if node.is_fan_out:
        parts.append(f'<rect class="back" x="{_number(left + _STACK)}" y="{_number(top + _STACK)}" {shape}/>')
    parts.append(f'<rect{kind} x="{_number(left)}" y="{_number(top)}" {shape}/>')
    parts.append(f'<text x="{_number(box.x)}" y="{_number(box.y + 4.5)}">{_text(label(node))}</text></g>')
    return "".join(parts)


def _text(text: str) -> str:
    # Control characters are no XML, not even escaped, and lone surrogates are no UTF-8.
    return escape(one_line(text, limit=500).encode("utf-8", "replace").decode("utf-8"))


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
