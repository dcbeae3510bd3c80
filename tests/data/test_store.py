from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpar.data.codec import NotPlain
from flowpar.data.room import NoRoom
from flowpar.data.store import INLINE_BYTES, ValueLost, ValueStore

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef


@pytest.fixture
def store(tmp_path: Path) -> ValueStore:
    return ValueStore(tmp_path)


def large(store: ValueStore) -> tuple[np.ndarray[Any, Any], ValueRef]:
    array = np.arange(100_000)
    return array, store.put(array, "1")


def test_a_small_value_travels_inside_its_reference(store: ValueStore, tmp_path: Path) -> None:
    ref = store.put({"a": [1, "x"]}, "1")

    assert ref.inline is not None
    assert ref.is_plain
    assert store.get(ref) == store.get_plain(ref) == {"a": [1, "x"]}
    assert not list(tmp_path.iterdir())


def test_a_large_value_is_a_file_that_only_its_owner_may_read(store: ValueStore, tmp_path: Path) -> None:
    array, ref = large(store)

    file = tmp_path / (ref.file or "")
    assert ref.inline is None
    assert file.stat().st_size == ref.size_bytes
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert np.array_equal(store.get(ref), array)  # type: ignore[arg-type]
    assert [path.name for path in file.parent.iterdir()] == ["1.val"]


@pytest.mark.parametrize("size", [INLINE_BYTES, INLINE_BYTES * 3, 20 << 20])
def test_bytes_of_any_size_come_back(store: ValueStore, size: int) -> None:
    value = os.urandom(1024) * (size // 1024)

    assert store.get(store.put([value], "1")) == [value]


def test_a_reader_may_change_its_copy_without_harming_the_next(store: ValueStore) -> None:
    array, ref = large(store)

    mine: Any = store.get(ref)
    mine[:] = -1

    assert np.array_equal(store.get(ref), array)  # type: ignore[arg-type]


def test_the_engine_gets_plain_data_from_files_and_nothing_else(store: ValueStore) -> None:
    plain = store.put(["x" * 100] * 2000, "1")
    _, ref = large(ValueStore(store._run_dir + "/other"))  # noqa: SLF001

    assert store.get_plain(plain) == ["x" * 100] * 2000
    with pytest.raises(NotPlain):
        ValueStore(store._run_dir + "/other").get_plain(ref)  # noqa: SLF001


def test_a_deleted_file_is_named(store: ValueStore, tmp_path: Path) -> None:
    _, ref = large(store)
    (tmp_path / "values/1.val").unlink()

    with pytest.raises(ValueLost, match=r'"values/1\.val" cannot be read: No such file'):
        store.get(ref)


def test_a_shortened_file_is_named(store: ValueStore, tmp_path: Path) -> None:
    _, ref = large(store)
    os.truncate(tmp_path / "values/1.val", 1000)

    with pytest.raises(ValueLost, match="has 1000 bytes"):
        store.get(ref)


def test_an_altered_file_is_refused_and_a_copied_one_is_not(store: ValueStore, tmp_path: Path) -> None:
    array, ref = large(store)
    file = tmp_path / "values/1.val"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)

    assert np.array_equal(store.get(ref), array)  # type: ignore[arg-type]

    file.write_bytes(content[:-1] + b"\x99")
    os.utime(file, ns=(1, 1))
    with pytest.raises(ValueLost, match="checksum does not match"):
        store.get(ref)


def test_a_link_in_place_of_a_value_is_refused(store: ValueStore, tmp_path: Path) -> None:
    _, ref = large(store)
    file = tmp_path / "values/1.val"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ValueLost):
        store.get(ref)


def test_a_full_disk_leaves_no_draft_behind(store: ValueStore, tmp_path: Path) -> None:
    (tmp_path / "values").mkdir()
    (tmp_path / "values/1.val").mkdir()

    with pytest.raises(OSError, match="directory"):
        large(store)

    assert [path.name for path in (tmp_path / "values").iterdir()] == ["1.val"]


def test_files_hold_no_more_together_than_they_may(tmp_path: Path) -> None:
    store = ValueStore(tmp_path, limit_bytes=2_000_000)
    store.put(np.zeros(100_000), "1")
    store.put(np.zeros(100_000), "2")

    with pytest.raises(NoRoom) as caught:
        store.put(np.zeros(100_000), "3")

    assert caught.value.message == (
        "output of 0.8 MiB does not fit: values hold 1.5 MiB of the 1.9 MiB that they may; "
        "let fewer large values be needed at once, or resume with a larger --values-limit"
    )
    assert sorted(path.name for path in (tmp_path / "values").iterdir()) == ["1.val", "2.val"]
    assert store.put("small", "4").inline is not None


def test_a_value_that_is_removed_makes_room_and_so_does_the_draft_of_a_process_that_is_gone(tmp_path: Path) -> None:
    store = ValueStore(tmp_path, limit_bytes=1_000_000)
    ref = store.put(np.zeros(100_000), "1")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f"values/9.val.{gone.pid}.part").write_bytes(bytes(500_000))
    (tmp_path / (ref.file or "")).unlink()

    store.put(np.zeros(100_000), "2")

    assert [path.name for path in (tmp_path / "values").iterdir()] == ["2.val"]


def test_the_draft_of_another_process_counts_with_all_of_its_size(tmp_path: Path) -> None:
    (tmp_path / "values").mkdir()
    with (tmp_path / f"values/9.val.{os.getppid()}.part").open("wb") as draft:
        draft.truncate(500_000)

    with pytest.raises(NoRoom):
        ValueStore(tmp_path, limit_bytes=1_000_000).put(np.zeros(100_000), "1")


def test_a_value_that_is_synced_is_as_any_other(tmp_path: Path) -> None:
    store = ValueStore(tmp_path, is_synced=True)

    array, ref = large(store)

    assert np.array_equal(store.get(ref), array)  # type: ignore[arg-type]


@given(st.integers(0, 800_127), st.integers(1, 255))
@settings(deadline=None)
def test_a_byte_that_is_flipped_anywhere_is_found_once_the_file_is_another_one(place: int, bits: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ValueStore(folder)
        _, ref = large(store)
        file = Path(folder, ref.file or "")
        content = bytearray(file.read_bytes())
        content[place % len(content)] ^= bits
        file.write_bytes(content)
        os.utime(file, ns=(1, 1))

        with pytest.raises(ValueLost, match=r'the value file "values/1\.val" was changed: its checksum does not match'):
            store.get(ref)


def test_a_checksum_is_the_same_however_large_the_value_is(store: ValueStore) -> None:
    first, second = store.put(np.ones(1 << 20), "1"), store.put(np.ones(1 << 20), "2")

    assert first.checksum == second.checksum
    assert first.checksum.startswith("blake2b:")


def test_a_copy_that_is_nearer_is_read_and_one_that_is_damaged_is_not(tmp_path: Path) -> None:
    near = tmp_path / "near"
    near.mkdir()
    store = ValueStore(tmp_path)
    ref = store.put("x" * 100_000, "1")
    file = tmp_path / (ref.file or "")
    copy = near / file.name
    copy.write_bytes(file.read_bytes())
    reader = ValueStore(tmp_path, near=str(near))

    file.rename(tmp_path / "elsewhere")
    assert reader.get(ref) == "x" * 100_000

    (tmp_path / "elsewhere").rename(file)
    copy.write_bytes(bytes(copy.stat().st_size))
    assert reader.get(ref) == "x" * 100_000
