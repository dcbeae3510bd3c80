"""What workers of a pool had done when the engine was killed, put into the journal before a run goes on.

pool/*.done ── less what the last part of the run has recorded ──► task.started, task.succeeded
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import StateError
from flowpar.core.events import Measure, Subject, TaskEnded, TaskStarted
from flowpar.core.outcome import Success
from flowpar.core.states import TaskState
from flowpar.data.spool import read_all
from flowpar.record.journal import Journal
from flowpar.record.reading import JOURNAL, JournalReader

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import EventSink
    from flowpar.data.spool import Kept, Ticket

    # Task, item, round, attempt: what a part of a run makes once.
    Name = tuple[object, object, object, object]

_PARTS = frozenset({"run.started", "run.resumed"})
_ENDS = frozenset(f"task.{state.value}" for state in TaskState if state.is_final) | {"task.retrying", "task.repeating"}


def recover(run_dir: Path, *, is_synced: bool = True) -> int:
    """Record what workers have kept and the engine had not recorded; return how many attempts. The lock is held.

    A journal that is damaged is left as it is: whoever reads it says so.
    """
    kept = list(read_all(os.fspath(run_dir)))
    if not kept:
        return 0
    reader = JournalReader(run_dir / JOURNAL)
    ended: set[Name] = set()
    try:
        for record in reader:
            if record["event"] in _PARTS:
                ended.clear()
            elif record["event"] in _ENDS:
                ended.add(_named(record))
    except StateError:
        return 0
    missing = [each for each in kept if _name_of(each.ticket) not in ended]
    if not missing or reader.end is None or not reader.end.count:
        return 0
    journal = Journal.reopen(run_dir / JOURNAL, reader.end, is_synced=is_synced)
    try:
        for each in missing:
            _tell(journal, each)
    finally:
        journal.close()
    return len(missing)


def _named(record: dict[str, Any]) -> Name:
    return record.get("task"), record.get("item"), record.get("round", 0), record.get("attempt")


def _name_of(ticket: Ticket) -> Name:
    return ticket.task, ticket.item, ticket.round, ticket.attempt


def _tell(sink: EventSink, kept: Kept) -> None:
    ticket = kept.ticket
    subject = Subject(
        ticket.task, ticket.item, ticket.attempt, ticket.layer, "pool", round=ticket.round, key=ticket.key
    )
    ended_at = kept.started_at + kept.duration_s
    measure = Measure(
        pid=kept.pid,
        started_at=kept.started_at,
        ended_at=ended_at,
        duration_s=kept.duration_s,
        wait_s=0.0,
        output_bytes=kept.value.size_bytes,
    )
    sink.emit(TaskStarted(subject, kept.started_at, kept.pid, 0.0, ticket.fingerprint))
    sink.emit(TaskEnded(subject, ended_at, TaskState.SUCCEEDED, Success(kept.value), measure))
