from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from flowpar.data.codec import NotPlain
from flowpar.data.store import INLINE_BYTES, ValueLost, ValueStore

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_checksum_is_the_same_however_large_the_value_is(store: ValueStore) -> None:
    first, second = store.put(np.ones(1 << 20), "1"), store.put(np.ones(1 << 20), "2")

    assert first.checksum == second.checksum
    assert first.checksum.startswith("blake2b:")
