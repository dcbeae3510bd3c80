from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import StateError
from flowpar.core.events import Event, Measure, RunStarted, Subject, TaskEnded, TaskPrinted, TaskStarted
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.core.states import TaskState
from flowpar.record.journal import Journal, sealed
from flowpar.record.sync import SyncAside

AT = 1_763_806_500.25
SUBJECT = Subject("load", None, 1, 0, "process")
MEASURE = Measure(4242, AT, AT + 1, 1.0, 0.01, 0.5, 1024, 17)


def ended(ref: ValueRef) -> TaskEnded:
    return TaskEnded(SUBJECT, AT, TaskState.SUCCEEDED, Success(ref), MEASURE)


def started_run() -> RunStarted:
    return RunStarted("id", "name", "w.yaml", "/run", AT, 2, (("load",),), {"folder": Path("x")}, {"flowpar": "0"})


def write(path: Path, *events: Event) -> list[bytes]:
    journal = Journal(path, is_synced=False)
    for event in events:
        journal.emit(event)
    journal.close()
    return path.read_bytes().splitlines()


def test_each_line_is_json_with_its_number_and_a_checksum_of_all_before_it(tmp_path: Path) -> None:
    lines = write(tmp_path / "events.jsonl", started_run(), TaskStarted(SUBJECT, AT, 4242, 0.01))

    records = [json.loads(line) for line in lines]
    assert [record["seq"] for record in records] == [1, 2]
    assert [record["event"] for record in records] == ["run.started", "task.started"]
    assert records[0]["journal"] == 1
    assert records[0]["inputs"] == {"folder": "x"}
    for line, record in zip(lines, records, strict=True):
        body, _, _ = line.rpartition(b',"crc32"')
        assert record["crc32"] == f"{crc32(body):08x}"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), min_size=1))
def test_a_flipped_byte_never_passes_for_the_line_that_was_written(record: dict[str, object]) -> None:
    line = sealed(json.dumps(record).encode())

    for at in range(len(line) - 22):
        body = bytearray(line)
        body[at] ^= 1
        head, _, _ = bytes(body).rpartition(b',"crc32"')
        assert f"{crc32(head):08x}".encode() != line[-11:-3]


def test_a_small_value_travels_in_its_line(tmp_path: Path) -> None:
    ref = ValueRef(5, "sha256:00", is_plain=True, inline=b"\x80\x05\x4b\x07.")

    (line,) = write(tmp_path / "events.jsonl", ended(ref))

    value = json.loads(line)["value"]
    assert base64.b64decode(value.pop("inline")) == b"\x80\x05\x4b\x07."
    assert value == {"size_bytes": 5, "checksum": "sha256:00", "is_plain": True}


def test_a_large_value_is_named_by_its_file(tmp_path: Path) -> None:
    ref = ValueRef(1 << 20, "sha256:ff", is_plain=False, file="values/1.val")

    (line,) = write(tmp_path / "events.jsonl", ended(ref))

    expected = {"size_bytes": 1 << 20, "checksum": "sha256:ff", "is_plain": False, "file": "values/1.val"}
    assert json.loads(line)["value"] == expected


def test_what_passes_by_is_not_kept(tmp_path: Path) -> None:
    lines = write(tmp_path / "events.jsonl", TaskPrinted(SUBJECT, AT, "hello"))

    assert lines == []


def test_nothing_is_on_disk_before_the_commit_and_all_of_it_after(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.emit(started_run())
    before = path.read_bytes()

    journal.commit()

    assert before == b""
    assert path.read_bytes().count(b"\n") == 1
    journal.close()


def test_a_kill_takes_nothing_that_was_flushed_and_a_power_cut_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.emit(started_run())

    journal.flush()

    assert path.read_bytes().count(b"\n") == 1
    assert journal.durable_bytes == 0
    journal.commit()
    assert journal.durable_bytes == path.stat().st_size
    journal.close()


def test_what_the_disk_began_with_is_durable_after_the_next_commit_with_all_that_came_since(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.emit(started_run())
    journal.begin_commit()
    began = path.stat().st_size
    journal.emit(ended(ValueRef(1, "sha256:00", is_plain=True, inline=b"x")))
    journal.begin_commit()  # one is under way, and is not begun again

    assert 0 < began < path.stat().st_size
    assert journal.durable_bytes == 0
    journal.commit()
    assert journal.durable_bytes == path.stat().st_size
    journal.close()


def descriptors_of(path: Path) -> list[int]:
    """Return by which descriptors this process has a file open."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return [int(link.name) for link in links if link.readlink() == path]


def test_what_the_disk_failed_to_keep_aside_is_said_by_the_commit_and_by_the_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.emit(started_run())
    journal.flush()
    (descriptor,) = descriptors_of(path)
    reader, writer = os.pipe()
    os.dup2(writer, descriptor)  # a pipe can't be synced
    journal.begin_commit()

    with pytest.raises(StateError, match=r'cannot write the journal ".*": invalid argument'):
        journal.commit()

    assert journal.durable_bytes == 0
    with pytest.raises(StateError):
        journal.close()
    os.close(reader)
    os.close(writer)


def test_a_disk_that_fails_aside_says_so_to_whoever_waits() -> None:
    reader, writer = os.pipe()  # which can't be synced
    aside = SyncAside(writer)

    for _ in range(2):
        assert aside.begin()
        assert aside.is_under_way
        with pytest.raises(OSError, match="Invalid argument"):
            aside.wait()
        assert not aside.is_under_way

    aside.close()
    os.close(reader)
    os.close(writer)


def test_lines_that_nobody_commits_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, is_synced=False)
    value = ValueRef(60_000, "sha256:00", is_plain=True, inline=b"x" * 60_000)

    for _ in range(20):
        journal.emit(ended(value))

    assert path.stat().st_size > 1_000_000
    journal.close()


def test_names_of_files_that_are_no_utf8_and_large_numbers_are_written(tmp_path: Path) -> None:
    failure = Failure(FailureKind.EXCEPTION, "OSError", os.fsdecode(b"no \xff"), 2**80)
    event = TaskEnded(SUBJECT, AT, TaskState.FAILED, failure, None)

    (line,) = write(tmp_path / "events.jsonl", event)

    error = json.loads(line)["error"]
    assert (error["message"], error["exit_code"]) == ("no \udcff", 2**80)


def test_an_endless_message_is_cut(tmp_path: Path) -> None:
    failure = Failure(FailureKind.EXCEPTION, "E", "x" * 10_000_000, None, "y" * 10_000_000)

    (line,) = write(tmp_path / "events.jsonl", TaskEnded(SUBJECT, AT, TaskState.FAILED, failure, None))

    assert len(line) < 100_000


def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    for number, mask in enumerate((0, 0o777)):
        before = os.umask(mask)
        try:
            Journal(tmp_path / f"{number}.jsonl").close()
        finally:
            os.umask(before)

        assert stat.S_IMODE((tmp_path / f"{number}.jsonl").stat().st_mode) == 0o600


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("precious")

    with pytest.raises(StateError, match="file exists"):
        Journal(tmp_path / "events.jsonl")

    assert (tmp_path / "events.jsonl").read_text() == "precious"


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StateError):
        Journal(tmp_path / "events.jsonl")

    assert not (tmp_path / "elsewhere").exists()


FULL_DISK = """
import resource, sys
from pathlib import Path
from flowpar.core.errors import StateError
from flowpar.core.events import Subject, TaskStarted
from flowpar.record.journal import Journal

journal = Journal(Path(sys.argv[1]))
event = TaskStarted(Subject("load", None, 1, 0, "process"), 0.0, 1, 0.0)
journal.emit(event)
journal.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
journal.emit(event)
journal.emit(event)
try:
    journal.commit()
except StateError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_is_said_and_leaves_no_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, timeout=60, check=False
    )

    assert run.returncode == 3
    assert run.stdout == f'cannot write the journal "{path}": file too large\n'
    assert path.read_bytes().count(b"\n") == 1
    assert path.read_bytes().endswith(b"}\n")


def test_a_closed_journal_gives_its_descriptor_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    assert len(descriptors_of(tmp_path / "events.jsonl")) == 1

    journal.close()
    journal.close()

    assert descriptors_of(tmp_path / "events.jsonl") == []


def test_a_disk_that_takes_nothing_more_is_said_though_no_torn_line_can_be_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.emit(started_run())
    (descriptor,) = descriptors_of(path)
    with path.open("rb") as read_only:
        os.dup2(read_only.fileno(), descriptor)  # neither a write nor a truncation is possible any more

    with pytest.raises(StateError, match=r'cannot write the journal ".*": bad file descriptor'):
        journal.commit()

    with pytest.raises(StateError):
        journal.close()
    assert not Path(f"/proc/self/fd/{descriptor}").is_symlink()


BROKEN_DISK = """
import os, sys
from pathlib import Path
from flowpar.core.errors import StateError
from flowpar.record.journal import Journal
from flowpar.record.reading import JournalEnd

before = os.listdir("/proc/self/fd")
try:
    Journal.reopen(Path(sys.argv[1]), JournalEnd(0, 0, dropped_bytes=4))
except StateError as error:
    print(error.message, os.listdir("/proc/self/fd") == before)
"""


def test_a_torn_tail_that_cannot_be_cut_off_for_good_is_said(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"torn")

    run = subprocess.run(
        [sys.executable, "-c", BROKEN_DISK, path],
        env={**os.environ, "FLOWPAR_FAIL_AT": "1:EIO"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert run.stdout == f'cannot go on with the journal "{path}": input/output error True\n'
