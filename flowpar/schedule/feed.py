"""What one task gives to those that it feeds item by item, while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.schedule.ledger import Record


@dataclass(frozen=True, slots=True)
class Given:
    """An item of a task that feeds others has ended; without a value where it was skipped or failed."""

    record: Record
    item: int
    value: ValueRef | None


@dataclass(slots=True)
class Feed:
    """Belongs to the task that feeds.

    `waiting` are the fed tasks that are not open yet, `open` those that take what comes; `kept` is what came
    while somebody waited. `failing` says why the task will not succeed, as soon as that is known.
    """

    waiting: list[Record] = field(default_factory=list)
    open: list[Record] = field(default_factory=list)
    kept: dict[int, ValueRef | None] = field(default_factory=dict)
    has_begun: bool = False
    is_over: bool = False
    failing: str = ""
