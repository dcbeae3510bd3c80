"""What a resume says before it goes on: what of the earlier run does not stand, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.terminal import one_line
from flowpar.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.engine.resumption import Resumption
    from flowpar.record.reading import JournalEnd

_MOST_NAMES = 20


def resumption_lines(end: JournalEnd, resumption: Resumption) -> Iterator[str]:
    """Give one line for each reason, none where all that was done stands."""
    if end.damaged_at is not None:
        lost, kept = counted(end.dropped_bytes, "byte"), counted(end.count, "record")
        yield f"the journal is corrupt at record {end.damaged_at}: going on with {kept}, without the last {lost}"
        yield "the damaged journal is kept as events.damaged.jsonl"
    elif end.dropped_bytes:
        yield f"the end of the journal was torn off by a crash: {counted(end.dropped_bytes, 'byte')} are left out"
    for (task, item), reason in list(resumption.lost.items())[:_MOST_NAMES]:
        yield f"{task if item is None else f'{task}[{item}]'} runs again: {one_line(reason)}"
    if len(resumption.lost) > _MOST_NAMES:
        yield f"and {len(resumption.lost) - _MOST_NAMES} more run again, because their values are lost"
    if resumption.changed:
        yield f"changed since they were done, so they run again: {_names(resumption.changed)}"
    if resumption.below:
        yield f"below what runs again, so they run again, too: {_names(resumption.below)}"
    if resumption.old_code:
        names = _names(resumption.old_code)
        yield f"done with code that has changed since, and kept (--from TASK runs one again): {names}"


def _names(tasks: Sequence[str]) -> str:
    more = f" and {len(tasks) - _MOST_NAMES} more" if len(tasks) > _MOST_NAMES else ""
    return ", ".join(map(one_line, tasks[:_MOST_NAMES])) + more
