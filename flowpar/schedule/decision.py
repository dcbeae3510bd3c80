"""Conditions and fan-outs: who decides them, the engine on plain data or a worker.

    Ruling   what the engine came to by itself: an answer, a Failure, or NOT_HERE
    Items    what a fan-out is bound to: how many items, and the encoded values of each

The engine never opens a value of a user's class: where one is met, a worker decides.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.outcome import Failure, ValueRef
    from flowpar.execute.recipe import Bindings, TaskView
    from flowpar.planning.model import PlannedTask


class NotHere(Enum):
    """The engine may not or should not decide this; a worker will."""

    NOT_HERE = "not here"


NOT_HERE: Final = NotHere.NOT_HERE
NOTHING_KNOWN: Final[Mapping[str, object]] = MappingProxyType({})


class Items(Protocol):
    """What the names of a fan-out are bound to."""

    @property
    def count(self) -> int:
        """How many items there are."""
        ...

    @property
    def verdicts(self) -> Sequence[bool] | None:
        """For each item whether its `if` holds; None where no `if` asks for each item."""
        ...

    def item(self, index: int) -> Mapping[str, bytes]:
        """Return the encoded value of each name for one item."""
        ...

    @property
    def keys(self) -> Sequence[str | float] | None:
        """The name of each item; None where they have none."""
        ...

    def digest(self, index: int) -> str:
        """Return a digest of what an item is bound to, empty where none can be taken cheaply."""
        ...


class Decisions(Protocol):
    """Decides in the engine, and reads what a worker decided."""

    def judge(
        self, task: PlannedTask, views: Mapping[str, TaskView], *, run: Mapping[str, object] = NOTHING_KNOWN
    ) -> bool | Failure | NotHere:
        """Evaluate the `if` of a task; `run` is what tasks of `finally` know of the run."""
        ...

    def judge_item(self, task: PlannedTask, bindings: Bindings) -> bool | Failure | NotHere:
        """Evaluate the `if` of a task for one of its items."""
        ...

    def expand(
        self, task: PlannedTask, views: Mapping[str, TaskView], *, run: Mapping[str, object] = NOTHING_KNOWN
    ) -> Items | Failure | NotHere:
        """Evaluate the items of a fan-out, and its `if` where that asks for each item."""
        ...

    def count_yielded(self, ref: ValueRef) -> int | None:
        """Return how many values were yielded of which this is the output; None where it is anything else."""
        ...

    def read_yielded(self, ref: ValueRef) -> Sequence[ValueRef] | Failure:
        """Return the values that a function has yielded, unopened."""
        ...

    def read_judged(self, ref: ValueRef) -> bool | Failure:
        """Return what a worker's Judge came to, a Failure where that is no verdict."""
        ...

    def read_expanded(self, ref: ValueRef) -> Items | Failure:
        """Return what a worker's Expand came to."""
        ...

    def read_rendered(self, ref: ValueRef) -> str | Failure:
        """Return what a worker's Render came to."""
        ...
