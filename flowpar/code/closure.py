"""All that is reached from a node of a graph whose edges come to light on the way, for many nodes at once.

    Closures(edges).of("a")   ─► a set as an integer: bit i stands for the node of number i

Nodes that reach each other (a strongly connected component) share one set; each component is walked once (Tarjan).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Closures:
    """Walks on demand and remembers; recursion and depth are no matter."""

    def __init__(self, edges: Callable[[str], Iterable[str]]) -> None:
        """Ask `edges` once for each node that is reached."""
        self._edges = edges
        self._numbers: dict[str, int] = {}
        self._nodes: list[str] = []
        self._closed: dict[str, int] = {}

    def of(self, node: str) -> int:
        """Return the set of what a node reaches, itself included."""
        if node not in self._closed:
            self._walk(node)
        return self._closed[node]

    def nodes(self, bits: int) -> Iterator[str]:
        """Give the nodes of a set, in the order in which they were first reached."""
        while bits:
            low = bits & -bits
            yield self._nodes[low.bit_length() - 1]
            bits ^= low

    def bit(self, node: str) -> int:
        """Return the set that holds one node."""
        if node not in self._numbers:
            self._numbers[node] = len(self._nodes)
            self._nodes.append(node)
        return 1 << self._numbers[node]

    def _walk(self, start: str) -> None:
        walk = _Walk()
        path: list[tuple[str, Iterator[str]]] = [self._entered(walk, start)]
        while path:
            node, further = path[-1]
            for target in further:
                if target in self._closed:
                    walk.reached[node] |= self._closed[target]
                elif target in walk.order:
                    walk.lowest[node] = min(walk.lowest[node], walk.order[target])
                else:
                    path.append(self._entered(walk, target))
                    break
            else:
                path.pop()
                self._leave(walk, node)
                if path:
                    walk.pass_on(node, path[-1][0])

    def _entered(self, walk: _Walk, node: str) -> tuple[str, Iterator[str]]:
        walk.order[node] = walk.lowest[node] = len(walk.order)
        walk.reached[node] = self.bit(node)
        walk.waiting.append(node)
        return node, iter(tuple(self._edges(node)))

    def _leave(self, walk: _Walk, node: str) -> None:
        """Close the component of a node from which nothing earlier is reached."""
        if walk.lowest[node] != walk.order[node]:
            return
        component: list[str] = []
        bits = 0
        while not component or component[-1] != node:
            component.append(walk.waiting.pop())
            bits |= walk.reached[component[-1]]
        self._closed.update(dict.fromkeys(component, bits))
        walk.reached[node] = bits


@dataclass(slots=True)
class _Walk:
    """How far one walk has come: `waiting` are the nodes whose component is not complete."""

    order: dict[str, int] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def pass_on(self, node: str, above: str) -> None:
        """Tell the node from which one was entered what that reaches."""
        self.reached[above] |= self.reached[node]
        self.lowest[above] = min(self.lowest[above], self.lowest[node])
