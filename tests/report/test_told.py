"""What an event is made of is made once for all who write it down, and each writes what it would have written alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import structlog
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.record.journal import Journal, sealed, value_fields
from flowpar.report.fanout import FanoutSink
from flowpar.report.jsonline import encode
from flowpar.report.line import iso, line_of
from flowpar.report.logs import LogSink
from flowpar.report.told import rest_of
from flowpar.testing.events import run_finished, run_started, task_expanded

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from flowpar.core.events import Event

TEXTS = st.text(max_size=12)
SECONDS = st.floats(0, 1e6)
TIMES = st.floats(0, 4e9)
SUBJECTS = st.builds(
    events.Subject,
    task=TEXTS,
    item=st.none() | st.integers(0, 10**6),
    attempt=st.integers(0, 9),
    layer=st.integers(0, 9),
    executor=st.sampled_from(["pool", "process"]),
    round=st.integers(0, 3),
    key=st.none() | TEXTS | st.floats(allow_nan=False),
)
REFS = st.builds(
    ValueRef,
    st.integers(0, 10**9),
    TEXTS,
    is_plain=st.booleans(),
    inline=st.none() | st.binary(max_size=40),
    file=st.none() | TEXTS,
)
FAILURES = st.builds(Failure, st.sampled_from(FailureKind), TEXTS, TEXTS, st.none() | st.integers(0, 255), TEXTS)
MEASURES = st.builds(
    events.Measure,
    st.none() | st.integers(1, 4_000_000),
    TIMES,
    TIMES,
    SECONDS,
    SECONDS,
    st.none() | SECONDS,
    st.none() | st.integers(0, 1 << 40),
    st.none() | st.integers(0, 1 << 40),
)
ENDED = st.builds(
    events.TaskEnded,
    subject=SUBJECTS,
    at=TIMES,
    state=st.sampled_from([state for state in TaskState if state.is_final]),
    outcome=st.none() | st.builds(Success, REFS) | FAILURES,
    measure=st.none() | MEASURES,
    items=st.none() | st.integers(0, 9),
    is_tolerated=st.booleans(),
    log_file=st.none() | TEXTS,
    warnings=st.lists(TEXTS, max_size=2).map(tuple),
    previous=st.none() | REFS,
    fingerprint=TEXTS,
)
EVENTS = st.one_of(
    ENDED,
    st.builds(events.TaskStarted, SUBJECTS, TIMES, st.integers(1, 99), SECONDS, TEXTS),
    st.builds(events.TaskRetrying, SUBJECTS, TIMES, SECONDS, FAILURES, MEASURES),
    st.builds(events.TaskRepeating, SUBJECTS, TIMES, SECONDS, REFS, MEASURES),
    st.builds(events.TaskSkipped, SUBJECTS, TIMES, TEXTS, TEXTS),
    st.builds(events.TaskLogged, SUBJECTS, TIMES, TEXTS, TEXTS, st.dictionaries(TEXTS, st.integers() | TEXTS)),
    st.builds(events.TaskPrinted, SUBJECTS, TIMES, TEXTS),
    st.builds(events.RunNoted, TIMES, TEXTS, TEXTS),
    st.just(task_expanded("count", 3)),
    st.just(run_finished(RunStatus.SUCCEEDED, succeeded=3)),
)
PASSING = (events.TaskLogged, events.TaskPrinted, events.RunNoted)


def in_journal(number: int, event: Event) -> bytes:
    """Return a line of the journal as one record, encoded at one go."""
    name, fields = line_of(event)
    record: dict[str, object] = {"timestamp": iso(event.at), "seq": number, "event": name, **fields}
    if isinstance(event, events.TaskEnded) and isinstance(event.outcome, Success):
        record["value"] = value_fields(event.outcome.value)
    elif isinstance(event, events.TaskEnded) and event.previous is not None:
        record["previous"] = value_fields(event.previous)
    elif isinstance(event, events.TaskRepeating):
        record["value"] = value_fields(event.value)
    elif isinstance(event, events.RunStarted):
        record |= {"journal": 1, "run_id": event.run_id, "workflow": event.workflow}
    return sealed(encode(record))


def lead(_: object, level: str, entry: Any) -> Any:
    return {"timestamp": entry.pop("timestamp"), "level": level, "event": entry.pop("event"), **entry}


def by_structlog(event: Event) -> bytes:
    """Return the line that structlog makes of the event of an attempt that went well, by processors."""
    log = structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[lead, structlog.processors.JSONRenderer(serializer=lambda entry, **_: encode(entry))],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    ).bind(run_id=run_started().run_id, workflow="words")
    name, fields = line_of(event)
    line: bytes = log.info(name, timestamp=iso(event.at), **fields)
    return line


@given(told=st.lists(EVENTS, max_size=5))
def test_each_writes_what_it_writes_alone(told: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("told")
    together, alone = io.BytesIO(), io.BytesIO()
    fanout = FanoutSink([Journal(folder / "journal", is_synced=False), LogSink(together.write)])
    log = LogSink(alone.write)
    everything = [run_started(), *told]

    for event in everything:
        fanout.emit(event)
        log.emit(event)
    fanout.close()
    log.close()

    shown = [
        event for event in everything if type(event) not in {events.TaskLogged, events.TaskPrinted, events.RunNoted}
    ]
    lines = [in_journal(number, event) for number, event in enumerate(shown, 1)]
    assert (folder / "journal").read_bytes() == b"".join(lines)
    assert together.getvalue() == alone.getvalue()
    assert together.getvalue().count(b"\n") == len(everything)


@given(
    subject=SUBJECTS,
    at=TIMES,
    outcome=st.builds(Success, REFS),
    measure=MEASURES,
)
def test_a_line_of_the_log_is_the_one_that_structlog_makes(
    subject: events.Subject, at: float, outcome: Success, measure: events.Measure
) -> None:
    stream = io.BytesIO()
    sink = LogSink(stream.write)
    ended = events.TaskEnded(subject, at, TaskState.SUCCEEDED, outcome, measure)

    sink.emit(run_started())
    sink.emit(ended)
    sink.close()

    assert stream.getvalue().splitlines()[1] == by_structlog(ended)


def test_no_fields_are_the_end_of_an_object() -> None:
    assert b'{"a":1' + rest_of({}) == b'{"a":1}'


def test_a_text_that_orjson_does_not_take_is_escaped(tmp_path: Path) -> None:
    failure = Failure(FailureKind.EXCEPTION, "E", "a name \udc80")
    ended = events.TaskEnded(events.Subject("t", None, 1, 0, "pool"), 1.0, TaskState.FAILED, failure, None)
    journal = Journal(tmp_path / "journal", is_synced=False)

    journal.emit(ended)
    journal.close()

    assert b"a name \\udc80" in (tmp_path / "journal").read_bytes()
