"""The parts of networkx that order a graph, without the other 250 modules: 55 ms of 100."""

# ruff: noqa: PLC0414 - so that they may be imported from here

from __future__ import annotations

from flowpar.core.left_out import in_place_of, left_out, no_entry_points

_UNUSED = (
    "networkx.algorithms",
    "networkx.algorithms.components",
    "networkx.convert_matrix",
    "networkx.drawing",
    "networkx.generators",
    "networkx.linalg",
    "networkx.readwrite",
    "networkx.relabel",
)

try:
    # It would look for backends in all distributions.
    with left_out(*_UNUSED), in_place_of("importlib.metadata", entry_points=no_entry_points):
        from networkx import DiGraph as DiGraph
        from networkx.algorithms.components.strongly_connected import (
            strongly_connected_components as strongly_connected_components,
        )
        from networkx.algorithms.dag import topological_generations as topological_generations
except (ImportError, AttributeError):  # a version of it that is built in another way
    from networkx import DiGraph as DiGraph
    from networkx import strongly_connected_components as strongly_connected_components
    from networkx import topological_generations as topological_generations
