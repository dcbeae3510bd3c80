"""A list that is kept in parts reads like any other list, and its parts can be had unopened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.data.codec import Damaged, NotPlain, encode
from flowpar.data.parts import count_parts, encode_parts, parts_in
from flowpar.data.store import ValueLost, ValueStore

if TYPE_CHECKING:
    from flowpar.core.outcome import ValueRef

VALUES = st.lists(st.one_of(st.integers(), st.text(max_size=20), st.lists(st.none(), max_size=3)), max_size=12)


def keep(store: ValueStore, values: list[object], *, as_files: bool = False) -> ValueRef:
    parts = [store.put(value, f"7-{index}", as_file=as_files) for index, value in enumerate(values)]
    return store.put_encoded(encode_parts(parts), "7")


@given(VALUES)
def test_it_reads_as_the_list_that_it_is(values: list[object]) -> None:
    store = ValueStore("/nowhere")
    ref = keep(store, values)

    assert store.get(ref) == store.get_plain(ref) == values
    assert store.count(ref) == len(store.parts(ref)) == len(values)


def test_parts_may_be_files(tmp_path: Path) -> None:
    store = ValueStore(tmp_path)
    ref = keep(store, [b"x" * 100_000, [1]], as_files=True)

    assert store.get(ref) == [b"x" * 100_000, [1]]
    (tmp_path / "values" / "7-1.val").unlink()
    with pytest.raises(ValueLost, match=r"7-1\.val"):
        store.get(ref)


def test_what_is_not_plain_is_opened_by_workers_only() -> None:
    store = ValueStore("/nowhere")
    ref = keep(store, [1, Path("a")])

    assert not ref.is_plain
    assert store.get(ref) == [1, Path("a")]
    with pytest.raises(NotPlain):
        store.get_plain(ref)


def test_other_values_have_no_parts() -> None:
    assert count_parts(encode([1, 2]).join()) is None


# Damage is known by its checksum before anything is read. Read all the same, an index of LONG_BINPUT makes CPython's
# unpickler reserve as much memory as it says, up to 64 GiB.
LONG_BINPUT = 0x72


@given(st.integers(0, 200), st.integers(0, 255).filter(lambda byte: byte != LONG_BINPUT))
def test_a_damaged_list_is_refused(at: int, byte: int) -> None:
    whole = bytearray(encode_parts([ValueStore("/nowhere").put(index, "7") for index in range(3)]).join())
    at = 4 + at % (len(whole) - 4)
    whole[at] = byte

    try:
        assert len(parts_in(bytes(whole))) == count_parts(bytes(whole))
    except (Damaged, NotPlain):
        return
