"""A journal read while it grows: each record once, whatever pieces it is written in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import StateError
from flowpar.record.following import JournalTail, ProgressTail
from flowpar.record.journal import Journal
from flowpar.record.reading import JOURNAL
from flowpar.report.replay import event_of
from flowpar.testing.events import run_started, task_failed, task_started, task_succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import Event

STORY: list[Event] = [
    run_started(["load", "count"]),
    *(task_started("count", item) for item in range(3)),
    *(task_succeeded("count", item) for item in range(3)),
    task_failed("load"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("written") / JOURNAL
    journal = Journal(path, is_synced=False)
    for event in STORY:
        journal.emit(event)
    journal.commit()
    journal.close()
    return path.read_bytes()


def tasks_in(tail: JournalTail) -> list[object]:
    return [record["event"] for record in tail.news()]


NAMES = ["run.started", *["task.started"] * 3, *["task.succeeded"] * 3, "task.failed"]


@given(st.lists(st.integers(0, 4000), max_size=6))
def test_each_record_is_given_once_in_whatever_pieces_it_comes(
    written: bytes, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    tail, given_names = JournalTail(folder), list[object]()

    for end in [*sorted(cut for cut in cuts if cut < len(written)), len(written)]:
        with (folder / JOURNAL).open("ab") as stream:
            stream.write(written[stream.tell() : end])
        given_names += tasks_in(tail)
    tail.close()

    assert given_names == NAMES


def test_there_is_nothing_new_before_there_is_a_journal(tmp_path: Path) -> None:
    tail = JournalTail(tmp_path)

    assert tasks_in(tail) == []
    assert not tail.is_damaged


def test_a_bad_line_is_where_it_ends_until_a_resume_cuts_it_off(written: bytes, tmp_path: Path) -> None:
    lines = written.splitlines(keepends=True)
    path = tmp_path / JOURNAL
    path.write_bytes(b"".join(lines[:3]) + b'{"torn":\n')
    tail = JournalTail(tmp_path)

    first = tasks_in(tail)
    was_damaged = tail.is_damaged
    os.truncate(path, sum(map(len, lines[:3])))
    with path.open("ab") as stream:
        stream.writelines(lines[3:])
    rest = tasks_in(tail)
    tail.close()

    assert was_damaged
    assert [*first, *rest] == NAMES


def test_a_journal_that_was_salvaged_is_read_anew(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    path.write_bytes(written)
    tail = JournalTail(tmp_path)
    tasks_in(tail)
    path.rename(tmp_path / "events.damaged.jsonl")
    path.write_bytes(b"".join(written.splitlines(keepends=True)[:2]))

    again = tasks_in(tail)
    tail.close()

    assert again == NAMES[:2]


def test_what_is_no_file_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / JOURNAL)

    with pytest.raises(StateError, match="is not a file"):
        tasks_in(JournalTail(tmp_path))


def test_of_a_log_only_the_end_and_what_is_new_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.log.jsonl"
    path.write_bytes(b"x old\n" * 100 + b"x last\nother\nx torn")
    tail = ProgressTail(path, most_bytes=40)

    first = tail.news(b"x ")
    with path.open("ab") as stream:
        stream.write(b" no more\n")

    assert first[-1] == b"x last"
    assert len(first) < 6
    assert tail.news(b"x ") == [b"x torn no more"]
    assert tail.news(b"x ") == []


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert ProgressTail(tmp_path / "none").news(b"x") == []


def test_a_journal_tells_the_events_that_it_is_of(written: bytes, tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(written)
    tail = JournalTail(tmp_path)

    events = [event_of(record) for record in tail.news()]
    tail.close()

    assert [type(event) for event in events] == [type(event) for event in STORY]
    assert events[1] == STORY[1]
    assert events[-1] == STORY[-1]
