"""Lines of a journal or a log as the events that they once were, as far as views need them.

    (name, fields)  ──event_of──►  Event        the way back of `line.line_of`, without values

What is in a line is foreign: whatever is odd about it makes no event.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, ValueRef
from flowpar.core.states import RunStatus, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Fields = Mapping[str, Any]

_ENDS = {f"task.{state.value}": state for state in TaskState if state.is_final and state is not TaskState.SKIPPED}
_NO_VALUE = ValueRef(0, "", is_plain=True)
_ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def event_of(record: Mapping[str, object]) -> events.Event | None:
    """Return the event that a record tells of, None where it tells of none that is known."""
    try:
        return _event(record)
    except _ODD:
        return None


def _event(record: Fields) -> events.Event | None:
    name = record["event"]
    if name in _ENDS:
        return _ended(record, _ENDS[name])
    read = _READERS.get(name)
    return None if read is None else read(record)


def seconds(text: str) -> float:
    """Return a time of a line as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def _at(record: Fields) -> float:
    return seconds(record["timestamp"])


def _subject(record: Fields) -> events.Subject:
    item, key = record["item"], record.get("key")
    return events.Subject(
        task=_text(record["task"]),
        item=None if item is None else _count(item),
        attempt=_count(record["attempt"]),
        layer=_count(record["layer"]),
        executor=_text(record["executor"]),
        round=_count(record.get("round", 0)),
        key=key if isinstance(key, str | int | float) else None,
    )


def _measure(record: Fields) -> events.Measure | None:
    if record["started_at"] is None or record["ended_at"] is None:
        return None
    return events.Measure(
        pid=record["pid"],
        started_at=seconds(record["started_at"]),
        ended_at=seconds(record["ended_at"]),
        duration_s=float(record["duration_s"]),
        wait_s=float(record["wait_s"]),
        cpu_s=record["cpu_s"],
        max_rss_bytes=record["max_rss_bytes"],
        output_bytes=record["output_bytes"],
    )


def _failure(error: Fields) -> Failure:
    code = error["exit_code"]
    return Failure(
        FailureKind(error["kind"]),
        _text(error["type"]),
        _text(error["message"]),
        None if code is None else int(code),
        _text(error["traceback"]),
    )


def _ended(record: Fields, state: TaskState) -> events.TaskEnded:
    error, log_file = record["error"], record.get("log_file")
    return events.TaskEnded(
        subject=_subject(record),
        at=_at(record),
        state=state,
        outcome=None if error is None else _failure(error),
        measure=_measure(record),
        items=record.get("items"),
        is_tolerated=record.get("is_tolerated") is True,
        log_file=None if log_file is None else _text(log_file),
        warnings=tuple(map(_text, record.get("warnings", ()))),
    )


def _begun(record: Fields) -> events.RunStarted:
    return events.RunStarted(
        run_id=_text(record["run_id"]),
        workflow=_text(record["workflow"]),
        file=_text(record["file"]),
        run_dir=_text(record["run_dir"]),
        at=_at(record),
        workers=_count(record["workers"]),
        layers=tuple(tuple(map(_text, layer)) for layer in record["layers"]),
        inputs=dict(record["inputs"]),
        versions=dict(record["versions"]),
        options=dict(record.get("options", {})),
        again=record.get("again"),
        kept=_count(record.get("kept", 0)),
        last=tuple(map(_text, record.get("last", ()))),
    )


def _finished(record: Fields) -> events.RunFinished:
    return events.RunFinished(
        run_id="",
        at=_at(record),
        status=RunStatus(record["status"]),
        exit_code=_count(record["exit_code"]),
        duration_s=float(record["duration_s"]),
        counts={_text(state): _count(number) for state, number in record["counts"].items()},
        failed=tuple(map(_text, record["failed"])),
    )


def _retrying(record: Fields) -> events.Event | None:
    measure = _measure(record)
    if measure is None:
        return None
    delay_s = float(record["delay_s"])
    return events.TaskRetrying(_subject(record), _at(record), delay_s, _failure(record["error"]), measure)


def _repeating(record: Fields) -> events.Event | None:
    measure = _measure(record)
    if measure is None:
        return None
    return events.TaskRepeating(_subject(record), _at(record), float(record["delay_s"]), _NO_VALUE, measure)


def _progressed(record: Fields) -> events.TaskProgressed:
    total = record["total"]
    done, total = float(record["done"]), None if total is None else float(total)
    return events.TaskProgressed(_subject(record), _at(record), done, total, _text(record["note"]))


_READERS: Mapping[str, Callable[[Fields], events.Event | None]] = {
    "task.started": lambda record: events.TaskStarted(
        _subject(record), _at(record), _count(record["pid"]), float(record["wait_s"])
    ),
    "task.expanded": lambda record: events.TaskExpanded(_subject(record), _at(record), _count(record["items"])),
    "task.skipped": lambda record: events.TaskSkipped(_subject(record), _at(record), _text(record["reason"])),
    "task.retrying": _retrying,
    "task.repeating": _repeating,
    "task.progressed": _progressed,
    "run.started": _begun,
    "run.resumed": _begun,
    "run.stopping": lambda record: events.RunStopping(_at(record), _text(record["reason"])),
    "run.finished": _finished,
}


def _text(found: object) -> str:
    if isinstance(found, str):
        return found
    raise TypeError("text is expected")


def _count(found: object) -> int:
    if isinstance(found, int) and found >= 0:
        return found
    raise TypeError("a number is expected")
