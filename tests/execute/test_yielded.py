"""What a function yields is kept and told one by one, and anything may be told."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import ValueRef
from flowpar.data.codec import NotEncodable
from flowpar.data.parts import parts_in
from flowpar.data.store import ValueStore
from flowpar.execute.yielded import keep_yielded, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

REFS = st.one_of(
    st.builds(ValueRef, st.integers(0), st.text(), st.booleans(), st.binary(), st.none(), st.text()),
    st.builds(ValueRef, st.integers(0), st.text(), st.booleans(), st.none(), st.text(), st.text()),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(), inner, max_size=3),
)


def keep(value: object, index: int) -> ValueRef:
    return ValueStore("/nowhere").put(value, str(index))


@given(st.integers(0, 9_999_999), REFS)
def test_what_is_told_arrives(index: int, ref: ValueRef) -> None:
    assert unpack(json.loads(json.dumps({"index": index, "value": pack(ref)}))) == (index, ref)


@given(st.fixed_dictionaries({}, optional={"index": JSON, "value": JSON}))
def test_whatever_a_task_may_tell_is_taken_or_left(body: Mapping[str, object]) -> None:
    found = unpack(body)

    assert found is None or found[0] >= 0


def test_each_value_is_told_before_the_next_one_is_made() -> None:
    told: list[object] = []

    def numbers() -> Generator[int, None, None]:
        for number in range(3):
            assert len(told) == number
            yield number * 10

    encoded = keep_yielded(numbers(), keep, told.append)

    store = ValueStore("/nowhere")
    assert [store.get(part) for part in parts_in(encoded.join())] == [0, 10, 20]
    assert [found[0] for each in told if (found := unpack(each)) is not None] == [0, 1, 2]  # type: ignore[arg-type]


def test_a_value_that_cannot_be_passed_on_is_named_by_its_place() -> None:
    def locks() -> Generator[object, None, None]:
        yield 1
        yield {"a": threading.Lock()}

    with pytest.raises(NotEncodable, match=r'output\[1\]\["a"\] is a lock'):
        keep_yielded(locks(), keep, None)
