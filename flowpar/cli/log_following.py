"""What tasks print, as they print it: the logs of a run that goes on, followed from outside.

logs/  ── names that are new ──► AttemptLog, where it is wanted ──► its new lines, with or without a prefix
events.jsonl ──► which attempts are over (their logs are read to the end and let go), and when the run is
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.cli.onlooker import Onlooker
from flowpar.core.events import TaskEnded, TaskExpanded, TaskRepeating, TaskStarted
from flowpar.core.frozen import dataclass
from flowpar.record.attempt_logs import log_named
from flowpar.record.folder import open_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowpar.core.events import Event
    from flowpar.record.attempt_logs import AttemptLog

_LOOK_EVERY_S = 0.2
_MOST_OF_THE_TIME = 10  # looks through a folder of 100,000 logs take a tenth of the time at most
_MOST_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 64 << 10


@dataclass(slots=True)
class _Open:
    """A log that may still grow: how far it was read, and the line that is not whole yet."""

    log: AttemptLog
    size: int = 0
    rest: bytes = b""


class LogFollower:
    """Follows the logs of one run that `is_wanted` names."""

    def __init__(self, run_dir: Path, is_wanted: Callable[[AttemptLog], bool]) -> None:
        """Begin with what is there."""
        self._run_dir = run_dir
        self._is_wanted = is_wanted
        self._onlooker = Onlooker(run_dir, self._take)
        self._fan_outs: set[str] = set()
        self._over: set[str] = set()
        self._seen: set[str] = set()
        self._open: dict[str, _Open] = {}

    def lines(self, is_read: Callable[[], bool]) -> Iterator[tuple[AttemptLog, str]]:
        """Give each line as it is written until the run is over, or nobody reads any more."""
        try:
            while is_read():
                begun = time.monotonic()
                self._onlooker.look()
                is_over = self._onlooker.is_over()
                self._find()
                for name in list(self._open):
                    yield from self._news(self._open[name], is_last=is_over or name in self._over)
                if is_over:
                    return
                time.sleep(max(_LOOK_EVERY_S, _MOST_OF_THE_TIME * (time.monotonic() - begun)))
        finally:
            self._onlooker.close()

    def _take(self, event: Event) -> None:
        match event:
            case TaskExpanded(subject):
                self._fan_outs.add(subject.task)
            case TaskStarted(subject) if subject.item is not None:
                self._fan_outs.add(subject.task)
            case TaskEnded(log_file=str(file)) | TaskRepeating(log_file=str(file)):
                self._over.add(file.rpartition("/")[2])
            case _:
                return

    def _find(self) -> None:
        with suppress(OSError):
            names = [name for name in os.listdir(self._run_dir / "logs") if name not in self._seen]  # noqa: PTH208 - of 100,000
            for name in sorted(names):
                self._seen.add(name)
                log = log_named(name, self._fan_outs.__contains__)
                if log is not None and self._is_wanted(log):
                    self._open[name] = _Open(log)

    def _news(self, found: _Open, *, is_last: bool) -> Iterator[tuple[AttemptLog, str]]:
        while content := self._read(found):
            *lines, found.rest = (found.rest + content).split(b"\n")
            for line in lines:
                yield found.log, line.decode("utf-8", "replace")
            if len(found.rest) > _LONGEST_LINE_BYTES:
                yield found.log, found.rest.decode("utf-8", "replace")
                found.rest = b""
        if is_last:
            if found.rest:
                yield found.log, found.rest.decode("utf-8", "replace")
            del self._open[found.log.file.rpartition("/")[2]]

    def _read(self, found: _Open) -> bytes:
        with suppress(OSError):
            number = open_inside(self._run_dir, found.log.file)
            try:
                content = os.pread(number, _MOST_BYTES, found.size)
            finally:
                os.close(number)
            found.size += len(content)
            return content
        return b""
