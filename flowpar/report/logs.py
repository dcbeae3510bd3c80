"""Events as structured log lines, by structlog: JSON in `run.log.jsonl`, JSON or text on stderr.

Lines gather in memory and go out with one write at each commit: after the journal's, so that a line
never claims what is not on disk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from flowpar.core.events import (
    RunFinished,
    RunNoted,
    RunStarted,
    RunStopping,
    TaskEnded,
    TaskLogged,
    TaskProgressed,
    TaskRetrying,
    TaskStarted,
)
from flowpar.core.outcome import Failure
from flowpar.report.lean_logger import BytesLogger
from flowpar.report.line import iso
from flowpar.report.terminal import strip_controls
from flowpar.report.told import Writer, rest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flowpar.core.events import Event
    from flowpar.report.told import Told

    Write = Callable[[bytes], object]

_FLUSH_BYTES = 1 << 20
_LONGEST_TORN_BYTES = 4 << 20
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})


class LogSink(Writer):
    """An event sink that writes each event as a line."""

    def __init__(self, write: Write, *, close: Callable[[], object] | None = None, log: Any = None) -> None:
        """Send lines to `write`; `log` is a logger of structlog's that renders them, JSON where it is None."""
        self._close = close
        self._out = BytesLogger(cast("BinaryIO", _Output(write)))
        self._bound = b""
        self._lines: list[bytes] = []
        self._held = 0
        self._log = log

    @classmethod
    def to_file(cls, path: Path) -> LogSink:
        """Write JSON lines to a new file, for its owner alone."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(path, flags, 0o600)
        os.fchmod(fd, 0o600)
        return cls(lambda content: _write_all(fd, content), close=lambda: os.close(fd))

    @classmethod
    def onto_file(cls, path: Path) -> LogSink:
        """Write JSON lines below those that an earlier part of the run wrote; a torn last one is cut off."""
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        size = os.fstat(fd).st_size
        start = max(0, size - _LONGEST_TORN_BYTES)
        os.ftruncate(fd, start + os.pread(fd, size - start, start).rfind(b"\n") + 1)
        return cls(lambda content: _write_all(fd, content), close=lambda: os.close(fd))

    @classmethod
    def to_stream(cls, fd: int, *, is_json: bool, has_colors: bool = False) -> LogSink:
        """Write JSON lines, or text for people, to an open descriptor, which stays open."""
        log = None
        if not is_json:
            from flowpar.report.console import console_log  # late: few look at the log while a run goes on

            log = console_log(has_colors=has_colors)
        return cls(lambda content: _write_all(fd, content), log=log)

    def tell(self, told: Told) -> None:
        """Render one line; it is written at the next commit."""
        if isinstance(told.event, RunStarted):
            self._bind({"run_id": told.event.run_id, "workflow": strip_controls(told.event.workflow)})
        line = self._json(told) if self._log is None else self._for_people(told, self._log)
        self._lines.append(line)
        self._held += len(line) + 1
        if self._held > _FLUSH_BYTES:
            self.commit()

    def _bind(self, context: Mapping[str, object]) -> None:
        """Have all lines to come say the same of the run."""
        self._bound = rest_of(context)[:-1]
        self._log = None if self._log is None else self._log.bind(**context)

    def _json(self, told: Told) -> bytes:
        event = told.event
        rest = rest_of(harmless(told.fields)) if _holds_foreign_text(event) else told.rest
        start = f'{{"timestamp":"{iso(event.at)}","level":"{_level_of(event)}","event":"{told.name}"'
        return start.encode("ascii") + self._bound + rest

    def _for_people(self, told: Told, log: Any) -> bytes:
        shown = harmless(told.fields) if _holds_foreign_text(told.event) else told.fields
        line: bytes = getattr(log, _level_of(told.event))(told.name, timestamp=iso(told.event.at), **shown)
        return line

    def commit(self) -> None:
        """Write what was rendered."""
        if self._lines:
            content = b"\n".join(self._lines)
            self._lines.clear()
            self._held = 0
            self._out.msg(content)

    def close(self) -> None:
        """Write what is left and close the file, where it is ours."""
        try:
            self.commit()
        finally:
            if self._close is not None:
                self._close()
                self._close = None


class _Output:
    """What structlog calls a file."""

    def __init__(self, write: Write) -> None:
        self.write = write

    def flush(self) -> None:
        """Do nothing: whatever is written is handed on at once."""


def harmless(fields: Any, *, depth: int = 32) -> Any:
    """Return fields with text that cannot steer a terminal on which the log is read, and not too deep."""
    if isinstance(fields, str):
        return fields if fields.isprintable() else strip_controls(fields)
    if isinstance(fields, os.PathLike):
        return harmless(os.fspath(fields))
    if not isinstance(fields, dict | list | tuple):
        return fields
    if not depth:
        return "…"
    if isinstance(fields, dict):
        return {harmless(str(key)): harmless(value, depth=depth - 1) for key, value in fields.items()}
    return [harmless(value, depth=depth - 1) for value in fields]


def _holds_foreign_text(event: Event) -> bool:
    # All but the two kinds that a run has one of for each item, which hold ids and numbers only.
    if isinstance(event, TaskEnded):
        return isinstance(event.outcome, Failure) or bool(event.warnings)
    return not isinstance(event, TaskStarted)


def _level_of(event: Event) -> str:
    match event:
        case TaskLogged(level=level):
            return level.lower() if level.lower() in _LEVELS else "info"
        case TaskEnded(is_tolerated=is_tolerated):
            return "info" if event.state.is_success else ("warning" if is_tolerated else "error")
        case RunNoted(text=text):
            return "info" if text else "warning"
        case TaskRetrying() | RunStopping():
            return "warning"
        case RunFinished(exit_code=code):
            return "error" if code else "info"
        case TaskProgressed():
            return "debug"
        case _:
            return "info"


def _write_all(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
