"""The attempts of a run, read from its journal: what a fold drops, a report and a trace show.

events.jsonl ──read_past──► Settled, JournalEnd, and a `PastAttempt` for each go at a task or an item
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowpar.core.collector import collector_paused
from flowpar.core.errors import StateError
from flowpar.core.states import TaskState
from flowpar.record.folding import ODD, fold, read_failure
from flowpar.record.reading import JOURNAL, JournalEnd, JournalReader
from flowpar.report.past import CUT_OFF, REPEATED, RETRIED, RUNNING, Past, PastAttempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from flowpar.record.settled import Settled

    Record = Mapping[str, Any]
    Place = tuple[str, int | None]

_ENDS = {f"task.{state.value}": state.value for state in TaskState if state.is_final} | {
    "task.retrying": RETRIED,
    "task.repeating": REPEATED,
}


def read_past(run_dir: Path, *, is_running: bool = False) -> tuple[Settled, JournalEnd, Past]:
    """Read a journal as far as it is good; raises `StateError` where it does not even begin.

    What began and has no end runs where the run `is_running`, else it was cut off.
    """
    reader = JournalReader(run_dir / JOURNAL, is_salvaged=True)
    gathering = _Gathering()
    with collector_paused():
        settled = fold(gathering.passing(reader))
    return settled, reader.end or JournalEnd(0, 0), gathering.past(is_running=is_running)


class _Gathering:
    """Keeps what is known of each attempt while records pass by."""

    def __init__(self) -> None:
        self._open: dict[Place, PastAttempt] = {}
        self._over: list[PastAttempt] = []
        self._parts: list[tuple[float, float]] = []
        self._last = 0.0

    def passing(self, records: Iterable[Record]) -> Iterator[Record]:
        for number, record in enumerate(records, 1):
            yield record  # whoever folds it looks at most of it first
            try:
                self._take(record)
            except ODD as error:
                raise StateError(
                    f"the journal is corrupt at record {number}: it is not as flowpar writes it"
                ) from error

    def past(self, *, is_running: bool) -> Past:
        self._cut_off(RUNNING if is_running else CUT_OFF)
        parts = [*self._parts]
        if parts:
            parts[-1] = (parts[-1][0], max(self._last, parts[-1][0]))
        return Past(tuple(self._over), tuple(parts), {})

    def _take(self, record: Record) -> None:
        name: str = record["event"]
        at = seconds(record["timestamp"])
        if name in {"run.started", "run.resumed"}:
            if self._parts:
                self._parts[-1] = (self._parts[-1][0], max(self._last, self._parts[-1][0]))
            self._cut_off(CUT_OFF)
            self._parts.append((at, at))
        elif name == "task.started":
            self._open[record["task"], record["item"]] = _begun(record)
        elif name in _ENDS and "items" not in record:
            self._end(_ENDS[name], record)
        self._last = max(self._last, at)

    def _end(self, state: str, record: Record) -> None:
        begun = self._open.pop((record["task"], record["item"]), None)
        failure = None if record.get("error") is None else read_failure(record["error"])
        started_at = record.get("started_at")
        if started_at is None and begun is not None and begun.attempt == record["attempt"]:
            started = begun.started_at  # cancelled before its process had anything to say
        else:
            started = None if started_at is None else seconds(started_at)
        ended = replace(
            _subject(record, state),
            pid=record.get("pid"),
            started_at=started,
            duration_s=_number(record, "duration_s"),
            wait_s=_number(record, "wait_s"),
            cpu_s=_number(record, "cpu_s"),
            max_rss_bytes=_bytes(record, "max_rss_bytes"),
            output_bytes=_bytes(record, "output_bytes"),
            failure=failure,
            is_tolerated=record.get("is_tolerated") is True,
            reason=record.get("reason", ""),
            log_file=record.get("log_file"),
        )
        self._over.append(ended)

    def _cut_off(self, state: str) -> None:
        for begun in self._open.values():
            started = begun.started_at or 0.0
            self._over.append(replace(begun, state=state, duration_s=max(0.0, self._last - started)))
        self._open.clear()


def _begun(record: Record) -> PastAttempt:
    return replace(
        _subject(record, RUNNING),
        pid=record["pid"],
        started_at=seconds(record["started_at"]),
        wait_s=_number(record, "wait_s"),
    )


def _subject(record: Record, state: str) -> PastAttempt:
    return PastAttempt(
        task=record["task"],
        item=record["item"],
        attempt=record["attempt"],
        layer=record["layer"],
        executor=record["executor"],
        state=state,
        key=record.get("key"),
        round=record.get("round", 0),
    )


def seconds(text: str) -> float:
    """Return a time of a journal in seconds since the epoch; raises ValueError for what is none."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _number(record: Record, name: str) -> float | None:
    found = record.get(name)
    return None if found is None else float(found)


def _bytes(record: Record, name: str) -> int | None:
    found = record.get(name)
    return None if found is None else int(found)
