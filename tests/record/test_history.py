from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from flowpar.core.errors import StateError, UsageError
from flowpar.record.attempt_logs import logs_of, read_log
from flowpar.record.folder import check_state
from flowpar.record.history import find_run, finish_removals, last_activity, remove_run, run_ids, size_of
from flowpar.record.lock import Lock
from flowpar.record.resume import read_settled

sys.path.insert(0, str(Path(__file__).parent))
from story import begun, failing_run, started, write_journal

IDS = ["20251122-101500-words-900", "20251122-101501-words-a00", "20251201-000000-etl-0aa"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with three runs, and what else may lie there."""
    state_dir = tmp_path / ".flowpar"
    for name in IDS:
        (state_dir / "runs" / name).mkdir(parents=True)
        write_journal(state_dir / "runs" / name / "events.jsonl", failing_run())
    (state_dir / "runs" / "notes").mkdir()
    (state_dir / "runs" / "20251122-101502-link-a00").symlink_to(tmp_path)
    (state_dir / "runs" / "20251122-101503-file-a00").touch()
    return state_dir


def test_runs_are_the_folders_with_the_id_of_one_oldest_first(state: Path, tmp_path: Path) -> None:
    assert run_ids(state) == IDS
    assert run_ids(tmp_path / "elsewhere") == []


def test_a_file_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match=r'state folder ".*file" is a file'):
        run_ids(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "found"),
    [(IDS[0], IDS[0]), ("last", IDS[2]), ("202512", IDS[2]), ("20251122-101501", IDS[1])],
)
def test_a_run_is_found_by_its_id_the_beginning_of_it_or_as_the_last(state: Path, name: str, found: str) -> None:
    assert find_run(state, name) == state / "runs" / found


def test_the_last_of_one_second_is_the_one_that_began_last_whatever_its_name(state: Path) -> None:
    for name in ("20260101-000000-words-0b0", "20260101-000000-etl-0b1", "20260101-000000-sums-0az"):
        (state / "runs" / name).mkdir()

    assert [run[16:] for run in run_ids(state)[-3:]] == ["sums-0az", "words-0b0", "etl-0b1"]
    assert find_run(state, "last").name == "20260101-000000-etl-0b1"


def test_a_run_is_found_by_the_path_of_its_folder(state: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write_journal(tmp_path / "mine" / "events.jsonl", failing_run())

    assert find_run(state, str(tmp_path / "mine")) == tmp_path / "mine"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("20251122", f'"20251122" begins the ids of {IDS[0]}, {IDS[1]}', "give more of the id"),
        ("20251201-000000-elt-0aa", "there is no run", f'did you mean "{IDS[2]}"?'),
        ("lats", "there is no run", 'did you mean "last"?'),
        ("", "there is no run", 'flowpar runs lists them, or say "last"'),
        ("a\0b", "there is no run", 'flowpar runs lists them, or say "last"'),
        ("../..", "there is no run", 'flowpar runs lists them, or say "last"'),
        ("x" * 5000, "there is no run", 'flowpar runs lists them, or say "last"'),
    ],
)
def test_an_unknown_run_is_said_with_what_may_be_meant(state: Path, name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_run(state, name)

    assert message in refused.value.message
    assert refused.value.hint == hint


def test_without_any_run_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none at all in") as refused:
        find_run(tmp_path, "last")

    assert "flowpar run FILE" in str(refused.value.hint)


def test_a_removed_run_is_gone_and_nothing_else(state: Path) -> None:
    victim = state / "runs" / IDS[0]
    (victim / "values").mkdir()
    (victim / "values" / "link").symlink_to(state / "runs" / IDS[1])

    remove_run(victim)

    assert run_ids(state) == IDS[1:]
    assert (state / "runs" / IDS[1] / "events.jsonl").exists()
    assert not list((state / "runs").glob(".removed*"))


def test_a_run_in_use_is_not_removed(state: Path) -> None:
    with Lock.take(state / "runs" / IDS[0]), pytest.raises(StateError, match=f"in use by process {os.getpid()}"):
        remove_run(state / "runs" / IDS[0])

    assert run_ids(state) == IDS


def test_a_run_that_is_just_beginning_is_not_removed(state: Path) -> None:
    young = state / "runs" / "20251201-000001-etl-0aa"
    young.mkdir()

    with pytest.raises(StateError, match="just beginning"):
        remove_run(young)

    os.utime(young, (time.time() - 100, time.time() - 100))
    remove_run(young)
    assert not young.exists()


def test_what_a_removal_left_is_removed_by_the_next(state: Path) -> None:
    (state / "runs" / ".removed-x" / "values").mkdir(parents=True)

    finish_removals(state)

    assert not (state / "runs" / ".removed-x").exists()
    assert run_ids(state) == IDS


def test_a_state_folder_that_is_a_link_is_not_cleaned(state: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(state)

    with pytest.raises(StateError, match="symbolic link"):
        check_state(tmp_path / "link")

    check_state(tmp_path / "link", trust_state=True)
    check_state(state)
    check_state(tmp_path / "none")


def test_the_size_and_the_last_activity_of_a_run_are_known(state: Path) -> None:
    run = state / "runs" / IDS[0]
    os.utime(run / "events.jsonl", (1000, 1000))

    assert size_of(run) == (run / "events.jsonl").stat().st_size
    assert last_activity(run) == 1000
    assert last_activity(state / "gone") == 0


def test_logs_are_known_by_their_names_and_by_the_journal(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in (
        "000001-load.1.log",
        "000004-load.2.log",
        "000003-count-0.1.log",
        "000006-count-11.2.log",
        "000005-count-down.1.log",
        "notes.txt",
        "7-../../x.1.log".replace("/", "_"),
    ):
        (tmp_path / "logs" / name).write_text(name)
    (tmp_path / "logs" / "000009-link.1.log").symlink_to("/etc/passwd")
    write_journal(tmp_path / "events.jsonl", failing_run())

    found = logs_of(tmp_path, read_settled(tmp_path)[0])

    assert [(log.task, log.item, log.attempt) for log in found] == [
        ("load", None, 1),
        ("count", 0, 1),
        ("load", None, 2),
        ("count-down", None, 1),
        ("count", 11, 2),
    ]
    assert read_log(tmp_path, found[0]) == b"000001-load.1.log"


def test_a_run_that_printed_nothing_has_no_logs(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", [begun(), started("load")])

    assert logs_of(tmp_path, read_settled(tmp_path)[0]) == []
