"""The logger of a task's context: structlog's calls, without structlog.

    context.logger.info("page fetched", url=url) ──► post("log", {level, message, fields})

What it posts is plain data only: the engine must be able to read it without the user's classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEPTH = 4
_MEMBERS = 200
_CHARACTERS = 10_000
_WIDEST = 2**63  # more than a JSON reader can be asked to take


@dataclass(frozen=True, slots=True)
class TaskLogger:
    """Logs lines that carry the task's name; `bound` fields go with each of them."""

    post: Callable[[str, Mapping[str, object]], None] = field(repr=False)
    bound: Mapping[str, object] = field(default_factory=dict)

    def bind(self, **fields: object) -> TaskLogger:
        """Return a logger that adds `fields` to each line."""
        return TaskLogger(self.post, {**self.bound, **fields})

    def debug(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level debug."""
        self._log("debug", event, arguments, fields)

    def info(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level info."""
        self._log("info", event, arguments, fields)

    def warning(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level warning."""
        self._log("warning", event, arguments, fields)

    def error(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level error."""
        self._log("error", event, arguments, fields)

    def critical(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level critical."""
        self._log("critical", event, arguments, fields)

    def exception(self, event: str, *arguments: object, **fields: object) -> None:
        """Log at level error, with the traceback of the exception that is being handled."""
        from traceback import format_exc  # late: a worker that logs no exception need not pay for it

        self._log("error", event, arguments, {**fields, "exception": format_exc().rstrip()})

    def _log(self, level: str, event: str, arguments: tuple[object, ...], fields: Mapping[str, object]) -> None:
        message = _fill(_text(event), arguments)
        body = {name: plain(value) for name, value in {**self.bound, **fields}.items()}
        self.post("log", {"level": level, "message": message[:_CHARACTERS], "fields": body})


def _fill(event: str, arguments: tuple[object, ...]) -> str:
    if not arguments:
        return event
    try:
        return event % arguments
    except Exception:  # noqa: BLE001 - a wrong format, or a foreign __str__: a log line never fails its task
        return " ".join((event, *map(_text, arguments)))


def plain(value: object, *, depth: int = _DEPTH) -> object:
    """Return `value` as plain data of bounded size; what is not plain becomes its text."""
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int and isinstance(value, int):
        return value if -_WIDEST <= value < _WIDEST else _text(value)
    if kind is str:
        return str(value)[:_CHARACTERS]
    if depth and isinstance(value, dict):
        pairs = list(dict.items(value))[:_MEMBERS]  # a subclass's own `items` may do anything
        return {_text(key): plain(member, depth=depth - 1) for key, member in pairs}
    if depth and isinstance(value, list | tuple):
        return [plain(member, depth=depth - 1) for member in value[:_MEMBERS]]
    return _text(value)


def _text(value: object) -> str:
    try:
        return str(value)[:_CHARACTERS]
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything; a log line never fails its task
        return f"<{type(value).__name__}>"
