"""What one task gives to those that it feeds item by item, while it runs."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.schedule.ledger import Record


@dataclass(frozen=True, slots=True)
class Given:
    """An item of a task that feeds others has ended, or its function has yielded it.

    It is without a value where it was skipped or failed.
    """

    record: Record
    item: int
    value: ValueRef | None


@dataclass(slots=True)
class Feed:
    """Belongs to the task that feeds.

    `waiting` are the fed tasks that are not open yet, `open` those that take what comes; `kept` is what came
    while somebody waited. `marks` tell values that were yielded apart, eight bytes each, 0 for one that has not
    come. `failing` says why the task will not succeed, as soon as that is known.
    """

    waiting: list[Record] = field(default_factory=list)
    open: list[Record] = field(default_factory=list)
    kept: dict[int, ValueRef | None] = field(default_factory=dict)
    marks: array[int] = field(default_factory=lambda: array("q"))
    has_begun: bool = False
    is_over: bool = False
    failing: str = ""

    def is_there(self, index: int) -> bool:
        """Whether a value has been yielded."""
        return index < len(self.marks) and self.marks[index] != 0

    def is_same(self, index: int, value: ValueRef) -> bool:
        """Whether the value that was yielded in this place is this one."""
        return self.marks[index] == _mark(value)

    def mark(self, index: int, value: ValueRef) -> None:
        """Note a value that was yielded."""
        if index >= len(self.marks):
            self.marks.frombytes(bytes(8 * (index + 1 - len(self.marks))))
        self.marks[index] = _mark(value)


def _mark(value: ValueRef) -> int:
    return hash(value.checksum) or 1
