from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from flowpar.core.events import Event, TaskLogged, TaskPrinted
from flowpar.core.outcome import Failure, FailureKind
from flowpar.report.logs import LogSink
from flowpar.testing.events import (
    AT,
    run_finished,
    run_started,
    subject,
    task_failed,
    task_started,
    task_succeeded,
)

if TYPE_CHECKING:
    from pathlib import Path


def logged(*events: Event) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    sink = LogSink(stream.write)
    for event in events:
        sink.emit(event)
    sink.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_an_ended_task_has_all_that_is_promised() -> None:
    _, line = logged(run_started(), task_succeeded("count", 3))

    assert line == {
        "timestamp": "2025-11-22T10:15:00.250000Z",
        "level": "info",
        "event": "task.succeeded",
        "run_id": "20251122-101500-words-900",
        "workflow": "words",
        "task": "count",
        "item": 3,
        "attempt": 1,
        "layer": 0,
        "executor": "process",
        "pid": 4242,
        "started_at": "2025-11-22T10:15:00.250000Z",
        "ended_at": "2025-11-22T10:15:01.750000Z",
        "duration_s": 1.5,
        "wait_s": 0.25,
        "cpu_s": 0.5,
        "max_rss_bytes": 1024,
        "output_bytes": 17,
        "error": None,
    }


def test_a_failure_is_told_with_its_kind_and_frames() -> None:
    _, line = logged(run_started(), task_failed())

    assert line["event"] == "task.failed"
    assert line["level"] == "error"
    assert line["error"] == {
        "kind": "exception",
        "type": "ValueError",
        "message": "bad row",
        "exit_code": None,
        "traceback": 'File "steps.py", line 3, in count\n',
    }


def test_what_a_task_logs_carries_the_same_bindings() -> None:
    event = TaskLogged(subject("count", 3), AT, "WARNING", "slow row", {"row": 7, "took": 1.5})

    _, line = logged(run_started(), event)

    assert (line["event"], line["level"], line["message"]) == ("task.logged", "warning", "slow row")
    assert line["fields"] == {"row": 7, "took": 1.5}
    assert (line["run_id"], line["task"], line["item"]) == ("20251122-101500-words-900", "count", 3)


def test_a_printed_newline_and_fake_json_stay_inside_one_line() -> None:
    event = TaskPrinted(subject(), AT, 'x\n{"event": "run.finished", "status": "succeeded"}\n')

    lines = logged(run_started(), event)

    assert [line["event"] for line in lines] == ["run.started", "task.printed"]


def test_escape_sequences_of_tasks_are_stripped() -> None:
    failure = Failure(FailureKind.EXCEPTION, "E", "\x1b[2Jcleared \x9b31m")
    fields = {"deep": ["\x1b]0;t\x07", {"k\x1bc": 1}]}

    _, printed, failing, line = logged(
        run_started(),
        TaskPrinted(subject(), AT, "\x1b[31mred\x1b[0m"),
        task_failed(failure=failure),
        TaskLogged(subject(), AT, "info", "\x1b[1mbold", fields),
    )

    assert printed["text"] == "red"
    assert failing["error"]["message"] == "cleared "
    assert line["message"] == "bold"
    assert line["fields"] == {"deep": ["", {"k": 1}]}


def test_endlessly_nested_fields_are_cut() -> None:
    nest: list[object] = []
    nest.append(nest)

    _, line = logged(run_started(), TaskLogged(subject(), AT, "info", "loop", {"nest": nest}))

    assert "…" in json.dumps(line, ensure_ascii=False)


def test_lines_are_written_at_the_commit_and_not_before() -> None:
    stream = io.BytesIO()
    sink = LogSink(stream.write)
    sink.emit(run_started())
    before = stream.getvalue()

    sink.commit()

    assert before == b""
    assert stream.getvalue().count(b"\n") == 1


def test_the_log_file_is_its_owners_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        sink = LogSink.to_file(tmp_path / "run.log.jsonl")
    finally:
        os.umask(mask)
    sink.emit(run_started())
    sink.close()

    assert stat.S_IMODE((tmp_path / "run.log.jsonl").stat().st_mode) == 0o600
    assert (tmp_path / "run.log.jsonl").read_text().count("\n") == 1


def test_the_console_form_is_for_people(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with path.open("wb") as stream:
        sink = LogSink.to_stream(stream.fileno(), is_json=False)
        for event in (run_started(), task_started(), run_finished(succeeded=1)):
            sink.emit(event)
        sink.close()

    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert "task.started" in lines[1]
    assert "task=load" in lines[1]
    assert "\x1b" not in path.read_text()


def test_logging_does_not_pay_for_rich() -> None:
    code = "import flowpar.report.logs, sys; print([m for m in sys.modules if m.split('.')[0] == 'rich'])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout == "[]\n"


def test_rich_can_be_imported_after_logging() -> None:
    code = "import flowpar.report.logs, rich.console; print(rich.console.Console.__name__)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout == "Console\n"
