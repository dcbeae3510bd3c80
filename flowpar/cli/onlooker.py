"""One who looks at a run from outside: its journal is read as it grows, and told on as the events that it is of.

events.jsonl   ─┐
run.log.jsonl  ─┴─ look ──► Event ──► tell      progress alone is read from the log
lock           ──► state
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from flowpar.core.events import RunFinished, RunStarted, TaskProgressed
from flowpar.record.following import JournalTail, ProgressTail
from flowpar.record.history import is_young
from flowpar.record.lock import holder
from flowpar.record.overview import Overview, Status, overview_of, seen_now
from flowpar.report.replay import event_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.core.events import Event

_PROGRESSED = b'"event":"task.progressed"'
_LOCK_EVERY_S = 1.0


class Onlooker:
    """Follows one run; `at` is when the last record was written."""

    def __init__(self, run_dir: Path, tell: Callable[[Event], object]) -> None:
        """Tell all that is in its journal, from the first look on."""
        self._run_dir = run_dir
        self._tell = tell
        self._journal = JournalTail(run_dir)
        self._progress = ProgressTail(run_dir / "run.log.jsonl")
        self._asked_at = 0.0
        self.run: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.at = 0.0

    def look(self) -> bool:
        """Tell what is new; return whether there was anything."""
        count = 0
        while found := self._records():
            count += found
        if self.finished is None and self.run is not None:
            count += self._notes()
        return count > 0

    def is_over(self) -> bool:
        """Whether the run ended, or nobody is there any more who could go on with it."""
        if self.finished is not None:
            return True
        if time.monotonic() - self._asked_at >= _LOCK_EVERY_S:
            self._asked_at = time.monotonic()
            if holder(self._run_dir) is None and not (self.run is None and is_young(self._run_dir, time.time())):
                self.look()  # it may have ended right before
                return True
        return False

    def overview(self) -> Overview:
        """Return how it stands with the run."""
        if self._journal.is_damaged or self.run is None:
            return seen_now(overview_of(self._run_dir)[0], self._run_dir)
        if self.finished is not None:
            status, code = Status(self.finished.status.value), self.finished.exit_code
            return Overview(self.run.run_id, status, self.run.workflow, self.run.file, exit_code=code)
        begun = Overview(self.run.run_id, Status.CRASHED, self.run.workflow, self.run.file)
        return seen_now(begun, self._run_dir)

    def close(self) -> None:
        """Look no more."""
        self._journal.close()

    def _records(self) -> int:
        count = 0
        for record in self._journal.news():
            count += 1
            event = event_of(record)
            if event is None:
                continue
            self.at = event.at
            if isinstance(event, RunStarted):
                self.run, self.finished = event, None
            elif isinstance(event, RunFinished):
                self.finished = event
            self._tell(event)
        return count

    def _notes(self) -> int:
        latest: dict[tuple[str, int | None], TaskProgressed] = {}
        for line in self._progress.news(_PROGRESSED):
            try:
                event = event_of(orjson.loads(line))
            except ValueError:
                continue
            if isinstance(event, TaskProgressed):
                latest[event.subject.task, event.subject.item] = event
        for event in latest.values():
            self._tell(event)
        return len(latest)
