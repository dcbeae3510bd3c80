"""Room is made while others keep: no entry names a blob that is gone, and nobody waits for ever."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowpar.data import cache_gate
from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import Entry
from flowpar.data.store import ValueStore
from flowpar.record import cache_care
from flowpar.record.cache_care import remove, size_of, sweep, verify


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    folder = CacheFolder(str(tmp_path / "cache"))
    folder.create()
    return folder


def keep(cache: CacheFolder, folder: Path, number: int) -> None:
    """Keep one of three values under a key of its own, as a worker does."""
    ref = ValueStore(folder, is_known_anywhere=True).put(bytes([number % 3]) * 100_000, str(number))
    with cache.keeping():
        cache.keep(Entry(f"{number:032x}", time.time(), ("run", "task"), 0.1, {}, ref), str(folder))


def test_no_blob_goes_between_being_written_and_being_named(
    cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    monkeypatch.setattr(cache_care, "_PATIENCE_S", 0.05)

    with cache.keeping():
        blob, _, _ = cache.keep_file(str(tmp_path / "file"))
        during = sweep(cache, 0)
        is_there = os.path.lexists(cache.blob_path(blob))
    after = sweep(cache, 0)

    assert is_there
    assert during == cache_care.Swept(0, 0, 10_000)
    assert after == cache_care.Swept(0, 10_000, 0)


def test_what_is_removed_by_name_frees_its_room_at_once(cache: CacheFolder, tmp_path: Path) -> None:
    for number in range(6):
        keep(cache, tmp_path, number)
    before = size_of(cache)

    swept = remove(cache, lambda kept: kept.entry.key.endswith(("0", "3")))

    assert swept is not None
    assert (swept.entries, swept.left_bytes) == (2, size_of(cache))
    assert 100_000 < swept.freed_bytes == before - size_of(cache)


def test_a_blob_that_is_found_again_is_young_again(cache: CacheFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    blob, _, stamp = cache.keep_file(str(tmp_path / "file"))
    file = Path(cache.blob_path(blob))
    before = file.stat().st_ctime_ns
    due = time.monotonic() + 5
    while file.stat().st_ctime_ns == before and time.monotonic() < due:  # the clock of files ticks
        assert cache.keep_file(str(tmp_path / "file"))[2] == stamp

    assert file.stat().st_ctime_ns > before


def test_room_is_made_all_the_time_and_no_entry_is_torn(cache: CacheFolder, tmp_path: Path) -> None:
    def keep_many(worker: int) -> None:
        folder = tmp_path / str(worker)
        folder.mkdir()
        for number in range(40):
            keep(cache, folder, worker * 40 + number)

    problems: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        at_it = [pool.submit(keep_many, worker) for worker in range(3)]
        while not all(each.done() for each in at_it):
            assert sweep(cache, 150_000) is not None
            problems += verify(cache)[1]
        for each in at_it:
            each.result()

    assert problems == []
    assert sweep(cache, 0) is not None
    assert size_of(cache) == 0


def test_nobody_waits_for_ever_for_one_that_was_stopped(
    cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_gate, "_KEEPERS_PATIENCE_S", 0.05)

    with cache_gate.alone(cache.path, 0o600, patience_s=1.0) as is_alone:
        keep(cache, tmp_path, 1)

    assert is_alone
    assert verify(cache) == (1, [])
