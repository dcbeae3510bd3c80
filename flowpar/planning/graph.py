"""The graph of tasks: its cycles as findings, its layers, and what is left to do after each task.

    needs    {task: {need: where it is written}} in file order; every need is a task of the file
    layers   task ids by distance from the roots, in file order
    weights  {task: length of the longest path from its start to the end of the run}

Nothing recurses: a chain or a ring may have as many tasks as a file may hold.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from flowpar.core.diagnostics import Diagnostic
from flowpar.planning.lean_networkx import DiGraph, strongly_connected_components, topological_generations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.core.source import Span

    Needs = Mapping[str, Mapping[str, Span]]
    _Graph = DiGraph[str]
else:
    _Graph = DiGraph

CYCLE = "FP220"
SELF_REFERENCE = "FP221"
_SHOWN = 10


class _Plain(_Graph):
    """A graph whose nodes and edges have nothing else to them: they share one mapping, which stays empty."""

    _nothing: ClassVar[dict[str, Any]] = {}

    def _shared(self) -> dict[str, Any]:
        return self._nothing

    node_attr_dict_factory = edge_attr_dict_factory = _shared


def build_graph(needs: Mapping[str, Iterable[str]]) -> DiGraph[str]:
    """Return the graph with an edge from each need to the task that has it."""
    graph = _Plain()
    graph.add_nodes_from(needs)
    graph.add_edges_from((need, task) for task, needed in needs.items() for need in needed)
    return graph


def find_cycles(graph: DiGraph[str], needs: Needs, file: str) -> list[Diagnostic]:
    """Return a finding for each task that needs itself and for one cycle of each knot, in file order."""
    found = [_self_reference(task, needed[task], file) for task, needed in needs.items() if task in needed]
    place = {task: number for number, task in enumerate(needs)}
    for knot in strongly_connected_components(graph):
        if len(knot) > 1:
            cycle = _shortest_cycle(min(knot, key=place.__getitem__), knot, needs)
            found.append(_cycle_finding(cycle, needs, file))
    return sorted(found, key=lambda diagnostic: diagnostic.span)


def layers_of(graph: DiGraph[str]) -> tuple[tuple[str, ...], ...]:
    """Return the tasks by their distance from the roots, each layer in file order."""
    place = {task: number for number, task in enumerate(graph)}
    return tuple(tuple(sorted(layer, key=place.__getitem__)) for layer in topological_generations(graph))


def weights_of(graph: DiGraph[str], order: Sequence[str]) -> dict[str, float]:
    """Return the length of the longest path from each task to the end, where every task takes 1."""
    weights: dict[str, float] = {}
    for task in reversed(order):
        weights[task] = 1.0 + max((weights[after] for after in graph.successors(task)), default=0.0)
    return weights


def _shortest_cycle(start: str, knot: set[str], needs: Needs) -> list[str]:
    """Return tasks of which each needs the next one and the last one `start`, which comes first."""
    reached_from = {start: start}
    queue = deque([start])
    while True:
        task = queue.popleft()
        for need in needs[task]:
            if need == start and task != start:
                return _path_to(task, reached_from)
            if need in knot and need not in reached_from:
                reached_from[need] = task
                queue.append(need)


def _path_to(task: str, reached_from: Mapping[str, str]) -> list[str]:
    path = [task]
    while reached_from[path[-1]] != path[-1]:
        path.append(reached_from[path[-1]])
    return path[::-1]


def _cycle_finding(cycle: Sequence[str], needs: Needs, file: str) -> Diagnostic:
    following = [*cycle[1:], cycle[0]]
    steps = [
        f'"{task}" needs "{need}" (line {needs[task][need].line})' for task, need in zip(cycle, following, strict=True)
    ]
    if len(steps) > _SHOWN:
        half = _SHOWN // 2
        steps[half:-half] = [f"… {len(steps) - 2 * half} more …"]
    return Diagnostic(
        code=CYCLE,
        message=f"{len(cycle)} tasks wait for each other: {', '.join(steps)}",
        file=file,
        span=needs[cycle[0]][following[0]],
        hint="take out one of these needs, so that one of the tasks can start",
    )


def _self_reference(task: str, span: Span, file: str) -> Diagnostic:
    return Diagnostic(
        code=SELF_REFERENCE,
        message=f'task "{task}" needs itself',
        file=file,
        span=span,
        hint="refer to another task, or take this reference out",
    )
