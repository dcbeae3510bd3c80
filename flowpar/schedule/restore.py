"""What ended before the run went on, put back where it was: states, outputs that are still read, items.

    Begun ─► record.state, record.items ─► opened as what has ended already
         └─► outputs that somebody will read ─► fresh

Nothing is told of what stands: it was told when it happened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.outcome import Success
from flowpar.core.states import TaskState
from flowpar.schedule.fanout import ItemSet
from flowpar.schedule.ledger import failure_view
from flowpar.schedule.start import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flowpar.schedule.decision import Items
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.ledger import Record
    from flowpar.schedule.start import Ended, Round


def restore(desk: Desk, records: Iterable[Record]) -> None:
    """Put back those tasks that stand; only what is still to run keeps outputs alive."""
    needed = desk.ledger.read_by_what_is_left()
    for record in records:
        whole = record.begun.whole
        if whole is None:
            continue
        record.state, record.is_tolerated = whole.state, whole.is_tolerated
        if record.task.id in needed or record.task.template is not None:
            _restore_output(desk, record, whole)


def find_again(record: Record, bound: Items) -> Sequence[int | None] | None:
    """Find by their keys the items that began before; return where each stood, None where none has moved.

    One that had no key stays in its place, as all do without keys.
    """
    begun, keys = record.begun, bound.keys
    ended: dict[int, Ended | Round] = {old: last for old, last in begun.rounds.items() if old is not None}
    ended |= begun.items
    marks = {**begun.marks, **{old: Fingerprint.parse(each.fingerprint).key for old, each in ended.items()}}
    if keys is None or not marks:
        return None
    old_of = {mark: old for old, mark in marks.items() if mark}
    moved = [old_of.get(digest(key)) for key in keys]
    for old, mark in marks.items():
        if not mark and old < len(moved) and moved[old] is None:
            moved[old] = old
    places = {new: old for new, old in enumerate(moved) if old is not None}
    if sorted(places.values()) == sorted(marks) and all(new == old for new, old in places.items()):
        return None
    record.begun = replace(
        begun,
        items={new: begun.items[old] for new, old in places.items() if old in begun.items},
        tried={new: begun.tried[old] for new, old in places.items() if old in begun.tried},
        rounds={new: begun.rounds[old] for new, old in places.items() if old in begun.rounds},
    )
    return moved


def restore_items(desk: Desk, record: Record, items: ItemSet, bound: Items) -> None:
    """Put back the items of a fan-out that ended before and are bound to what they were."""
    begun = record.begun
    for item in begun.items:
        if item >= items.count or items.state(item) is not TaskState.PENDING:
            continue
        restore_item(desk, record, item, bound)
    for repeated in begun.rounds:
        if repeated is not None and repeated < items.count:
            _restore_round(record, repeated, bound)


def restore_item(desk: Desk, record: Record, item: int, bound: Items) -> bool:
    """Put back an item that ended before and is bound to what it was; return whether there is such a one."""
    ended = record.begun.items.get(item)
    if ended is None or record.items is None:
        _restore_round(record, item, bound)
        return False
    now = Fingerprint.of(record.task, bound.digest(item))
    if not Fingerprint.parse(ended.fingerprint).is_same_item(now):
        return False
    record.items.stand(item, ended.state)
    _restore_item(desk, record, item, ended)
    desk.give(record, item, ended.value)
    return True


def _restore_round(record: Record, item: int, bound: Items) -> None:
    """Put back the last round that was over of an item that repeats."""
    last = record.begun.rounds.get(item)
    if last is None:
        return
    now = Fingerprint.of(record.task, bound.digest(item))
    if Fingerprint.parse(last.fingerprint).is_same_item(now):
        record.rounds[item] = last


def _restore_output(desk: Desk, record: Record, whole: Ended) -> None:
    if record.begun.item_count is not None:
        record.items = ItemSet(record.begun.item_count)
        for item, ended in record.begun.items.items():
            if item >= record.items.count:
                continue  # its source gave fewer in the end
            record.items.stand(item, ended.state)
            _restore_item(desk, record, item, ended)
        record.items.close()  # what nobody spoke of was cancelled with the whole
    if whole.failure is not None:
        record.error = failure_view(whole.failure, whole.attempt)
    elif whole.value is not None:
        record.keep_outcome(Success(whole.value), whole.attempt)
        desk.publish(record, None, whole.value)


def _restore_item(desk: Desk, record: Record, item: int, ended: Ended) -> None:
    if ended.value is not None:
        desk.publish(record, item, ended.value)
    elif ended.failure is not None:
        if desk.ledger.is_read(record.task.id):
            record.keep_item_error(item, ended.failure, ended.attempt)
        record.note_failed_item(item, ended.failure)
