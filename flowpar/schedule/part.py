"""One sub-workflow, or one item or round of it, while it runs; and the gate that items pass one after another."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.planning.model import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.schedule.ledger import Record
    from flowpar.schedule.timers import Timer

_UNBOUNDED = Bounds()


@dataclass(slots=True, eq=False)
class Part:
    """A sub-workflow, or an item of one, of which some task was opened; `last` is the task `name`, which ends it.

    `ending` says why it is ended before its time, `closing` why its `finally` is, too. `parked` are tasks that wait
    until the item may begin; nothing of it runs where `entry`, which makes its inputs, was not well.
    """

    name: str
    last: Record | None
    outer: Part | None
    entry: Record | None
    opened: dict[str, Record] = field(default_factory=dict)
    inner: list[Part] = field(default_factory=list)
    parked: list[Record] = field(default_factory=list)
    timer: Timer[Callable[[], None]] | None = None
    ending: str = ""
    closing: str = ""
    is_admitted: bool = False
    has_begun: bool = False
    is_delayed: bool = False

    @property
    def bounds(self) -> Bounds:
        """What holds for it as a whole; nothing where only a part of it runs."""
        return (None if self.last is None else self.last.task.bounds) or _UNBOUNDED


@dataclass(slots=True, eq=False)
class Gate:
    """The items of one task: how many go on, and which wait for their turn; `ending` as soon as no more may."""

    going: int = 0
    waiting: deque[Part] = field(default_factory=deque)
    ending: str = ""
