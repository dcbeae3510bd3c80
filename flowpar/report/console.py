"""Lines of the log for people, by structlog: what `--log-format console` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def console_log(*, has_colors: bool) -> Any:
    """Return a logger of structlog's that gives each line back."""
    return structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[_lead, _renderer(has_colors=has_colors), _to_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        context_class=dict,
        cache_logger_on_first_use=True,
    ).bind()


def _lead(_: object, level: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {"timestamp": entry.pop("timestamp"), "level": level, "event": entry.pop("event"), **entry}


def _to_bytes(_: object, __: str, line: Any) -> bytes:
    return str(line).encode("utf-8", "backslashreplace")


def _renderer(*, has_colors: bool) -> Any:
    def without_nothing(_: object, __: str, entry: MutableMapping[str, Any]) -> Any:
        shown = {key: value for key, value in entry.items() if value is not None and key not in {"run_id", "workflow"}}
        return render(_, __, shown)

    render = structlog.dev.ConsoleRenderer(
        colors=has_colors, sort_keys=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
    return without_nothing
