"""Where the boxes and lines of a drawn workflow go: layers from top to bottom, few crossings.

    GraphView ──arrange──► Layout    boxes by id, and a route of points for each edge

An edge that passes a layer gets a slot in it, so that lines run between boxes and not through them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.report.graph import label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.report.graph import GraphNode, GraphView

BOX_HEIGHT = 34
_CHARACTER = 7.6
_PADDING = 26
_GAP = 24
_LAYER_GAP = 48
_MARGIN = 20
_LINE_WIDTH = 8
_SWEEPS = 4
_MOST_SLOTS = 20_000  # past this, long edges go straight: nobody looks at such a picture closely

_Slot = tuple[str, str]  # (id, "") is a box, (need, id) is where the edge between them passes


@dataclass(frozen=True, slots=True)
class Box:
    """A task's box: its middle and its width."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A finished arrangement; `routes` has (need, id, points from top to bottom)."""

    boxes: Mapping[str, Box]
    routes: Sequence[tuple[str, str, Sequence[tuple[float, float]]]]
    width: float
    height: float


def arrange(view: GraphView) -> Layout:
    """Return places for all that is to be drawn."""
    layer_of = {node.id: node.layer for node in view.nodes}
    edges = [(need, node.id) for node in view.nodes for need in node.needs if need in layer_of]
    chains = _chains(edges, layer_of)
    rows = _sorted_rows(_rows(view, chains, layer_of), chains)
    width_of = {(node.id, ""): _width(node) for node in view.nodes}
    spots, width = _place(rows, width_of)
    boxes = {node.id: Box(*spots[node.id, "", node.layer], width_of[node.id, ""]) for node in view.nodes}
    routes = [(need, id_, [spots[place] for place in chain]) for (need, id_), chain in zip(edges, chains, strict=True)]
    height = 2 * _MARGIN + len(rows) * BOX_HEIGHT + max(len(rows) - 1, 0) * _LAYER_GAP
    return Layout(boxes, routes, width, height)


_Place = tuple[str, str, int]


def _chains(edges: Sequence[tuple[str, str]], layer_of: Mapping[str, int]) -> list[list[_Place]]:
    """Return for each edge the places that it joins, from its need down to its task."""
    is_bent = sum(layer_of[id_] - layer_of[need] for need, id_ in edges) <= _MOST_SLOTS
    chains = []
    for need, id_ in edges:
        between = range(layer_of[need] + 1, layer_of[id_]) if is_bent else ()
        passed = [(need, id_, layer) for layer in between]
        chains.append([(need, "", layer_of[need]), *passed, (id_, "", layer_of[id_])])
    return chains


def _rows(view: GraphView, chains: Sequence[Sequence[_Place]], layer_of: Mapping[str, int]) -> list[list[_Slot]]:
    rows: list[list[_Slot]] = [[] for _ in view.layers]
    for node in view.nodes:
        rows[layer_of[node.id]].append((node.id, ""))
    for chain in chains:
        for need, id_, layer in chain[1:-1]:
            rows[layer].append((need, id_))
    return rows


def _sorted_rows(rows: list[list[_Slot]], chains: Sequence[Sequence[_Place]]) -> list[list[_Slot]]:
    """Order each row by the mean position of its neighbours above, then below, a few times over."""
    above: dict[_Place, list[_Place]] = {}
    below: dict[_Place, list[_Place]] = {}
    for chain in chains:
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    rank = {(*slot, layer): float(at) for layer, row in enumerate(rows) for at, slot in enumerate(row)}
    for sweep in range(_SWEEPS):
        neighbours = below if sweep % 2 else above
        order = range(len(rows) - 1, -1, -1) if sweep % 2 else range(len(rows))
        for layer in order:
            _sort_row(rows[layer], layer, neighbours, rank)
    return rows


def _sort_row(
    row: list[_Slot], layer: int, neighbours: Mapping[_Place, Sequence[_Place]], rank: dict[_Place, float]
) -> None:
    def mean(slot: _Slot) -> float:
        near = neighbours.get((*slot, layer), ())
        return sum(rank[place] for place in near) / len(near) if near else rank[*slot, layer]

    row.sort(key=mean)
    for at, slot in enumerate(row):
        # Positions are shares of the row, so that rows of different lengths compare.
        rank[*slot, layer] = (at + 0.5) / len(row) * 1000


def _place(
    rows: Sequence[Sequence[_Slot]], width_of: Mapping[_Slot, float]
) -> tuple[dict[_Place, tuple[float, float]], float]:
    widths = [sum(width_of.get(slot, _LINE_WIDTH) + _GAP for slot in row) - _GAP for row in rows]
    widest = max(widths, default=0.0)
    spots: dict[_Place, tuple[float, float]] = {}
    for layer, row in enumerate(rows):
        x = _MARGIN + (widest - widths[layer]) / 2
        y = _MARGIN + BOX_HEIGHT / 2 + layer * (BOX_HEIGHT + _LAYER_GAP)
        for slot in row:
            width = width_of.get(slot, _LINE_WIDTH)
            spots[*slot, layer] = (x + width / 2, y)
            x += width + _GAP
    return spots, widest + 2 * _MARGIN


def _width(node: GraphNode) -> float:
    return len(label(node)) * _CHARACTER + _PADDING
