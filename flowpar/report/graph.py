"""What a drawing of a workflow shows: its tasks, their layers and what needs what.

Plan ──► GraphView ──► ascii | mermaid | dot | svg
"""

from __future__ import annotations

from flowpar.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One task; `needs` are ids, `detail` is a short word beside it, such as its kind."""

    id: str
    layer: int
    needs: tuple[str, ...] = ()
    detail: str = ""
    is_fan_out: bool = False
    is_conditional: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class GraphView:
    """A workflow to be drawn; nodes stand in topological order."""

    title: str
    nodes: tuple[GraphNode, ...]

    @property
    def layers(self) -> tuple[tuple[GraphNode, ...], ...]:
        """The nodes by distance from the roots."""
        height = max((node.layer for node in self.nodes), default=-1) + 1
        layers: list[list[GraphNode]] = [[] for _ in range(height)]
        for node in self.nodes:
            layers[node.layer].append(node)
        return tuple(map(tuple, layers))


def label(node: GraphNode) -> str:
    """Return what is written for a task: its id, `[*]` for a fan-out, `?` for one with a condition."""
    return (
        ("finally " if node.is_last else "")
        + node.id
        + ("[*]" if node.is_fan_out else "")
        + ("?" if node.is_conditional else "")
    )
