"""Which values that are files nobody will read any more: neither in this run nor in a resume of it.

    published ─► held ─► all its readers are done ─┬─► unneeded: its files may be removed
                                                   └─► one of them may run again on a resume: kept

A resume runs again what did not succeed, and what is below it; what was skipped, and what sub-workflows and `finally`
begin with, may run again, too. A value that nobody reads, or only the workflow's outputs, is a result and stays.
The items that a worker made for a task are read by that task alone: they go when it succeeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.ledger import Record


class Holding:
    """The values of a run that are files; owned by the ledger."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[str, list[ValueRef]] = {}
        self._items: dict[str, ValueRef] = {}
        self._kept: set[str] = set()
        self._unsettled: set[str] = set()
        self._unneeded: list[ValueRef] = []

    def hold(self, task: PlannedTask, ref: ValueRef) -> None:
        """Note the value of a task, or of an item of it, that somebody will read."""
        if not _goes_on(task):
            self._held.setdefault(task.id, []).append(ref)

    def hold_items(self, task: PlannedTask, ref: ValueRef) -> None:
        """Note what a worker made the items of a task of, where that is a file."""
        if ref.file is not None:
            self._items[task.id] = ref

    def closed(self, record: Record) -> None:
        """Note that a task ended: what it read is kept, unless a resume is sure not to run it again."""
        task = record.task
        is_settled = record.state.is_success and self._unsettled.isdisjoint(task.needs)
        if not is_settled:
            self._unsettled.add(task.id)
        if not is_settled or task.in_finally or task.tidies or _goes_on(task):
            self._kept |= task.reads | task.decides_on
        items = self._items.pop(task.id, None)
        if items is not None and record.state.is_success:
            self._unneeded.append(items)

    def unread(self, record: Record) -> None:
        """Note that all readers of a task ended."""
        refs = self._held.pop(record.task.id, None)
        if refs and record.task.id not in self._kept and record.state.is_success:
            self._unneeded += refs

    def take_unneeded(self) -> list[ValueRef]:
        """Return the values whose files may be removed, each once."""
        unneeded, self._unneeded = self._unneeded, []
        return unneeded


def _goes_on(task: PlannedTask) -> bool:
    """Whether what others are made of in the course of the run hangs on a task: items of sub-workflows, rounds."""
    return task.template is not None or task.rounds is not None or task.lap != 0
