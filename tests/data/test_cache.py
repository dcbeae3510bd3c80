"""The folder of a cache: what is kept is found as it was, or not at all."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpar.data.cache import CacheFolder
from flowpar.data.cache_entry import BadEntry, Entry, unpack
from flowpar.data.cache_secret import secret_of
from flowpar.data.store import ValueStore
from flowpar.record.cache_care import list_kept, remove, size_of, sweep, verify
from flowpar.record.seen_files import SeenFiles

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    folder = CacheFolder(str(tmp_path / "cache"))
    folder.create()
    return folder


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def kept(cache: CacheFolder, run_dir: Path, value: object, *, key: str = KEY, name: str = "1") -> Entry:
    ref = ValueStore(run_dir, is_known_anywhere=True).put(value, name)
    entry = Entry(key, time.time(), ("a-run", "task"), 0.5, {"kind": "python"}, ref)
    cache.keep(entry, str(run_dir))
    return entry


@pytest.mark.parametrize("value", [1, "text", [1.5, None], b"x" * 100_000, list(range(50_000))])
def test_a_value_comes_back_as_it_was(cache: CacheFolder, run_dir: Path, tmp_path: Path, value: object) -> None:
    kept(cache, run_dir, value)
    other = tmp_path / "other"
    other.mkdir()

    found = cache.find(KEY)
    assert found is not None
    ref = cache.restore(found, str(other), "7")

    assert ValueStore(other).get(ref) == value
    assert found.parts == {"kind": "python"}


def test_nothing_is_found_under_another_key(cache: CacheFolder, run_dir: Path) -> None:
    kept(cache, run_dir, 1)

    assert cache.find(KEY[::-1]) is None


@settings(max_examples=200)
@given(st.data())
def test_no_damage_of_an_entry_passes(data: st.DataObject) -> None:
    ref = ValueStore("/nowhere").put([1, 2, 3], "1")
    content = Entry(KEY, 1.0, ("run", "task"), 0.5, {"a": "b"}, ref).pack()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    harmed = data.draw(st.sampled_from([content[:place], content[:place] + bytes([byte]) + content[place + 1 :]]))

    with pytest.raises(BadEntry):
        unpack(harmed, KEY)


def test_an_altered_blob_is_not_taken_again_for_the_same_value(
    cache: CacheFolder, run_dir: Path, tmp_path: Path
) -> None:
    value = b"x" * 100_000
    kept(cache, run_dir, value)
    (blob,) = Path(cache.path, "blobs").glob("*/*")
    blob.unlink()
    blob.write_bytes(b"y" * blob.stat().st_size if blob.exists() else b"y" * 100_022)

    kept(cache, run_dir, value, name="2")
    found = cache.find(KEY)
    assert found is not None
    other = tmp_path / "other"
    other.mkdir()

    assert ValueStore(other).get(cache.restore(found, str(other), "1")) == value


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    assert secret_of(str(tmp_path)) == secret_of(str(tmp_path))
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_no_damage_of_a_secret_passes(tmp_path: Path) -> None:
    secret, file = secret_of(str(tmp_path)), tmp_path / "key"
    content = file.read_bytes()
    for place in range(len(content)):
        for harmed in (content[:place], content[:place] + b"\0" + content[place + 1 :]):
            if harmed in {content, secret}:
                continue
            file.write_bytes(harmed)
            told: list[str] = []
            assert secret_of(str(tmp_path), told.append) != secret
            assert len(told) == bool(harmed)


def test_a_secret_from_before_they_had_checksums_is_taken_as_it_is(tmp_path: Path) -> None:
    early, told = bytes(range(32)), list[str]()
    (tmp_path / "key").write_bytes(early)

    assert secret_of(str(tmp_path), told.append) == early
    assert told == []


def test_what_was_not_used_for_longest_goes_first(cache: CacheFolder, run_dir: Path) -> None:
    keys = [f"{number:032x}" for number in range(4)]
    for number, key in enumerate(keys):
        kept(cache, run_dir, bytes([number]) * 100_000, key=key, name=str(number))
        os.utime(cache.entry_path(key), (number, number))
    cache.touch(keys[0])

    swept = sweep(cache, 210_000)
    assert swept is not None

    assert [entry.entry.key for entry in list_kept(cache)] == [keys[0], keys[3]]
    assert (swept.entries, swept.left_bytes) == (2, size_of(cache))
    assert verify(cache) == (2, [])


def test_a_blob_that_others_need_stays(cache: CacheFolder, run_dir: Path) -> None:
    one, two = "1" * 32, "2" * 32
    kept(cache, run_dir, b"x" * 100_000, key=one)
    kept(cache, run_dir, b"x" * 100_000, key=two, name="2")

    remove(cache, lambda kept: kept.entry.key == one)

    assert verify(cache) == (1, [])


def test_verify_finds_and_removes_what_is_not_sound(cache: CacheFolder, run_dir: Path) -> None:
    one, two, three = "1" * 32, "2" * 32, "3" * 32
    for number, key in enumerate((one, two, three)):
        kept(cache, run_dir, bytes([number]) * 100_000, key=key, name=str(number))
    Path(cache.entry_path(one)).write_bytes(b"")
    found = cache.find(two)
    assert found is not None
    Path(cache.blob_path(found.value.file or "")).unlink()

    Path(cache.blob_path("4" * 32)).mkdir(parents=True)

    sound, problems = verify(cache)

    assert (sound, len(problems)) == (1, 3)
    assert verify(cache) == (1, [])


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_all_that_is_in_a_folder_of_a_group_is_the_groups_under_any_umask(tmp_path: Path, mask: int) -> None:
    path, run = tmp_path / "shared", tmp_path / "run"
    path.mkdir()
    path.chmod(0o2770)
    run.mkdir()
    before = os.umask(mask)
    try:
        cache = CacheFolder(str(path))
        cache.create()
        secret_of(cache.path)
        kept(cache, run, b"x" * 100_000)
        (run / "file").write_bytes(b"file")
        cache.keep_file(str(run / "file"))
        with cache.keeping():
            pass
        seen = SeenFiles(path)
        seen.digest(cache.blob_path(next(path.glob("blobs/*/*")).name))
        seen.close()
    finally:
        os.umask(before)

    rights = {file: stat.S_IMODE(file.stat().st_mode) for file in path.rglob("*")}
    assert len(rights) >= 11
    assert {file: mode for file, mode in rights.items() if mode != (0o2770 if file.is_dir() else 0o660)} == {}
