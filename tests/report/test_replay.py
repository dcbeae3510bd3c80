from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import Event, RunStopping, TaskProgressed, TaskRepeating, TaskRetrying, TaskSkipped
from flowpar.core.states import RunStatus
from flowpar.report.line import iso, line_of
from flowpar.report.replay import event_of
from flowpar.testing.events import (
    AT,
    MEASURE,
    RAISED,
    REF,
    fan_out_succeeded,
    run_finished,
    run_started,
    subject,
    task_expanded,
    task_failed,
    task_started,
    task_succeeded,
)

EVENTS: list[Event] = [
    run_started(["load", "count"]),
    replace(run_started(["load", "count"]), again={"load": None}, kept=1, last=("count",)),
    task_expanded("count", 3),
    task_started("count", 1),
    replace(task_succeeded("count", 1), outcome=None),
    replace(task_failed("count", 1, is_tolerated=True, log_file="logs/x"), warnings=("late",)),
    fan_out_succeeded("count", 3),
    TaskRetrying(subject("load"), AT, 2.0, RAISED, MEASURE),
    TaskSkipped(subject("late", attempt=0), AT, "load failed"),
    TaskProgressed(subject("load"), AT, 3.0, 10.0, "rows"),
    RunStopping(AT, "interrupted"),
    replace(run_finished(RunStatus.FAILED, failed=1), run_id=""),
]


def record_of(event: Event) -> dict[str, object]:
    name, fields = line_of(event)
    lead = {"timestamp": iso(event.at), "event": name, "run_id": run_started().run_id, "workflow": "words"}
    found: dict[str, object] = orjson.loads(orjson.dumps({**lead, **fields}))
    return found


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_line_tells_the_event_that_it_was_made_of(event: Event) -> None:
    assert event_of(record_of(event)) == event


def test_a_round_comes_back_without_its_value() -> None:
    event = event_of(record_of(TaskRepeating(subject("load"), AT, 1.0, REF, MEASURE)))

    assert isinstance(event, TaskRepeating)
    assert event.subject == subject("load")


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()) | st.just({"a": 1})


@given(st.sampled_from(EVENTS), st.data())
def test_an_odd_line_tells_nothing_and_raises_nothing(event: Event, data: st.DataObject) -> None:
    record = record_of(event)
    key = data.draw(st.sampled_from(sorted(record)))

    event_of({**record, key: data.draw(ODD)})
    event_of({name: value for name, value in record.items() if name != key})
