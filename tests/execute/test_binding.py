from __future__ import annotations

import datetime as dt
import functools
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from flowpar.core.outcome import TaskFailed
from flowpar.execute import glance
from flowpar.execute.annotation import annotation_of, is_context, shown
from flowpar.execute.binding import bind, is_plain
from flowpar.execute.border import convert
from flowpar.execute.recipe import Call
from flowpar.plugin.spec import TaskContext
from tests.execute.test_border import asked, plain

MOMENT = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)


def function_of(annotation: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(f"def f(x: '{annotation}'): pass", namespace)  # noqa: S102 - a function whose module imports nothing
    found: Callable[..., Any] = namespace["f"]
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Path", Path),
        ("pathlib.Path | None", Path | None),
        ("datetime", dt.datetime),
        ("datetime.datetime", dt.datetime),
        ("datetime.date", dt.date),
        ("date", dt.date),
        ("list[float]", list[float]),
        ("Sequence[Path]", Sequence[Path]),
        ("typing.Optional[float]", typing.Optional[float]),  # noqa: UP045
        ("TaskContext", TaskContext),
        ("flowpar.TaskContext", TaskContext),
        ("SomethingOfTheirs", Any),
        ("theirs.Something", Any),
        ("list[SomethingOfTheirs]", list[Any]),
        ("Unknown[Path]", Any),
        ("int", int),
        ("None", None),
        ("no annotation", Any),
    ],
)
def test_annotations_as_text_are_read_as_far_as_they_are_known(text: str, wanted: object) -> None:
    assert annotation_of(function_of(text), text) == wanted


def test_an_annotation_means_what_its_own_module_says() -> None:
    def wrapped(x: Path) -> None: ...

    @functools.wraps(wrapped)
    def wrapper(*args: object) -> None: ...

    assert annotation_of(wrapper, "MOMENT.__class__") is dt.datetime
    assert annotation_of(wrapper, "list[Path]") == list[Path]


def test_a_context_may_be_optional() -> None:
    assert is_context(TaskContext)
    assert is_context(TaskContext | None)
    assert not is_context(Path | None)


def _takes_all(rows: list[dict[str, int]], name: str | None = None, *, by: object = None) -> None: ...


def _takes_by_position(name: str, /) -> None: ...


def _takes_any_name(**more: float) -> None: ...


@functools.wraps(_takes_all)
def _is_around(*given: Any) -> None: ...


@pytest.mark.parametrize("function", [_takes_all, lambda value: value])
def test_what_has_no_signature_but_its_own_is_told_at_a_glance(function: Callable[..., Any]) -> None:
    assert is_plain(function)


@pytest.mark.parametrize("function", [_takes_by_position, _takes_any_name, _is_around, len, TaskContext])
def test_what_may_have_another_one_is_looked_at(function: Callable[..., Any]) -> None:
    assert not is_plain(function)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, "int"),
        (1, int),
        (None, "None"),
        (None, None),
        (None, "int | None"),
        (None, "Optional[int]"),
        (1, "Optional[int]"),
        (1, "str | int"),
        ("a", "Any"),
        (Path("a"), "Path"),
        (Path("a"), "pathlib.Path"),
        (MOMENT, "dt.datetime"),
        ([], "list"),
        ([1, 2], "list[int]"),
        ([1, None], "list[int | None]"),
        ([1], "list[int] | None"),
        ([{"a": 1}], "list[dict[str, int]]"),
        ({"a": [1]}, "dict[str, list[int]]"),
        ({"a": 1}, "Mapping[str, int]"),
        ([1], "Sequence[int]"),
        ((1, 2), "tuple[int, ...]"),
        ({1}, "set[int]"),
        (list(range(1000)), "list[int]"),
        (["a"], list[str]),
        ([1, None], list[int | None]),
        ([1], list[int] | None),
        ([{"a": 1}], list[dict[str, int]]),
        ({"a": [1]}, dict[str, list[int]]),
        ({1}, set[int]),
        (list(range(1000)), list[int]),
    ],
)
def test_what_fits_without_doubt_fits_at_a_glance(value: object, annotation: object) -> None:
    assert glance.fits(value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, "str"),
        ("a", "Path"),
        (1, "float"),
        (None, "int"),
        ([1, "a"], "list[int]"),
        ({"a": "b"}, "dict[str, int]"),
        ({1: 1}, "dict[str, int]"),
        ((1, 2), "tuple[int, str]"),
        ("a", "list[str]"),
        ("a", "Sequence[str]"),
        ([1], "Sequence"),
        ("a", "Literal['a']"),
        ([[None], []], "list[list[int]]"),
        ({"a": [None], "b": []}, "dict[str, list[int]]"),
        ([[[], [], [], [], []]], "list[list[list[int]]]"),
        ([1], "list[int"),
        ([1], "list"[:3]),
        ("a", Path),
        ([1, "a"], list[int]),
        ([*range(1000), "a"], list[int]),
        ([["a"], [1]], list[list[int]]),
        ([[1]] * 1000, list[list[int]]),
        ({"a": "b"}, dict[str, int]),
        ({1: 1}, dict[str, int]),
        ([True], list[int]),
        ((1,), list[int]),
        ("a", list[str]),
    ],
)
def test_where_there_is_doubt_a_closer_look_is_taken(value: object, annotation: object) -> None:
    assert not glance.fits(value, annotation)


@given(plain, asked)
def test_what_fits_at_a_glance_is_let_in_as_it_is(value: object, annotation: object) -> None:
    text = shown(annotation).replace("pathlib.", "").replace("tests.execute.test_border.", "")

    if glance.fits(value, text) or glance.fits(value, annotation):
        assert convert(value, annotation) is value


def by_place(folder: Path, count: float = 1, when: dt.date | None = None, *, note: str = None) -> Path:  # type: ignore[assignment] # noqa: RUF013
    return folder / note / str(count) / str(when)


def with_context(folder: Path, context: TaskContext | None = None) -> None: ...


def with_text_context(folder: "Path", context: "flowpar.TaskContext") -> None: ...  # type: ignore[name-defined] # noqa: F821, UP037


def inspected(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function with a mark, which makes it one whose signature is inspected."""
    found = types.FunctionType(function.__code__, function.__globals__, "same", function.__defaults__)
    found.__kwdefaults__, found.__annotations__ = function.__kwdefaults__, function.__annotations__
    found.mark = True  # type: ignore[attr-defined]
    return found


def bound(function: Callable[..., Any], arguments: dict[str, object]) -> object:
    try:
        return bind(function, arguments, lambda: CONTEXT, call=Call("steps:f", {}))
    except TaskFailed as failed:
        return failed.failure


CONTEXT: Any = object()


@pytest.mark.parametrize("function", [by_place, with_context, with_text_context])
@pytest.mark.parametrize(
    "arguments",
    [
        {"folder": "data"},
        {"folder": Path("data"), "count": 3, "when": "2024-05-01"},
        {"folder": None},
        {"folder": "data", "count": None},
        {"folder": "data", "note": None, "when": None},
        {"folder": 3},
        {"folder": "data", "note": 5},
        {"folder": "data", "count": "3"},
        {"folder": "data", "return": 7, "other": 8},
        {"folder": "data", "context": None},
        {},
    ],
)
def test_a_plain_function_gets_what_its_inspected_signature_would_give_it(
    function: Callable[..., Any], arguments: dict[str, object]
) -> None:
    assert is_plain(function)
    assert not is_plain(inspected(function))

    assert bound(function, arguments) == bound(inspected(function), arguments)


def test_a_text_becomes_a_path_and_a_context_is_given() -> None:
    assert bound(with_context, {"folder": "data"}) == ([], {"folder": Path("data"), "context": CONTEXT})
    assert bound(by_place, {"folder": "data", "count": 3}) == ([], {"folder": Path("data"), "count": 3.0})
