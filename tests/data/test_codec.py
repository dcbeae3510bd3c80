from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import fractions
import io
import math
import pickle
import socket
import sys
import threading
import types
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.data.codec import (
    Damaged,
    NotEncodable,
    NotPlain,
    decode,
    decode_plain,
    encode,
    encode_plain,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.floats(allow_nan=False), inner, max_size=4)
    ),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = 1


class Pair(NamedTuple):
    left: int
    right: str


@dataclass(frozen=True)
class Model:
    name: str
    weights: object


class Held:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner


class TwoArguments(Exception):  # noqa: N818
    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} {second}")


class RaisesWhenPickled:
    def __reduce__(self) -> str:
        raise RuntimeError("no pickle of me")


class RaisesWhenMadeAgain:
    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("not a number",)


def view_of(value: Any) -> memoryview:
    return memoryview(value)


def through(value: object) -> Any:
    return decode(encode(value).join())


@given(PLAIN)
def test_plain_data_comes_back_as_it_was_for_workers_and_for_the_engine(value: object) -> None:
    encoded = encode(value)

    assert encoded.is_plain
    assert encoded.size_bytes == len(encoded.join())
    assert repr(decode(encoded.join())) == repr(value)
    assert repr(decode_plain(encoded.join())) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Pair(1, "x"),
        Model("m", [1, 2]),
        Path("a/b"),
        PurePosixPath("/x"),
        decimal.Decimal("1.10"),
        fractions.Fraction(1, 3),
        uuid.UUID(int=5),
        dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC),
        dt.date(2024, 5, 1),
        dt.timedelta(seconds=3),
        complex(1, 2),
        range(3),
        collections.Counter("aab"),
        collections.OrderedDict(a=1),
        collections.deque([1, 2], maxlen=2),
        ValueError("x"),
        {Colour.RED: {Pair(1, "y")}},
    ],
)
def test_values_of_classes_come_back_equal_and_of_the_same_type(value: object) -> None:
    encoded = encode(value)

    back = decode(encoded.join())

    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert not encoded.is_plain
    with pytest.raises(NotPlain):
        decode_plain(encoded.join())


@pytest.mark.parametrize("value", [{1, 2}, frozenset({1}), b"x", bytearray(b"y"), "\ud800 lone", -0.0, 10**400])
def test_other_built_in_values_come_back_exactly(value: object) -> None:
    back = through(value)

    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_what_is_shared_inside_a_value_stays_shared() -> None:
    inner: list[int] = []

    first, second = through([inner, inner])

    assert first is second


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10_000, dtype=np.float32),
        np.arange(40_000).reshape(200, 200).T,
        np.asfortranarray(np.ones((100, 100))),
        np.arange(20_000)[::2],
        np.array(3.5),
        np.array([]),
        np.array([None, "x", {1: 2}], dtype=object),
        np.zeros(2000, dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2024-01-01"] * 2000, dtype="datetime64[s]"),
        np.array(["short", "text"]),
        np.ma.masked_array([1, 2, 3], mask=[False, True, False]),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_come_back_exactly_and_can_be_written(array: np.ndarray[Any, Any]) -> None:
    back = through(array)

    assert type(back) is type(array)
    assert back.dtype == array.dtype
    assert back.flags.f_contiguous == array.flags.f_contiguous or array.strides != back.strides
    assert np.array_equal(back, array) if array.dtype != object else list(back) == list(array)
    assert back.flags.writeable


def test_a_read_only_array_stays_read_only() -> None:
    array = np.arange(10_000)
    array.setflags(write=False)

    assert not through(array).flags.writeable


def test_a_large_array_is_not_copied_where_it_is_decoded_from_writable_memory() -> None:
    memory = memoryview(bytearray(encode({"a": np.zeros(100_000)}).join()))

    first: Any = decode(memory)
    first["a"][0] = 7.0

    second: Any = decode(memory)
    assert second["a"][0] == 7.0


@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"read only"),
        memoryview(bytearray(10_000)),
        view_of(np.arange(10_000).reshape(100, 100)),
        view_of(np.arange(10_000))[::2],
        view_of(np.asfortranarray(np.arange(10_000.0).reshape(100, 100))),
        view_of(np.array(5)),
        memoryview(b""),
    ],
    ids=lambda view: f"{view.format}-{view.shape}",
)
def test_memoryviews_come_back_with_their_form(view: memoryview) -> None:
    back = through({"view": view})["view"]

    assert type(back) is memoryview
    assert (back.format, back.shape, back.tolist()) == (view.format, view.shape, view.tolist())
    assert back.readonly or not view.readonly


def test_a_memoryview_is_not_copied_where_it_is_decoded_from_writable_memory() -> None:
    memory = memoryview(bytearray(encode(memoryview(bytearray(100_000))).join()))

    first: Any = decode(memory)
    first[0] = 7

    second: Any = decode(memory)
    assert second[0] == 7


PARTS: st.SearchStrategy[Any] = st.recursive(
    st.binary(max_size=6000)
    | st.binary(max_size=6000).map(bytearray)
    | st.binary(max_size=9000).map(view_of)
    | st.integers(0, 5000).map(lambda size: np.arange(size, dtype="i2"))
    | st.integers(0, 5000).map(lambda size: np.arange(2 * size)[::2])
    | st.none()
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


def is_alike(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_alike, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(is_alike, one.values(), other.values()))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other))
    return bool(one == other)


@given(PARTS)
def test_values_with_many_buffers_come_back_as_they_were_wherever_their_bytes_are(value: object) -> None:
    data = encode(value).join()

    assert is_alike(decode(data), value)
    assert is_alike(decode(memoryview(bytearray(data))), value)


@given(PARTS, st.data())
def test_an_encoding_that_is_cut_off_is_never_read_past_its_end(value: object, data: st.DataObject) -> None:
    whole = encode(value).join()
    cut = data.draw(st.integers(0, len(whole) - 1))

    with suppress(Exception):  # Damaged, or what pickle says
        assert not is_alike(decode(whole[:cut]), value)


def test_large_buffers_start_on_a_page() -> None:
    encoded = encode([np.zeros(10_000), np.ones(10_000)])
    data = encoded.join()

    arrays: Any = decode(memoryview(bytearray(data)))
    base = arrays[0].ctypes.data

    assert (arrays[1].ctypes.data - base) % 4096 == 0


def test_large_bytes_are_handed_on_without_a_copy() -> None:
    value = bytes(1 << 20)

    assert any(chunk is value for chunk in encode([value]).chunks)


def test_a_memory_map_becomes_an_array_of_its_own(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "m", dtype="i4", mode="w+", shape=(5000,))
    mapped[:] = 3

    back = through(mapped)

    assert np.array_equal(back, np.full(5000, 3))


def a_generator() -> Any:
    yield 1


def a_local_object() -> object:
    class Local:
        pass

    return Local()


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "start", "instead"),
    [
        ({"model": Held()}, 'output["model"].lock is a lock', "leave it out"),
        ([1, {"f": lambda x: x}], 'output[1]["f"] is a lambda', "return the data"),
        (Slotted([threading.RLock()]), "output.inner[0] is a lock", "leave it out"),
        (Pair(1, a_generator()), "output.right is a generator", "return a list"),
        ((threading.Lock(),), "output[0] is a lock", "leave it out"),
        (a_generator(), "output is a generator", "return a list"),
        (types, 'output is a module "types"', "return what you need"),
        (view_of(np.zeros(3, dtype="i4,i4")), "output is a memoryview", "return bytes"),
        (a_local_object(), 'output is an object of class "Local" from inside a function, which', "define the class"),
        ({"e": TwoArguments(1, 2)}, 'output["e"] is a TwoArguments, which cannot be passed on: TypeError', "return"),
        ([RaisesWhenPickled()], "output[0] is a RaisesWhenPickled, which cannot be passed on: no pickle", "return"),
        (
            [RaisesWhenMadeAgain()],
            "output[0] is a RaisesWhenMadeAgain, which cannot be passed on: ValueError",
            "return",
        ),
        (deep(), "output is nested too deeply to be passed on", "return a flat list"),
        ({threading.Lock(): 1}, "output key", "leave it out"),
    ],
)
def test_what_cannot_be_passed_on_is_named_by_its_path(value: object, start: str, instead: str) -> None:
    with pytest.raises(NotEncodable) as caught:
        encode(value)

    assert caught.value.message.startswith(start)
    assert f"; {instead}" in caught.value.message
    assert "\n" not in caught.value.message


def test_an_open_file_and_a_socket_are_named(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file, pytest.raises(NotEncodable) as of_file:
        encode({"log": file})
    with socket.socket() as end, pytest.raises(NotEncodable) as of_socket:
        encode([end])

    assert of_file.value.message.startswith('output["log"] is an open file')
    assert of_socket.value.message.startswith("output[0] is a socket")


class Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return io.open, ("/dev/null",)


def test_the_engine_never_runs_what_a_pickle_asks_for() -> None:
    with pytest.raises(NotPlain):
        decode_plain(pickle.dumps(Trap()))


@given(st.binary(max_size=60), st.integers(0, 200))
def test_damaged_bytes_are_told_apart_from_values(noise: bytes, cut: int) -> None:
    good = encode([np.arange(5000), "x"]).join()

    for data in (good[: min(cut, len(good) - 1)], good[:4] + noise):
        with pytest.raises((Damaged, NotPlain)):
            decode_plain(data)


def test_our_own_tables_come_back_as_views_of_what_they_were_read_from() -> None:
    data = bytearray(encode_plain({"n": 3, "body": bytes(10_000)}, apart={"body"}).join())

    back: Any = decode_plain(memoryview(data))

    assert back["n"] == 3
    assert isinstance(back["body"], memoryview)
    assert len(back["body"]) == 10_000


def test_nan_comes_back() -> None:
    back = through([math.nan, math.inf])

    assert math.isnan(back[0])
    assert back[1] == math.inf


def test_a_raised_recursion_limit_does_not_let_a_deep_value_crash_the_process() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(NotEncodable, match="nested too deeply"):
            encode(deep())
        assert sys.getrecursionlimit() == 1_000_000
    finally:
        sys.setrecursionlimit(limit)
