"""One event of every kind, with the odd values that a sink must cope with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.events import (
    Measure,
    RunFinished,
    RunNoted,
    RunStarted,
    RunStopping,
    Subject,
    TaskEnded,
    TaskExpanded,
    TaskLogged,
    TaskPrinted,
    TaskProgressed,
    TaskRepeating,
    TaskRetrying,
    TaskSkipped,
    TaskStarted,
)
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState

if TYPE_CHECKING:
    from flowpar.core.events import Event

_AT = 1_700_000_000.0
_ODD = 'line\nend, "quotes", \x1b[31mred\x1b[0m, [markup], é, \N{SNOWMAN}, \x00, \ud800'


def sample_events(*, run_dir: str = "/nonexistent") -> tuple[Event, ...]:
    """Return a short run in which everything happens once, in an order that can happen."""
    one = Subject("load", None, 1, 0, "process")
    again = Subject("load", None, 2, 0, "process", 1)
    once_more = Subject("load", None, 1, 0, "process", 2)
    whole = Subject("score", None, 0, 1, "thread")
    item = Subject("score", 0, 1, 1, "thread")
    late = Subject("report", None, 0, 2, "process")
    measure = Measure(4711, _AT, _AT + 1.5, 1.5, 0.01, 1.2, 1 << 20, 64)
    failure = Failure(FailureKind.EXCEPTION, "ValueError", _ODD, None, f'  File "steps.py", line 3\n{_ODD}')
    value = Success(ValueRef(64, "sha256:00", is_plain=True, inline=b"\x80\x05K\x01."))
    layers = (("load",), ("score",), ("report",))
    counts = {"succeeded": 1, "failed": 1, "skipped": 1}
    return (
        RunStarted("r1", "odd " + _ODD, "flow.yaml", run_dir, _AT, 2, layers, {"top": 10, "odd": _ODD}, {"a": "1"}),
        TaskStarted(one, _AT, 4711, 0.01),
        TaskProgressed(one, _AT, 1.0, None, _ODD),
        TaskLogged(one, _AT, "warning", _ODD, {"rows": 3, "nested": {"deep": [None, _ODD]}}),
        TaskPrinted(one, _AT, _ODD),
        RunNoted(_AT, _ODD),
        RunNoted(_AT, _ODD, _ODD),
        TaskRetrying(one, _AT + 1.5, 2.0, failure, measure),
        TaskStarted(again, _AT + 3.5, 4712, 0.0),
        TaskRepeating(again, _AT + 4, 0.5, value.value, measure, log_file="logs/1.log", warnings=(_ODD,)),
        TaskStarted(once_more, _AT + 4.5, 4712, 0.0),
        TaskEnded(once_more, _AT + 5, TaskState.SUCCEEDED, value, measure, log_file="logs/1.log", warnings=(_ODD,)),
        TaskExpanded(whole, _AT + 5, 1),
        TaskStarted(item, _AT + 5, 4713, 0.0),
        RunStopping(_AT + 5.5, "it was asked to"),
        TaskEnded(item, _AT + 6, TaskState.FAILED, failure, measure),
        TaskEnded(whole, _AT + 6, TaskState.FAILED, failure, None, items=1),
        TaskSkipped(late, _AT + 6, f'"score" failed {_ODD}'),
        RunFinished("r1", _AT + 6, RunStatus.FAILED, 1, 6.0, counts, ("score",)),
    )
