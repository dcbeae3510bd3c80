"""What any sink is told has no secret in it, whichever event it is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, get_args

import pytest

from flowpar.core import events
from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind, ValueRef
from flowpar.core.states import TaskState
from flowpar.report.fanout import FanoutSink
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from flowpar.core.events import Event

HIDDEN = "hunter2-hunter2"
MASKER = Masker([HIDDEN])
SUBJECT = events.Subject("task", None, 1, 0, "process")
MEASURE = events.Measure(1, 0.0, 1.0, 1.0, 0.0)
FAILURE = Failure(FailureKind.EXCEPTION, f"{HIDDEN}Error", f"no {HIDDEN}", traceback=f"line\n{HIDDEN}")
TOLD: list[Event] = [
    events.TaskEnded(SUBJECT, 1.0, TaskState.FAILED, FAILURE, MEASURE, warnings=(f"a {HIDDEN}",)),
    events.TaskEnded(SUBJECT, 1.0, TaskState.SUCCEEDED, None, MEASURE, warnings=(f"a {HIDDEN}",)),
    events.TaskRepeating(SUBJECT, 1.0, 2.0, ValueRef(1, "c:1", is_plain=True), MEASURE, warnings=(f"a {HIDDEN}",)),
    events.TaskRetrying(SUBJECT, 1.0, 2.0, FAILURE, MEASURE),
    events.TaskSkipped(SUBJECT, 1.0, f"because of {HIDDEN}"),
    events.TaskProgressed(SUBJECT, 1.0, 1.0, 2.0, f"note {HIDDEN}"),
    events.TaskLogged(SUBJECT, 1.0, "info", HIDDEN, {"a": [HIDDEN], HIDDEN: {"b": HIDDEN}}),
    events.TaskPrinted(SUBJECT, 1.0, f"{HIDDEN}\n"),
    events.RunNoted(1.0, f"{HIDDEN} is not preloaded", f"{HIDDEN}\n"),
    events.RunStopping(1.0, f"because of {HIDDEN}"),
]


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_no_sink_is_told_a_secret(event: Event) -> None:
    sink = RecordingSink()

    FanoutSink([sink], masker=MASKER).emit(event)

    assert HIDDEN in repr(event)
    assert HIDDEN not in repr(sink.events)
    assert "***" in repr(sink.events)


def test_every_event_with_a_text_of_a_task_is_among_them() -> None:
    kinds = set(get_args(events.Event)) - {type(event) for event in TOLD}
    texts = {"message", "text", "note", "reason", "failure", "warnings", "outcome", "fields"}

    assert kinds > {events.RunStarted, events.TaskStarted}
    for kind in kinds:
        assert not texts & {field.name for field in dataclasses.fields(kind)}, kind


def test_what_flowpar_complains_of_has_no_secret() -> None:
    complaints: list[str] = []

    FanoutSink([], complain=complaints.append, masker=MASKER).complain(f"lost {HIDDEN}")

    assert complaints == ["lost ***"]


def test_without_secrets_an_event_is_told_as_it_is() -> None:
    sink = RecordingSink()

    FanoutSink([sink]).emit(TOLD[0])

    assert sink.events[0] is TOLD[0]
