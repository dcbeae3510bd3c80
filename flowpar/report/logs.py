"""Events as structured log lines, by structlog: JSON in `run.log.jsonl`, JSON or text on stderr.

Lines gather in memory and go out with one write at each commit: after the journal's, so that a line
never claims what is not on disk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

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
from flowpar.report.jsonline import encode
from flowpar.report.lean_structlog import structlog
from flowpar.report.line import iso, line_of
from flowpar.report.terminal import strip_controls

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

    from flowpar.core.events import Event

    Write = Callable[[bytes], object]

_FLUSH_BYTES = 1 << 20
_LONGEST_TORN_BYTES = 4 << 20
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})


class LogSink:
    """An event sink that writes each event as a line."""

    def __init__(self, write: Write, *, close: Callable[[], object] | None = None, renderer: Any = None) -> None:
        """Send lines to `write`; `renderer` is a last processor of structlog's, JSON where it is None."""
        self._write = write
        self._close = close
        self._lines = _Lines()
        processors: list[Any] = [_lead, renderer, _to_bytes] if renderer else [_lead, _to_json]
        self._log = structlog.wrap_logger(
            self._lines,
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger(0),
            context_class=dict,
            cache_logger_on_first_use=True,
        ).bind()

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
        renderer = None if is_json else _console_renderer(has_colors=has_colors)
        return cls(lambda content: _write_all(fd, content), renderer=renderer)

    def emit(self, event: Event) -> None:
        """Render one line; it is written at the next commit."""
        if isinstance(event, RunStarted):
            self._log = self._log.bind(run_id=event.run_id, workflow=strip_controls(event.workflow))
        name, fields = line_of(event)
        shown = harmless(fields) if _holds_foreign_text(event) else fields
        getattr(self._log, _level_of(event))(name, timestamp=iso(event.at), **shown)
        if self._lines.size > _FLUSH_BYTES:
            self.commit()

    def commit(self) -> None:
        """Write what was rendered."""
        if self._lines.size:
            self._write(self._lines.take())

    def close(self) -> None:
        """Write what is left and close the file, where it is ours."""
        try:
            self.commit()
        finally:
            if self._close is not None:
                self._close()
                self._close = None


class _Lines:
    """What structlog calls a logger: here it only gathers lines."""

    def __init__(self) -> None:
        self.size = 0
        self._gathered: list[bytes] = []

    def _add(self, line: bytes) -> None:
        self._gathered.append(line)
        self.size += len(line)

    debug = info = warning = error = critical = _add

    def take(self) -> bytes:
        content = b"".join(self._gathered)
        self._gathered.clear()
        self.size = 0
        return content


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


def _lead(_: object, level: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {"timestamp": entry.pop("timestamp"), "level": level, "event": entry.pop("event"), **entry}


def _to_json(_: object, __: str, entry: MutableMapping[str, Any]) -> bytes:
    return encode(entry) + b"\n"


def _to_bytes(_: object, __: str, line: Any) -> bytes:
    return str(line).encode("utf-8", "backslashreplace") + b"\n"


def _console_renderer(*, has_colors: bool) -> Any:
    def without_nothing(_: object, __: str, entry: MutableMapping[str, Any]) -> Any:
        shown = {key: value for key, value in entry.items() if value is not None and key not in {"run_id", "workflow"}}
        return render(_, __, shown)

    render = structlog.dev.ConsoleRenderer(
        colors=has_colors, sort_keys=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
    return without_nothing


def _write_all(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
