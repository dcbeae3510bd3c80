"""All benchmarks by name, in the order in which they run: to add one, write a module with `figures`, name it here.

    name -> figures(folder, *, repeats, tiny) -> its figures

`folder` is an empty one to work in. `tiny` asks for the smallest sizes that go the same way: a test runs each benchmark
so, to see that it works; what it measures then says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from benchmarks import (
    cache,
    comparison,
    cpu,
    data,
    graphs,
    imports,
    launch,
    observation,
    replay,
    scale,
    startup,
    stg,
    taskbench,
    warm,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.measure import Figure


class Benchmark(Protocol):
    """Measures some figures."""

    def __call__(self, folder: Path, *, repeats: int, tiny: bool = False) -> Iterable[Figure]:
        """Return the figures, or yield each as soon as it is measured."""


BENCHMARKS: Mapping[str, Benchmark] = {
    "startup": startup.figures,
    "launch": launch.figures,
    "warm": warm.figures,
    "chain": graphs.chain_figures,
    "layers": graphs.layer_figures,
    "observe": observation.figures,
    "scale": scale.figures,
    "imports": imports.figures,
    "cpu": cpu.figures,
    "data": data.figures,
    "cache": cache.figures,
    "stg": stg.figures,
    "taskbench": taskbench.figures,
    "replay": replay.figures,
    "peers": comparison.figures,
}
