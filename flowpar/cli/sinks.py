"""`--sink NAME[=TARGET]`: who else is told what a run does, of ours or of installed distributions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import FlowparError, PluginError, UsageError
from flowpar.core.sink import SinkSetting
from flowpar.core.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.events import EventSink
    from flowpar.planning.model import Plan

GROUP = "flowpar.sinks"
BUILT_IN: Mapping[str, str] = {
    "otel": "flowpar.report.otel:open_sink",
    "prometheus": "flowpar.report.prometheus:open_sink",
}


def is_traced(given: Sequence[str]) -> bool:
    """Whether one of the sinks has spans that tasks may go on with."""
    return any(text.partition("=")[0] == "otel" for text in given)


def open_sinks(
    given: Sequence[str], plan: Plan, *, allows_plugins: bool, tell: Callable[[str], None]
) -> list[EventSink]:
    """Return the sinks that are asked for; raises UsageError or PluginError for one that cannot be had."""
    if not given:
        return []
    setting = SinkSetting(needs={task.id: task.needs for task in plan.tasks}, tell=tell)
    return [_open(*text.partition("=")[::2], setting=setting, allows_plugins=allows_plugins) for text in given]


def _open(name: str, target: str, *, setting: SinkSetting, allows_plugins: bool) -> EventSink:
    factory = _built_in(name) if name in BUILT_IN else _installed(name, allows_plugins=allows_plugins)
    try:
        sink: EventSink = factory(target, setting)
    except FlowparError:
        raise
    except Exception as error:  # of somebody else's package
        raise PluginError(f'the sink "{name}" cannot begin: {type(error).__name__}: {error}') from error
    return sink


def _built_in(name: str) -> Callable[..., Any]:
    module, _, function = BUILT_IN[name].partition(":")
    factory: Callable[..., Any] = getattr(import_module(module), function)
    return factory


def _installed(name: str, *, allows_plugins: bool) -> Callable[..., Any]:
    from importlib.metadata import entry_points  # late: 50 ms, and few runs have a sink

    points = list(entry_points(group=GROUP)) if allows_plugins else []
    found = [point for point in points if point.name == name]
    if not found:
        known = sorted({*BUILT_IN, *(point.name for point in points)})
        near = nearest(name, known)
        raise UsageError(
            f'there is no sink "{name}"', hint=f'did you mean "{near}"?' if near else f"there are: {', '.join(known)}"
        )
    if len(found) > 1:
        who = " and ".join(sorted(point.dist.name if point.dist is not None else "?" for point in found))
        raise PluginError(f'the sink "{name}" is claimed by {who}', hint="remove one of them")
    try:
        factory: Callable[..., Any] = found[0].load()
    except Exception as error:
        who = found[0].dist.name if found[0].dist is not None else "?"
        raise PluginError(f'the sink "{name}" of {who} cannot be imported: {type(error).__name__}: {error}') from error
    return factory
