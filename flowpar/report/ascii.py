"""A workflow drawn with characters: one row a task, a lane from each task down to all that needs it.

    ● load
    ├─● clean
    │ │
    ● │ count[*]
    │ │
    ●─╯ merge

Too many lanes for a screen make a list by layers instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.graph import label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.report.graph import GraphNode, GraphView

_MOST_LANES = 60
_UNICODE = {"node": "●", "down": "│", "across": "─", "right": "├", "left": "┤", "both": "┼"} | {
    "end right": "╰",
    "end left": "╯",
    "end both": "┴",
}
_ASCII = {"node": "*", "down": "|", "across": "-", "right": "+", "left": "+", "both": "+"} | {
    "end right": "`",
    "end left": "'",
    "end both": "+",
}


def render(view: GraphView, *, is_ascii: bool = False) -> str:
    """Return the drawing; a graph too wide for one is listed by layers."""
    drawing = _Drawing(view, _ASCII if is_ascii else _UNICODE)
    for node in view.nodes:
        drawing.add(node)
        if len(drawing.lanes) > _MOST_LANES:
            return render_list(view, arrow="<-" if is_ascii else "←")
    return "\n".join(drawing.finished()) + "\n" if view.nodes else ""


def render_list(view: GraphView, *, arrow: str = "←") -> str:
    """Return the tasks by layers, each with what it needs."""
    lines = []
    for number, layer in enumerate(view.layers):
        lines.append(f"layer {number}")
        for node in layer:
            needs = f"  {arrow} {', '.join(node.needs)}" if node.needs else ""
            lines.append(f"  {label(node)}{needs}")
    return "\n".join(lines) + "\n"


class _Drawing:
    """The rows so far, and which lane leads down from which task: None is a free one."""

    def __init__(self, view: GraphView, glyphs: Mapping[str, str]) -> None:
        self.lanes: list[str | None] = []
        self._rows: list[tuple[str, str]] = []
        self._glyphs = glyphs
        self._left_of = dict.fromkeys((node.id for node in view.nodes), 0)
        for node in view.nodes:
            for need in node.needs:
                self._left_of[need] += 1

    def add(self, node: GraphNode) -> None:
        """Draw one task below those that it needs."""
        joined = [at for at, lane in enumerate(self.lanes) if lane in node.needs]
        for need in node.needs:
            self._left_of[need] -= 1
        ended = [at for at in joined if self._left_of[self.lanes[at] or ""] == 0]
        if ended:
            self._rows.append((self._spacer(), ""))
        place = ended[0] if ended else self._free_lane()
        self._rows.append((self._row(place, joined, ended), f"{label(node)}{_detail(node)}"))
        for at in ended:
            self.lanes[at] = None
        self.lanes[place] = node.id if self._left_of[node.id] else None
        while self.lanes and self.lanes[-1] is None:
            self.lanes.pop()

    def finished(self) -> Sequence[str]:
        """Return the rows, each name right behind the lanes of its row."""
        return [f"{lanes.rstrip()} {text}" if text else lanes.rstrip() for lanes, text in self._rows]

    def _free_lane(self) -> int:
        if None not in self.lanes:
            self.lanes.append(None)
        return self.lanes.index(None)

    def _spacer(self) -> str:
        return " ".join(self._glyphs["down"] if lane else " " for lane in self.lanes)

    def _row(self, place: int, joined: Sequence[int], ended: Sequence[int]) -> str:
        first, last = min([place, *joined]), max([place, *joined])
        row = []
        for at, lane in enumerate(self.lanes):
            row.append(self._cell(at, place, "node" if at == place else self._joint(at, joined, ended, (first, last))))
            is_crossed = first <= at < last
            row.append(self._glyphs["across"] if is_crossed else " ")
            if row[-2] == " " and first < at < last and lane is None:
                row[-2] = self._glyphs["across"]
        return "".join(row)

    def _cell(self, at: int, place: int, joint: str) -> str:
        if at == place or joint:
            return self._glyphs[joint]
        return self._glyphs["down"] if self.lanes[at] else " "

    def _joint(self, at: int, joined: Sequence[int], ended: Sequence[int], reach: tuple[int, int]) -> str:
        if at not in joined:
            return ""
        side = "right" if at == reach[0] else "left" if at == reach[1] else "both"
        return f"end {side}" if at in ended else side


def _detail(node: GraphNode) -> str:
    return f"  ({node.detail})" if node.detail else ""
