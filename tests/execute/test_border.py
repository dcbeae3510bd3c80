from __future__ import annotations

import collections
import datetime as dt
import enum
import typing
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, Protocol, TypedDict, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.border import convert, prove
from flowpar.execute.conversion import Unfit

MOMENT = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)
UserId = NewType("UserId", int)
T = typing.TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    ODD = "RED"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Row(TypedDict):
    id: int
    at: NotRequired[dt.date]


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Inner:
    depth: int


class Closable(Protocol):
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "annotation", "wanted"),
    [
        ("a/b", Path, Path("a/b")),
        ("a/b", PurePath, PurePath("a/b")),
        (Path("a"), Path, Path("a")),
        (3, float, 3.0),
        (True, float, True),
        (3, int, 3),
        ("a", str, "a"),
        ("2024-05-01T12:30:00Z", dt.datetime, MOMENT),
        ("2024-05-01", dt.date, dt.date(2024, 5, 1)),
        (MOMENT, dt.date, MOMENT),
        (None, Path | None, None),
        ("a", Path | None, Path("a")),
        ("a", Optional[Path], Path("a")),  # noqa: UP045
        ("a", Union[str, Path], "a"),  # noqa: UP007
        (3, int | float, 3),
        (3, float | None, 3.0),
        ("2024-05-01", dt.date | str, "2024-05-01"),
        ("soon", dt.date | str, "soon"),
        ("a", Annotated[Path, "a folder"], Path("a")),
        (["a", "b"], list[Path], [Path("a"), Path("b")]),
        (["a", None], list[Path | None], [Path("a"), None]),
        (["a"], Sequence[Path], [Path("a")]),
        (("a", 1), tuple[Path, float], (Path("a"), 1.0)),
        (["a", 1], tuple[Path, float], (Path("a"), 1.0)),
        (("a", "b"), tuple[Path, ...], (Path("a"), Path("b"))),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 2], tuple, (1, 2)),
        ([1, 2, 1], set[int], {1, 2}),
        ([1], frozenset, frozenset({1})),
        ([1], AbstractSet[int], {1}),
        ((1, 2), list[int], [1, 2]),
        ([1], deque[int], deque([1])),
        (Point(1, 2), tuple[int, int], Point(1, 2)),
        (Point(1, 2), Point, Point(1, 2)),
        ({"k": "a"}, dict[str, Path], {"k": Path("a")}),
        ({"k": ["a"]}, Mapping[str, list[Path]], {"k": [Path("a")]}),
        ({"a": 1}, OrderedDict[str, int], OrderedDict(a=1)),
        ({"a": 1}, collections.Counter[str], collections.Counter(a=1)),
        ({"a"}, set[Path], {Path("a")}),
        ("red", Color, Color.RED),
        ("RED", Color, Color.ODD),
        ("BLUE", Color, Color.BLUE),
        (["blue"], list[Color], [Color.BLUE]),
        (1, Level, Level.LOW),
        (Level.LOW, int, Level.LOW),
        ({"id": 1}, Row, {"id": 1}),
        ({"id": 1, "at": "2024-05-01"}, Row, {"id": 1, "at": dt.date(2024, 5, 1)}),
        ("fast", Literal["fast", "exact"], "fast"),
        (Level.LOW, Literal[1], Level.LOW),
        (3, UserId, 3),
        ("a", Any, "a"),
        ("a", object, "a"),
        ("a", T, "a"),
        ("a", Closable, "a"),
        (None, None, None),
        (len, Callable[[Any], int], len),
        ({"a": 1}, Iterable[str], {"a": 1}),
    ],
)
def test_a_value_becomes_what_its_annotation_asks_for(value: object, annotation: object, wanted: object) -> None:
    converted = convert(value, annotation)

    assert converted == wanted
    assert type(converted) is type(wanted)


def test_an_iterator_is_made_of_a_list() -> None:
    assert list(convert([1, 2], Iterator[int])) == [1, 2]


@pytest.mark.parametrize("annotation", [list[float], dict[str, Any], list[float] | None, Sequence[float]])
def test_a_collection_in_which_nothing_changes_is_passed_on_itself(annotation: object) -> None:
    value: object = {"a": 1.0} if "dict" in str(annotation) else [1.0, 2.0]

    assert convert(value, annotation) is value


REFUSED = [
    ("soon", dt.datetime, '"soon", which is not a date and time in ISO form, such as 2024-05-01T12:30:00Z'),
    ("soon", dt.date | None, '"soon", which is not a date in ISO form, such as 2024-05-01'),
    (10**400, float, "the number is too large for a float"),
    ("3", float, 'the text "3"'),
    ("3", int, 'the text "3"'),
    (3, str, "the int 3"),
    (1, bool, "the int 1"),
    (2.5, int, "the float 2.5"),
    (None, int, "None"),
    ("x" * 50, int, 'the text "' + "x" * 40 + '…"'),
    ([1], dict[str, int], "a list"),
    ({"a": 1}, list[int], "a dict"),
    ("abc", list[str], 'the text "abc"'),
    ("abc", Sequence[str], 'the text "abc"'),
    ([1, "b"], list[int], 'the text "b" at [1], not int'),
    ([[1], ["b"]], list[list[int]], 'the text "b" at [1][0], not int'),
    ({"k": ["b"]}, dict[str, list[int]], "the text \"b\" at ['k'][0], not int"),
    ({1: 2}, dict[str, int], "the key the int 1"),
    ([1, 2, 3], tuple[int, int], "a list of 3 items"),
    ([[1]], set[list[int]], "a list, of which no set can be made: unhashable type: 'list'"),
    ("green", Color, 'the text "green", and the values of Color are red, RED, blue'),
    (2, Level, "the int 2, and the values of Level are 1"),
    (Color.RED, str, "Color.RED"),
    ({"at": "2024-05-01"}, Row, 'a dict without the key "id"'),
    ({"id": "x"}, Row, "the text \"x\" at ['id'], not int"),
    ([1], Row, "a list"),
    ("quick", Literal["fast", "exact"], 'the text "quick"'),
    (True, Literal[1], "the bool True"),
    ("x", UserId, 'the text "x"'),
    ("x", int | float, 'the text "x"'),
    ({"depth": 1}, Inner, "a dict"),
    (3, None, "the int 3"),
]


@pytest.mark.parametrize(("value", "annotation", "message"), REFUSED)
def test_what_cannot_become_that_is_refused(value: object, annotation: object, message: str) -> None:
    with pytest.raises(Unfit) as caught:
        convert(value, annotation)

    assert str(caught.value) == message


def is_refused(value: object, annotation: object) -> bool:
    try:
        prove(value, annotation)
    except Unfit:
        return True
    return False


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (3, float),
        ([1, 2.0], list[float]),
        (Point(1, 2), tuple[int, int]),
        (collections.Counter("aab"), dict[str, int]),
        (Level.LOW, int),
        (Inner(1), Inner),
        (None, Inner | None),
        ("abc", Sequence[str]),
        ({"id": 1}, Row),
    ],
)
def test_what_a_function_returned_may_be_what_it_says(value: object, annotation: object) -> None:
    assert not is_refused(value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("a", Path),
        (["a"], list[Path]),
        ([1], tuple[int, ...]),
        ("2024-05-01", dt.date),
        ("red", Color),
        (None, int),
        (1, None),
        ({"a": 1}, collections.Counter[str]),
        ({"depth": 1}, Inner),
    ],
)
def test_what_a_function_returned_is_never_converted(value: object, annotation: object) -> None:
    with pytest.raises(Unfit):
        prove(value, annotation)


def test_numbers_of_an_array_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")

    for value, annotation in ((numpy.float32(1), float), (numpy.int64(1), int), (numpy.bool_(True), bool)):  # noqa: FBT003
        prove(value, annotation)
        assert convert(value, annotation) is value


def test_of_a_long_list_some_items_are_looked_at() -> None:
    looked: list[object] = []

    class Telling(type):
        def __instancecheck__(cls, value: object) -> bool:
            looked.append(value)
            return True

    class Anything(metaclass=Telling):
        pass

    prove(list(range(100_000)), list[Anything])

    assert (len(looked), looked[0], looked[-1]) == (64, 0, 99_999)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
asked: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([int, str, float, bool, Path, Any, None, Color, dt.date, Row, Literal["a"]]),
    lambda inner: (
        st.builds(list.__class_getitem__, inner)
        | st.builds(lambda one: dict.__class_getitem__((str, one)), inner)
        | st.builds(Optional.__getitem__, inner)
        | st.builds(lambda one, other: tuple.__class_getitem__((one, other)), inner, inner)
    ),
    max_leaves=6,
)


@given(plain, asked)
def test_what_is_let_in_is_what_was_asked_for(value: object, annotation: object) -> None:
    try:
        converted = convert(value, annotation)
    except Unfit:
        return

    prove(converted, annotation)
    assert convert(converted, annotation) == converted


class Filed(TypedDict, typing.Generic[T]):
    value: T
    many: list[T]
    note: NotRequired[T]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"value": "a", "many": []}, "the text \"a\" at ['value'], not int"),
        ({"value": 1, "many": [2, "b"]}, "the text \"b\" at ['many'][1], not int"),
        ({"value": 1, "many": [], "note": "c"}, "the text \"c\" at ['note'], not int"),
        ({"value": 1}, 'a dict without the key "many"'),
        (3, "the int 3"),
    ],
)
def test_keys_of_a_generic_typed_dict_are_held_against_what_is_given(value: object, told: str) -> None:
    with pytest.raises(Unfit) as unfit:
        convert(value, Filed[int])

    assert str(unfit.value) == told


def test_keys_of_a_generic_typed_dict_are_converted() -> None:
    row = {"value": "a", "many": ["b"]}

    assert convert(row, Filed[Path]) == {"value": Path("a"), "many": [Path("b")]}
    assert convert(row, Filed) is row


class Numbered(list[str], typing.Generic[T]):
    """A list whose items are not what its parameter says."""


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ((1, "a", "b"), tuple[int, *tuple[str, ...]]),
        (Numbered(["a"]), Numbered[int]),
    ],
)
def test_what_nobody_can_tell_of_a_collection_is_not_asked(value: object, annotation: object) -> None:
    prove(value, annotation)

    assert convert(value, annotation) == value
