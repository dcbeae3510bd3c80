from __future__ import annotations

import itertools
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpar.core.errors import StateError
from flowpar.record.folding import fold
from flowpar.record.journal import sealed
from flowpar.record.reading import JournalEnd, JournalReader
from flowpar.record.settled import Settled

sys.path.insert(0, str(Path(__file__).parent))
from story import begun, failing_run, started, succeeded, write_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.record.reading import Line


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def whole(scratch: Path) -> bytes:
    content: bytes = write_journal(scratch / "whole.jsonl", failing_run())
    return content


def read(folder: Path, content: bytes, *, is_salvaged: bool = False) -> tuple[list[Line], JournalEnd]:
    path = folder / "events.jsonl"
    path.write_bytes(content)
    reader = JournalReader(path, is_salvaged=is_salvaged)
    records = list(reader)
    assert reader.end is not None
    return records, reader.end


def numbers(records: list[Line]) -> list[object]:
    return [record["seq"] for record in records]


def test_what_was_written_is_read(scratch: Path, whole: bytes) -> None:
    records, end = read(scratch, whole)

    assert numbers(records) == list(range(1, 16))
    assert end == JournalEnd(15, len(whole))
    assert records[0]["inputs"] == {"top": 2**80, "folder": "texts"}
    error = records[2]["error"]
    assert isinstance(error, dict)
    assert error["message"] == "bad row \udcff"


def test_cut_at_every_byte_the_lines_before_the_cut_are_read(scratch: Path, whole: bytes) -> None:
    ends = list(itertools.accumulate(len(line) for line in whole.splitlines(keepends=True)))

    for cut in range(len(whole) + 1):
        records, end = read(scratch, whole[:cut])

        count = sum(1 for at in ends if at <= cut)
        kept = ends[count - 1] if count else 0
        assert numbers(records) == list(range(1, count + 1)), cut
        assert end == JournalEnd(count, kept, cut - kept), cut


def flips(whole: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        yield at, bytes(damaged)


def test_flip_any_byte_and_it_is_refused_or_the_last_record_lost(scratch: Path, whole: bytes) -> None:
    lines = whole.splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    starts = [0, *itertools.accumulate(map(len, lines))]
    penultimate_end = starts[-2] - 1  # the line end between the last two records: they tear as one

    for at, damaged in flips(whole):
        hit = next(number for number in range(1, len(lines) + 1) if at < starts[number])
        if at >= penultimate_end:
            found, end = read(scratch, damaged)
            assert [record["seq"] for record in found] == numbers(records)[: hit - 1]
            assert end.dropped_bytes == len(whole) - starts[hit - 1]
            continue
        with pytest.raises(StateError) as refused:
            read(scratch, damaged)
        assert f"corrupt at record {hit}" in refused.value.message or "of version" in refused.value.message
        if "of version" not in refused.value.message:
            kept, end = read(scratch, damaged, is_salvaged=True)
            assert [record["seq"] for record in kept] == list(range(1, hit))
            assert (end.count, end.size_bytes, end.damaged_at) == (hit - 1, starts[hit - 1], hit)


def damages(lines: list[bytes]) -> dict[str, tuple[int, list[bytes]]]:
    return {
        "a bad line with good ones after it": (4, [*lines[:3], b"{}\n", *lines[3:]]),
        "zeroed": (4, [*lines[:3], bytes(len(lines[3])), *lines[4:]]),
        "a line left out": (4, [*lines[:3], *lines[4:]]),
        "a line left out before the last": (14, [*lines[:13], lines[14]]),
        "a line twice": (4, [*lines[:3], lines[2], *lines[3:]]),
        "the last line twice": (16, [*lines, lines[-1]]),
        "two lines swapped": (4, [*lines[:3], lines[4], lines[3], *lines[5:]]),
        "another journal after it": (16, [*lines, *lines]),
        "an empty line": (4, [*lines[:3], b"\n", *lines[3:]]),
        "zeroed as a whole": (1, [bytes(sum(map(len, lines)))]),
        "no journal": (1, [b"hello\n"]),
        "the first line left out": (1, lines[1:]),
    }


@pytest.mark.parametrize("name", damages([b""] * 15))
def test_damage_is_refused_with_the_number_of_the_record(scratch: Path, whole: bytes, name: str) -> None:
    number, content = damages(whole.splitlines(keepends=True))[name]

    with pytest.raises(StateError, match=rf"corrupt at record {number}\b") as refused:
        read(scratch, b"".join(content))

    assert refused.value.exit_code == 3


@pytest.mark.parametrize("tail", [b'{"timestamp":"2025', b"\x00" * 4096, b"garbage\nand more\n", b"\n", b"\xff\xfe"])
def test_a_torn_tail_is_let_go(scratch: Path, whole: bytes, tail: bytes) -> None:
    records, end = read(scratch, whole + tail)

    assert len(records) == 15
    assert end == JournalEnd(15, len(whole), len(tail))


@pytest.mark.parametrize("is_salvaged", [False, True])
def test_a_journal_of_another_version_is_refused(scratch: Path, *, is_salvaged: bool) -> None:
    line = sealed(b'{"timestamp":"2030","seq":1,"event":"run.started","journal":2}')

    with pytest.raises(StateError, match="is of version 2, and this flowpar reads 1"):
        read(scratch, line, is_salvaged=is_salvaged)


def test_another_way_of_sealing_is_known_by_its_version(scratch: Path) -> None:
    with pytest.raises(StateError, match="is of version 3"):
        read(scratch, b'{"event":"run.started","journal":3,"sha256":"00"}\n')


@pytest.mark.parametrize("first", [b'{"seq":1,"event":"task.started"}', b'{"seq":1,"event":"run.started"}', b"[1,2]"])
def test_a_journal_that_does_not_begin_with_a_run_is_refused(scratch: Path, first: bytes) -> None:
    with pytest.raises(StateError, match="corrupt at record 1"):
        read(scratch, sealed(first))


def test_nesting_that_no_reader_bears_is_refused(scratch: Path, whole: bytes) -> None:
    deep = sealed(b'{"seq":16,"event":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    with pytest.raises(StateError, match="corrupt at record 16"):
        read(scratch, whole + deep)


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b"\n"), st.integers(0, 14)), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_in_the_file_is_read_or_refused(scratch: Path, whole: bytes, parts: list[bytes | int]) -> None:
    lines = whole.splitlines(keepends=True)
    content = b"".join(lines[part] if isinstance(part, int) else part for part in parts)

    for is_salvaged in (False, True):
        try:
            records, end = read(scratch, content, is_salvaged=is_salvaged)
        except StateError:
            continue
        assert numbers(records) == list(range(1, end.count + 1))
        assert content.startswith(b"".join(lines[: end.count]))
        assert end.size_bytes + end.dropped_bytes == len(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.integers(0, 14), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_sealed_record_with_any_field_made_odd_is_folded_or_refused(
    scratch: Path, whole: bytes, at: int, data: st.DataObject
) -> None:
    records = [json.loads(line) for line in whole.splitlines()]
    field = data.draw(st.sampled_from(sorted(set(records[at]) - {"seq", "journal", "crc32"})))
    records[at][field] = data.draw(JSON)
    lines = [sealed(json.dumps({k: v for k, v in record.items() if k != "crc32"}).encode()) for record in records]

    with suppress(StateError):
        assert isinstance(fold(read(scratch, b"".join(lines))[0]), Settled)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name, message in {
        "fifo": "not a file",
        "link": "cannot read",
        "gone": "no such file",
        ".": "cannot read|not a",
    }.items():
        with pytest.raises(StateError, match=message):
            list(JournalReader(tmp_path / name))


def test_ten_thousand_completed_tasks_are_read_and_folded_quickly(tmp_path: Path) -> None:
    names = [f"task-{number}" for number in range(10_000)]
    told = [begun(*names), *(event for name in names for event in (started(name), succeeded(name)))]
    write_journal(tmp_path / "events.jsonl", told)
    # The measure: parsing the same lines and nothing else, so that a busy machine slows both.
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    ratios = []

    for _ in range(3):
        began = time.process_time()
        parsed = [orjson.loads(line) for line in lines]
        parsing_s = time.process_time() - began
        began = time.process_time()
        settled = fold(JournalReader(tmp_path / "events.jsonl"))
        ratios.append((time.process_time() - began) / parsing_s)
        assert len(parsed) == 20_001

    assert sum(task.standing.is_done for task in settled.tasks.values()) == 10_000
    assert min(ratios) < 12
