from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core import events
from flowpar.core.errors import StateError
from flowpar.record.journal import sealed
from flowpar.record.past import read_past

sys.path.insert(0, str(Path(__file__).parent))
from story import AT, begun, failing_run, finished, started, subject, succeeded, write_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.events import Event
    from flowpar.report.past import PastAttempt


def attempts(folder: Path, story: Sequence[Event], *, is_running: bool = False) -> list[PastAttempt]:
    write_journal(folder / "events.jsonl", list(story))
    return list(read_past(folder, is_running=is_running)[2].attempts)


def names(found: Sequence[PastAttempt]) -> list[tuple[str, int | None, int, str]]:
    return [(each.task, each.item, each.attempt, each.state) for each in found]


def test_each_attempt_of_a_run_is_told_once_and_fan_outs_as_a_whole_are_none(tmp_path: Path) -> None:
    found = attempts(tmp_path, failing_run())

    assert names(found)[:5] == [
        ("load", None, 1, "retried"),
        ("load", None, 2, "succeeded"),
        ("count", 0, 1, "succeeded"),
        ("count", 1, 1, "failed"),
        ("count", 2, 0, "skipped"),
    ]
    assert all(each.started_at is None for each in found if each.state == "skipped")


def test_an_attempt_has_its_times_its_measures_and_why_it_failed(tmp_path: Path) -> None:
    retried, done, *_ = attempts(tmp_path, failing_run())

    assert (done.started_at, done.duration_s, done.wait_s, done.pid) == (AT + 1, 1.0, 0.01, 4711)
    assert (done.ended_at, done.cpu_s, done.max_rss_bytes, done.log_file) == (AT + 2, 0.5, 1024, "logs/1-load.log")
    assert retried.failure is not None
    assert retried.failure.message.startswith("bad row")


@pytest.mark.parametrize(("is_running", "state"), [(True, "running"), (False, "cut_off")])
def test_what_has_no_end_runs_or_was_cut_off(tmp_path: Path, *, is_running: bool, state: str) -> None:
    found = attempts(tmp_path, [begun(), started("load"), started("count"), succeeded("load")], is_running=is_running)

    assert names(found) == [("load", None, 1, "succeeded"), ("count", None, 1, state)]


def test_a_run_that_was_resumed_has_two_parts_and_its_attempts_were_cut_off_between_them(tmp_path: Path) -> None:
    story = [begun(), started("load"), begun(again={}), started("load", attempt=2), succeeded("load", attempt=2)]
    write_journal(tmp_path / "events.jsonl", [*story, finished()])

    past = read_past(tmp_path)[2]

    assert names(past.attempts) == [("load", None, 1, "cut_off"), ("load", None, 2, "succeeded")]
    assert past.parts == ((AT, AT + 1), (AT, AT + 9))


def test_a_journal_cut_anywhere_gives_its_good_attempts_or_a_state_error(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = write_journal(path, failing_run())
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        try:
            past = read_past(tmp_path)[2]
        except StateError:
            continue
        assert len(past.attempts) <= 12


@pytest.mark.parametrize(
    "field", [b'"duration_s":"long"', b'"started_at":"soon"', b'"cpu_s":[]', b'"max_rss_bytes":{}']
)
def test_a_record_that_nobody_here_wrote_is_a_state_error(tmp_path: Path, field: bytes) -> None:
    path = tmp_path / "events.jsonl"
    lines = write_journal(path, [begun(), started("load"), succeeded("load")]).splitlines()
    name = field.partition(b":")[0]
    body = lines[-1][: lines[-1].rindex(b',"crc32"')]
    before, after = body.split(name + b":", 1)
    rest = after[after.index(b',"') :]
    path.write_bytes(b"".join(line + b"\n" for line in lines[:-1]) + sealed(before + field + rest + b"}"))

    with pytest.raises(StateError):
        read_past(tmp_path)


def test_a_task_that_was_cancelled_before_it_could_say_anything_keeps_its_start(tmp_path: Path) -> None:
    story = [begun(), started("load"), events.TaskSkipped(subject("load"), AT + 2, "the run was stopped")]

    assert attempts(tmp_path, story)[0].started_at == AT + 1
