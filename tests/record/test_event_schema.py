from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from flowpar.core import events
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.record.event_schema import event_schema
from flowpar.record.journal import Journal
from flowpar.report.logs import LogSink

if TYPE_CHECKING:
    from flowpar.core.events import Event

SCHEMA = Path(__file__).parents[2] / "schemas" / "event.schema.json"
AT = 1_763_806_500.25
SUBJECT = events.Subject("load", 3, 1, 0, "process")
WHOLE = events.Subject("load", None, 0, 0, "process")
MEASURE = events.Measure(4242, AT, AT + 1, 1.0, 0.01, 0.5, 1024, 17)
FAILURE = Failure(FailureKind.EXIT, "", "exit code 3", 3)
REF = ValueRef(3, "sha256:00", is_plain=True, inline=b"abc")
EVERY_KIND: list[Event] = [
    events.RunStarted("id", "w", "w.yaml", "/run", AT, 2, (("load",),), {"top": 3}, {"flowpar": "0.1"}),
    events.TaskExpanded(WHOLE, AT, 4),
    events.TaskStarted(SUBJECT, AT, 4242, 0.01),
    events.TaskRetrying(SUBJECT, AT, 2.0, FAILURE, MEASURE),
    events.TaskEnded(SUBJECT, AT, TaskState.SUCCEEDED, Success(REF), MEASURE, log_file="logs/1", warnings=("w",)),
    events.TaskEnded(WHOLE, AT, TaskState.SUCCEEDED, None, None, items=4),
    events.TaskEnded(SUBJECT, AT, TaskState.FAILED, FAILURE, MEASURE, is_tolerated=True),
    events.TaskEnded(SUBJECT, AT, TaskState.TIMED_OUT, FAILURE, MEASURE),
    events.TaskEnded(SUBJECT, AT, TaskState.CANCELLED, FAILURE, None),
    events.TaskEnded(SUBJECT, AT, TaskState.CACHED, Success(REF), None),
    events.TaskSkipped(WHOLE, AT, "its condition is false"),
    events.TaskProgressed(SUBJECT, AT, 1, None, ""),
    events.TaskLogged(SUBJECT, AT, "INFO", "hello", {"rows": [1, {"deep": None}]}),
    events.TaskPrinted(SUBJECT, AT, "hello\n"),
    events.RunNoted(AT, "it is not preloaded"),
    events.RunNoted(AT, "imports printed this", "hello\n"),
    events.RunStopping(AT, "interrupted"),
    events.RunFinished("id", AT, RunStatus.FAILED, 1, 3.5, {"failed": 1}, ("load",)),
    events.RunStarted(
        "id",
        "w",
        "w.yaml",
        "/run",
        AT,
        2,
        (("load",),),
        {},
        {},
        options={"executor": None},
        again={"a": None, "b": (2,)},
    ),
    events.TaskExpanded(WHOLE, AT, 4, "f00"),
    events.TaskStarted(SUBJECT, AT, 4242, 0.01, "f00"),
]


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> dict[str, list[dict[str, object]]]:
    journal, log = Journal(tmp_path / "journal"), LogSink.to_file(tmp_path / "log")
    for event in EVERY_KIND:
        for sink in (journal, log):
            sink.emit(event)
    journal.close()
    log.close()
    return {"journal": lines_of(tmp_path / "journal"), "log": lines_of(tmp_path / "log")}


def test_the_schema_in_the_repository_is_fresh() -> None:
    # `make schemas` writes it anew.
    assert json.loads(SCHEMA.read_text()) == event_schema()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(event_schema())

    assert event_schema()["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("form", ["journal", "log"])
def test_every_line_is_as_the_schema_says(written: dict[str, list[dict[str, object]]], form: str) -> None:
    schema = event_schema()
    validator = Draft202012Validator({"$ref": f"#/$defs/{form}", "$defs": schema["$defs"]})

    problems = [error.message for line in written[form] for error in validator.iter_errors(line)]

    assert len(written[form]) >= 13
    assert problems == []


def test_a_line_that_lacks_a_field_or_has_a_strange_one_is_not(written: dict[str, list[dict[str, object]]]) -> None:
    validator = Draft202012Validator(event_schema())
    line = written["log"][2]

    for name in line:
        assert not validator.is_valid({key: value for key, value in line.items() if key != name})
    assert not validator.is_valid({**line, "strange": 1})
