"""What workers of a pool had done and the engine had not recorded is in the journal before a run goes on, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import ValueRef
from flowpar.core.states import TaskState
from flowpar.data.spool import FOLDER, Spool, Ticket, read_all
from flowpar.record.recovery import recover
from flowpar.record.resume import read_settled

sys.path.insert(0, str(Path(__file__).parent))
from typing import TYPE_CHECKING

from story import INLINE, begun, failing_run, started, succeeded, write_journal

if TYPE_CHECKING:
    import pytest

LARGE = ValueRef(70_000, "sha256:11", is_plain=False, file="values/7.val")


def ticket(task: str, item: int | None = None, *, attempt: int = 1, key: str | None = None) -> bytes:
    return Ticket(task, item, attempt, 0, 0, key, f"print-{task}").pack()


def spool(folder: Path) -> Spool:
    return Spool(os.fspath(folder))


def test_what_was_not_recorded_is_put_into_the_journal(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", [begun("load"), started("load", 0), succeeded("load", 0)])
    kept = spool(tmp_path)
    kept.keep(ticket("load", 0), INLINE, started_at=10.0, duration_s=0.5)
    kept.keep(ticket("load", 1, key="b"), INLINE, started_at=11.0, duration_s=0.25)
    kept.keep(ticket("load", 2), LARGE, started_at=12.0, duration_s=0.25)

    count = recover(tmp_path)

    items = read_settled(tmp_path)[0].tasks["load"].items
    assert count == 2
    assert [items[number].state for number in range(3)] == [TaskState.SUCCEEDED] * 3
    assert (items[1].value, items[1].fingerprint, items[1].pid) == (INLINE, "print-load", os.getpid())
    assert (items[1].duration_s, items[2].value) == (0.25, LARGE)
    assert recover(tmp_path) == 0


def test_an_earlier_part_of_the_run_does_not_count(tmp_path: Path) -> None:
    again = begun("load", again={"load": None})
    write_journal(tmp_path / "events.jsonl", [begun("load"), started("load"), succeeded("load"), again])
    spool(tmp_path).keep(ticket("load"), LARGE, started_at=10.0, duration_s=0.5)

    assert recover(tmp_path) == 1

    assert read_settled(tmp_path)[0].tasks["load"].standing.value == LARGE


def test_a_run_without_a_pool_is_left_as_it_is(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", failing_run())
    before = (tmp_path / "events.jsonl").read_bytes()

    assert recover(tmp_path) == 0

    assert (tmp_path / "events.jsonl").read_bytes() == before


def test_a_damaged_journal_is_left_as_it_is(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", failing_run())
    content = (tmp_path / "events.jsonl").read_bytes().replace(b'"load"', b'"lead"', 1)
    (tmp_path / "events.jsonl").write_bytes(content)
    spool(tmp_path).keep(ticket("merge"), INLINE, started_at=10.0, duration_s=0.5)

    assert recover(tmp_path) == 0

    assert (tmp_path / "events.jsonl").read_bytes() == content


def test_what_a_worker_begins_anew_takes_the_place_of_what_is_recorded(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    kept.begin()
    kept.keep(ticket("a"), INLINE, started_at=10.0, duration_s=0.5)
    kept.begin()
    kept.keep(ticket("b"), INLINE, started_at=11.0, duration_s=0.5)

    assert [each.ticket.task for each in read_all(os.fspath(tmp_path))] == ["b"]


@given(st.data())
def test_a_torn_or_changed_line_is_no_attempt(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = spool(folder)
    for number in range(3):
        kept.keep(ticket("load", number), INLINE, started_at=10.0, duration_s=0.5)
    (file,) = (folder / FOLDER).iterdir()
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)

    found = [each.ticket.item or 0 for each in read_all(os.fspath(folder))]

    assert set(found) < {0, 1, 2}
    assert found == sorted(found)


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    kept = spool(tmp_path / "other")
    kept.keep(ticket("load"), INLINE, started_at=10.0, duration_s=0.5)
    (file,) = (tmp_path / "other" / FOLDER).iterdir()
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "1.done").symlink_to(file)

    assert list(read_all(os.fspath(tmp_path))) == []
