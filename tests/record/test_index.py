from __future__ import annotations

import os
import sqlite3
import stat
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from flowpar.core.states import RunStatus, TaskState
from flowpar.record.index import RunIndex
from flowpar.record.lock import Lock
from flowpar.record.overview import Overview, Status, TaskDuration, overview_of, seen_now

sys.path.insert(0, str(Path(__file__).parent))
from story import begun, failing_run, finished, started, succeeded, write_journal

DONE = "20251122-101500-words-900"
CUT = "20251122-101501-words-a00"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a run that ended and one that was cut off."""
    for name, told in ((DONE, failing_run()), (CUT, [begun(), started("load"), succeeded("load"), started("count")])):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        write_journal(folder / "events.jsonl", told)
    return tmp_path


def statuses(state: Path) -> dict[str, str]:
    ids = sorted((entry.name for entry in (state / "runs").iterdir()), reverse=True)
    found = RunIndex(state).overviews()
    return dict(zip(ids, [overview.status for overview in found], strict=True))


def rows(state: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(state / "index.sqlite")) as database:
        return database.execute("SELECT id, size FROM runs ORDER BY id").fetchall()


def test_runs_are_listed_newest_first(state: Path) -> None:
    cut, done = RunIndex(state).overviews()

    assert done == Overview(
        run_id=DONE,
        status=Status.FAILED,
        workflow="words",
        file="/home/me/words.yaml",
        started_at="2025-11-22T10:15:00.250000Z",
        duration_s=8.75,
        exit_code=1,
        counts={"succeeded": 1, "failed": 1, "skipped": 2},
        total=4,
    )
    assert (cut.status, cut.exit_code, cut.duration_s) == (Status.CRASHED, None, 1.0)
    assert cut.counts == {"succeeded": 1}
    assert cut.run_id == CUT  # what commands take, whatever the journal says


def test_runs_of_one_second_are_listed_in_the_order_of_their_beginning_whatever_their_names(tmp_path: Path) -> None:
    for name in ("20260101-000000-words-0b0", "20260101-000000-etl-0b1", "20260101-000000-sums-0az"):
        (tmp_path / "runs" / name).mkdir(parents=True)

    listed = [overview.run_id[16:] for overview in RunIndex(tmp_path).overviews()]

    assert listed == ["etl-0b1", "words-0b0", "sums-0az"]


def test_a_run_without_an_end_runs_while_its_lock_is_held(state: Path) -> None:
    with Lock.take(state / "runs" / CUT):
        running, done = RunIndex(state).overviews()

    assert (running.status, running.pid) == (Status.RUNNING, os.getpid())
    assert done.status == Status.FAILED
    assert statuses(state)[CUT] == Status.CRASHED


def test_the_index_follows_the_journals(state: Path) -> None:
    assert statuses(state) == {CUT: "crashed", DONE: "failed"}
    path = state / "runs" / CUT / "events.jsonl"
    path.unlink()
    write_journal(path, [begun(), started("load"), replace(finished(), status=RunStatus.SUCCEEDED)])
    (state / "runs" / DONE / "events.jsonl").unlink()
    (state / "runs" / DONE).rmdir()

    assert statuses(state) == {CUT: "succeeded"}
    assert [row[0] for row in rows(state)] == [CUT]


def test_what_did_not_change_is_not_read_again(state: Path) -> None:
    before = RunIndex(state).overviews()
    path = state / "runs" / DONE / "events.jsonl"
    was = path.stat()
    path.write_bytes(bytes(was.st_size))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))

    assert RunIndex(state).overviews() == before


def test_a_damaged_and_an_empty_run_are_listed_as_what_they_are(state: Path) -> None:
    path = state / "runs" / DONE / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b"count", b"cuont", 1))
    (state / "runs" / CUT / "events.jsonl").unlink()

    cut, damaged = RunIndex(state).overviews()

    assert (damaged.status, damaged.run_id) == (Status.DAMAGED, DONE)
    assert "corrupt at record 1" in damaged.problem
    assert (cut.status, cut.problem) == (Status.CRASHED, "it was cut off before it began")


def test_durations_are_those_of_the_last_success(state: Path) -> None:
    assert RunIndex(state).durations("words") == {"load": TaskDuration(1.0)}
    assert RunIndex(state).durations("other") == {}


def test_the_items_of_a_fan_out_have_a_mean() -> None:
    from flowpar.record.folding import fold
    from flowpar.record.overview import durations_in
    from flowpar.report.line import line_of

    whole = replace(succeeded("count", attempt=0), outcome=None, items=2)
    told = [begun(), succeeded("count", 0), succeeded("count", 1), whole]
    lines = [{"timestamp": "2025-11-22T10:15:00Z", "event": line_of(event)[0], **line_of(event)[1]} for event in told]
    lines[0] |= {"run_id": "x", "workflow": "words"}

    assert durations_in(fold(lines)) == {"count": TaskDuration(1.0, 2, 1.0)}

    name, fields = line_of(replace(whole, state=TaskState.CACHED))
    assert durations_in(fold([lines[0], {"timestamp": lines[0]["timestamp"], "event": name, **fields}])) == {}


def ruin(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how:
        case "garbage":
            path.write_bytes(b"garbage" * 1000)
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "zeroed":
            path.write_bytes(content[:4096] + bytes(len(content) - 4096))
        case "empty":
            path.write_bytes(b"")
        case "missing":
            path.unlink()
        case "row":
            with closing(sqlite3.connect(path)) as database:
                database.execute("UPDATE runs SET overview = '{nonsense'")
                database.commit()
        case _:
            with closing(sqlite3.connect(path)) as database:
                database.executescript(how)


@pytest.mark.parametrize(
    "how",
    ["garbage", "cut", "zeroed", "empty", "missing", "row", "DROP TABLE durations", "PRAGMA user_version = -1"],
)
def test_an_index_that_is_ruined_missing_or_older_is_made_anew(state: Path, how: str) -> None:
    before = RunIndex(state).overviews()
    ruin(state / "index.sqlite", how)

    assert RunIndex(state).overviews() == before
    assert [row[0] for row in rows(state)] == [DONE, CUT]
    assert RunIndex(state).durations("words") == {"load": TaskDuration(1.0)}


def test_a_newer_index_is_left_alone(state: Path) -> None:
    before = RunIndex(state).overviews()
    ruin(state / "index.sqlite", "PRAGMA user_version = 99; DELETE FROM runs")

    assert RunIndex(state).overviews() == before
    assert rows(state) == []


def test_a_busy_index_is_done_without(state: Path) -> None:
    before = RunIndex(state).overviews()
    path = state / "runs" / DONE / "events.jsonl"
    os.utime(path, ns=(0, 0))
    with closing(sqlite3.connect(state / "index.sqlite", isolation_level=None)) as busy:
        busy.execute("BEGIN EXCLUSIVE")

        assert RunIndex(state).overviews() == before


def test_an_index_that_cannot_be_written_is_done_without(state: Path) -> None:
    (state / "index.sqlite").mkdir()

    assert statuses(state) == {CUT: "crashed", DONE: "failed"}


def test_a_planted_link_is_not_written_through(state: Path) -> None:
    (state / "elsewhere").write_bytes(b"precious")
    (state / "index.sqlite").symlink_to(state / "elsewhere")

    assert statuses(state) == {CUT: "crashed", DONE: "failed"}
    assert (state / "elsewhere").read_bytes() == b"precious"


def test_the_index_is_its_owners_alone(state: Path) -> None:
    RunIndex(state).overviews()

    assert stat.S_IMODE((state / "index.sqlite").stat().st_mode) == 0o600


def test_there_may_be_no_state_folder_at_all(tmp_path: Path) -> None:
    assert RunIndex(tmp_path / "none").overviews() == []
    assert not (tmp_path / "none").exists()


def test_a_run_that_ended_is_not_said_to_run(state: Path) -> None:
    overview, _ = overview_of(state / "runs" / DONE)

    with Lock.take(state / "runs" / DONE):
        assert seen_now(overview, state / "runs" / DONE) == overview


def test_what_is_usual_is_known_of_tasks_that_succeeded_in_earlier_runs(state: Path) -> None:
    usual = RunIndex(state).usual("words", "20251122-101502-words-a00")

    assert set(usual) == {"load"}
    assert usual["load"].runs == 2
    assert RunIndex(state).usual("words", CUT)["load"].runs == 1
    assert RunIndex(state).usual("words", DONE) == {}
