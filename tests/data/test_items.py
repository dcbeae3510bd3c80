from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.data.codec import NotEncodable, decode
from flowpar.data.items import PackedItems, pack_items


@given(st.lists(st.one_of(st.integers(), st.text(), st.lists(st.booleans()))))
def test_each_item_can_be_taken_by_itself(values: list[object]) -> None:
    packed = pack_items(values)

    assert len(packed) == len(values)
    assert [decode(packed.view(index)) for index in range(len(packed))] == values


@given(st.lists(st.integers(), min_size=1), st.data())
def test_items_can_be_chosen_in_any_order_and_repeated(values: list[int], data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, len(values) - 1)))

    chosen = pack_items(values).select(indices)

    assert [decode(chosen.view(place)) for place in range(len(chosen))] == [values[index] for index in indices]


def test_arrays_among_items_are_aligned_where_the_whole_is() -> None:
    packed = pack_items(["x", np.arange(5000.0), None, np.arange(7000.0)])
    opened = PackedItems.open(bytes(packed.places), memoryview(bytearray(packed.body)))

    arrays = [decode(opened.view(index)) for index in (1, 3)]

    assert all(isinstance(array, np.ndarray) and array.flags.aligned for array in arrays)


def test_an_item_that_cannot_be_passed_on_is_refused() -> None:
    with pytest.raises(NotEncodable):
        pack_items([1, lambda: None])
