"""Decisions of the engine: plain data only, of bounded size, in bounded time; the rest is a worker's.

if, for_each, matrix ─► contexts of plain values ─► evaluate ─┬─► verdict, items
                                                              └─► NOT_HERE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from flowpar.core.errors import NeedsWorker
from flowpar.execute.contexts import build_contexts
from flowpar.execute.recipe import Bindings
from flowpar.expr.evaluate import IN_ENGINE
from flowpar.schedule.decision import NOT_HERE

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.execute.recipe import Shared, TaskView
    from flowpar.schedule.crew import OutputKey

_LARGEST_VALUE_BYTES = 1 << 20
_MOST_ITEMS = 1_000


class EnvironmentOfTasks(Mapping[str, str]):
    """The environment of tasks, which only workers have: the engine's own may differ."""

    def __getitem__(self, name: str) -> str:
        """Leave it to a worker."""
        raise NeedsWorker(f"env.{name} is read in a worker")

    def __iter__(self) -> Iterator[str]:
        """Leave it to a worker."""
        raise NeedsWorker("env is read in a worker")

    def __len__(self) -> int:
        """Leave it to a worker."""
        raise NeedsWorker("env is read in a worker")
