from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.checksum import checksum
from flowpar.core.errors import StateError
from flowpar.core.events import RunStopping
from flowpar.core.outcome import ValueRef
from flowpar.core.states import RunStatus, TaskState
from flowpar.data.parts import encode_parts
from flowpar.record.folder import RunFolder, open_inside
from flowpar.record.journal import Journal
from flowpar.record.resume import first_free_number, read_settled, verify

sys.path.insert(0, str(Path(__file__).parent))
from story import AT, INLINE, RAISED, begun, failed, failing_run, finished, started, succeeded, write_journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.events import Event
    from flowpar.record.settled import Settled


def settled_of(folder: Path, *told: Event) -> Settled:
    write_journal(folder / "events.jsonl", told)
    return read_settled(folder)[0]


def test_a_run_adds_up_to_what_each_task_and_item_came_to(tmp_path: Path) -> None:
    settled = settled_of(tmp_path, *failing_run())

    load = settled.tasks["load"].standing
    assert (load.state, load.attempt, load.value, load.fingerprint) == (TaskState.SUCCEEDED, 2, INLINE, "print-load")
    assert (load.log_file, load.pid, load.duration_s) == ("logs/1-load.log", 4711, 1.0)
    assert load.is_done
    count = settled.tasks["count"]
    assert (count.standing.state, count.item_count) == (TaskState.FAILED, 3)
    assert [count.items[item].state for item in range(3)] == [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED]
    assert count.items[1].failure == RAISED
    assert settled.tasks["merge"].standing.reason == 'task "count" failed'


def test_the_facts_of_a_run_are_kept(tmp_path: Path) -> None:
    settled = settled_of(tmp_path, *failing_run())

    assert settled.run.run_id == "20251122-101500-words-900"
    assert settled.run.inputs == {"top": 2**80, "folder": "texts"}
    assert settled.run.options == {"executor": None, "fail_fast": True}
    assert settled.run.started_at == "2025-11-22T10:15:00.250000Z"
    assert settled.finished is not None
    assert (settled.finished.status, settled.finished.exit_code) == (RunStatus.FAILED, 1)
    assert settled.last_at == "2025-11-22T10:15:09.250000Z"


def test_what_began_and_did_not_end_has_no_state(tmp_path: Path) -> None:
    settled = settled_of(tmp_path, begun(), started("load"), RunStopping(AT, "interrupted"))

    assert settled.tasks["load"].standing.state is None
    assert settled.tasks["load"].standing.attempt == 1
    assert "count" not in settled.tasks
    assert settled.stopping == "interrupted"
    assert settled.finished is None


def test_a_resume_takes_back_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    again: Mapping[str, Sequence[int] | None] = {"merge": None, "count": [1]}

    settled = settled_of(tmp_path, *failing_run(), begun(again=again), started("count", 1, 2))

    assert settled.run.resumes == 1
    assert settled.finished is None
    assert settled.tasks["load"].standing.is_done
    assert "merge" not in settled.tasks
    count = settled.tasks["count"]
    assert (count.standing.state, count.item_count) == (None, 3)
    assert (count.items[1].state, count.items[1].attempt) == (None, 2)
    assert count.items[0].is_done


def test_a_journal_without_a_whole_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"timestamp":"2025-')

    with pytest.raises(StateError, match="cut off before it began"):
        read_settled(tmp_path)


def test_outputs_are_left_out_where_nobody_reads_them(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", failing_run())

    settled, _ = read_settled(tmp_path, keeps_values=False)

    assert settled.tasks["load"].standing.value is None
    assert settled.tasks["load"].standing.is_done


def put(run_dir: Path, name: str, content: bytes) -> ValueRef:
    (run_dir / "values").mkdir(exist_ok=True)
    (run_dir / "values" / name).write_bytes(content)
    return ValueRef(len(content), checksum([content]), is_plain=True, file=f"values/{name}")


def test_values_as_they_were_written_stand_and_need_no_second_look(tmp_path: Path) -> None:
    ref = put(tmp_path, "1.val", b"x" * 100_000)
    settled = settled_of(tmp_path, begun(), started("load"), succeeded("load", ref=ref))

    verified = verify(settled, tmp_path)

    assert verified.lost == {}
    value = verified.settled.tasks["load"].standing.value
    status = (tmp_path / "values" / "1.val").stat()
    assert value == replace(ref, stamp=f"{status.st_ino}:{status.st_mtime_ns}")


def test_what_lost_its_value_is_not_done_and_named(tmp_path: Path) -> None:
    told: list[Event] = [begun("same", "gone", "short", "changed", "out", "link")]
    refs = {
        name: put(tmp_path, f"{name}.val", name.encode() * 9) for name in ("same", "gone", "short", "changed", "link")
    }
    refs["out"] = replace(refs["same"], file="../outside.val")
    (tmp_path.parent / "outside.val").write_bytes(b"same" * 9)
    told += [event for name in refs for event in (started(name), succeeded(name, ref=refs[name]))]
    settled = settled_of(tmp_path, *told)
    (tmp_path / "values" / "gone.val").unlink()
    (tmp_path / "values" / "short.val").write_bytes(b"short")
    (tmp_path / "values" / "changed.val").write_bytes(b"CHANGED" * 9)
    (tmp_path / "values" / "link.val").rename(tmp_path / "elsewhere")
    (tmp_path / "values" / "link.val").symlink_to(tmp_path / "elsewhere")

    verified = verify(settled, tmp_path)

    tasks = verified.settled.tasks
    assert {name for name in refs if tasks[name].standing.is_done} == {"same", "gone"}
    assert {name for name, item in verified.lost} == set(refs) - {"same", "gone"}
    assert verified.lost["changed", None] == 'its value "values/changed.val" is not what was written'
    assert all(tasks[name].standing.value is None for name in set(refs) - {"same", "gone"})


def test_a_value_that_is_not_there_counts_until_somebody_needs_it(tmp_path: Path) -> None:
    refs = {name: put(tmp_path, f"{name}.val", name.encode() * 9) for name in ("same", "gone")}
    told = [event for name in refs for event in (started(name), succeeded(name, ref=refs[name]))]
    settled = settled_of(tmp_path, begun("same", "gone"), *told)
    (tmp_path / "values" / "gone.val").unlink()

    verified = verify(settled, tmp_path)
    needed = verified.without({"gone"})

    assert dict(verified.absent) == {
        ("gone", None): 'its value "values/gone.val" is needed again and not kept any more'
    }
    assert verified.settled.tasks["gone"].standing.is_done
    assert not verified.lost
    assert needed.lost == verified.absent
    assert not needed.absent
    assert [needed.settled.tasks[name].standing.is_done for name in ("same", "gone")] == [True, False]


def test_a_fan_out_of_which_an_item_lost_its_value_is_not_done(tmp_path: Path) -> None:
    refs = [put(tmp_path, f"{item}.val", b"x" * item) for item in (1, 2)]
    whole = replace(succeeded("count", attempt=0), outcome=None, items=2)
    items = [succeeded("count", item, ref=ref) for item, ref in enumerate(refs)]
    settled = settled_of(tmp_path, begun(), *items, whole)
    (tmp_path / "values" / "1.val").write_bytes(b"y")

    count = verify(settled, tmp_path).settled.tasks["count"]

    assert settled.tasks["count"].standing.is_done
    assert count.standing.state is None
    assert [count.items[item].is_done for item in (0, 1)] == [False, True]


def test_an_item_whose_value_is_not_there_is_made_again_with_its_fan_out_once_somebody_needs_it(tmp_path: Path) -> None:
    refs = [put(tmp_path, f"{item}.val", b"x" * item) for item in (1, 2)]
    whole = replace(succeeded("count", attempt=0), outcome=None, items=2)
    items = [succeeded("count", item, ref=ref) for item, ref in enumerate(refs)]
    settled = settled_of(tmp_path, begun(), *items, whole)
    (tmp_path / "values" / "1.val").unlink()

    verified = verify(settled, tmp_path)
    count = verified.without({"count"}).settled.tasks["count"]

    assert verified.settled.tasks["count"].standing.is_done
    assert count.standing.state is None
    assert [count.items[item].is_done for item in (0, 1)] == [False, True]


def test_the_number_of_a_value_that_is_recorded_and_gone_is_not_given_again(tmp_path: Path) -> None:
    parts = encode_parts([put(tmp_path, "21-0.val", b"x")]).join()
    inline = ValueRef(len(parts), checksum([parts]), is_plain=True, inline=parts)
    settled = settled_of(
        tmp_path, begun("a", "b"), succeeded("a", ref=put(tmp_path, "12.val", b"x")), succeeded("b", ref=inline)
    )
    for file in (tmp_path / "values").iterdir():
        file.unlink()

    assert first_free_number(tmp_path, settled) == 22
    assert first_free_number(tmp_path) == 1


def test_numbers_go_on_above_all_that_left_a_file(tmp_path: Path) -> None:
    assert first_free_number(tmp_path) == 1

    for name in ("logs/000007-load.1.log", "values/12.val", "values/9.val.4711.part", "logs/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert first_free_number(tmp_path) == 13


@pytest.mark.parametrize("file", ["", "/etc/passwd", "../x", "values/../../x", "values//x", "a\0b", "\ud800", "values"])
def test_a_path_that_is_not_in_the_run_folder_is_not_opened(tmp_path: Path, file: str) -> None:
    (tmp_path / "values").mkdir()

    with pytest.raises(OSError, match="not a"):
        open_inside(tmp_path, file)


def test_a_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    before = write_journal(path, failing_run())
    path.write_bytes(before + b'{"timestamp":"2025-11-22T10:')
    _, end = read_settled(tmp_path)

    journal = Journal.reopen(path, end)
    journal.emit(begun(again={"merge": None}))
    journal.close()

    content = path.read_bytes()
    assert content.startswith(before)
    (line,) = content.removeprefix(before).splitlines()
    record = json.loads(line)
    assert (record["event"], record["seq"], record["again"]) == ("run.resumed", 16, {"merge": None})
    assert read_settled(tmp_path)[0].run.resumes == 1


def test_a_whole_journal_loses_nothing_when_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    before = write_journal(path, failing_run())

    Journal.reopen(path, read_settled(tmp_path)[1]).close()

    assert path.read_bytes() == before


def test_a_salvage_keeps_what_it_cuts_off_beside(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = write_journal(path, failing_run()).splitlines(keepends=True)
    damaged = b"".join([*lines[:5], b"\0" * 40 + b"\n", *lines[6:]])
    path.write_bytes(damaged)
    settled, end = read_settled(tmp_path, is_salvaged=True)

    Journal.reopen(path, end).close()

    assert path.read_bytes() == b"".join(lines[:5])
    assert (tmp_path / "events.damaged.jsonl").read_bytes() == damaged
    assert set(settled.tasks) == {"load"}


def test_a_journal_that_grew_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write_journal(path, failing_run()[:-1])
    _, end = read_settled(tmp_path)
    Journal.reopen(path, end).close()
    path.write_bytes(path.read_bytes() + b"more")

    with pytest.raises(StateError, match="was changed after it was read"):
        Journal.reopen(path, end)

    assert path.read_bytes().endswith(b"more")


def test_a_journal_that_is_gone_does_not_go_on(tmp_path: Path) -> None:
    write_journal(tmp_path / "events.jsonl", [begun(), failed("load"), finished()])
    _, end = read_settled(tmp_path)
    (tmp_path / "events.jsonl").unlink()

    with pytest.raises(StateError, match="cannot go on with the journal"):
        Journal.reopen(tmp_path / "events.jsonl", end)


def test_the_folder_of_a_run_is_found_unless_it_is_a_strangers(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")

    assert RunFolder.find(tmp_path / "run", "id") == RunFolder(tmp_path / "run", "id")
    with pytest.raises(StateError, match="symbolic link"):
        RunFolder.find(tmp_path / "link", "id")
    with pytest.raises(StateError, match="no such file"):
        RunFolder.find(tmp_path / "gone", "id")
