from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.checksum import checksum
from flowpar.core.outcome import ValueRef
from flowpar.data.parts import encode_parts
from flowpar.data.removal import Removal
from flowpar.data.store import ValueStore

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 70_000


@pytest.fixture
def store(tmp_path: Path) -> ValueStore:
    return ValueStore(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "values").iterdir())


def test_files_are_removed_by_the_time_it_is_closed(store: ValueStore, tmp_path: Path) -> None:
    values = [store.put(bytes(SIZE), str(number)) for number in range(3)]
    removal = Removal(store)

    removal.remove(values[:1])
    removal.remove(values[1:2])
    removal.close()

    assert names(tmp_path) == ["2.val"]


def test_the_newest_that_fit_are_kept(store: ValueStore, tmp_path: Path) -> None:
    values = [store.put(bytes(SIZE), str(number)) for number in range(4)]
    removal = Removal(store, kept_bytes=3 * SIZE)

    removal.remove(values)
    removal.close()

    assert names(tmp_path) == ["2.val", "3.val"]


def test_a_list_of_parts_goes_with_the_files_of_its_parts(store: ValueStore, tmp_path: Path) -> None:
    parts = [store.put(bytes(SIZE), f"7-{number}") for number in range(2)]
    whole = store.put_encoded(encode_parts(parts), "7")
    as_file = store.put_encoded(encode_parts([store.put(bytes(SIZE), "8-0")]), "8", as_file=True)
    removal = Removal(store)

    removal.remove([whole, as_file])
    removal.close()

    assert not names(tmp_path)


def test_what_leads_out_of_the_folder_or_is_gone_is_let_be(store: ValueStore, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    gone = store.put(bytes(SIZE), "1")
    (tmp_path / "values" / "1.val").unlink()
    planted = encode_parts([ValueRef(4, checksum([b"mine"]), is_plain=True, file="values/../mine.txt")])
    removal = Removal(store)

    removal.remove([gone, store.put_encoded(planted, "2")])
    removal.close()

    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_nothing_is_started_where_nothing_is_removed(store: ValueStore) -> None:
    removal = Removal(store)

    removal.close()

    assert removal._thread is None  # noqa: SLF001
