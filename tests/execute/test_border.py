from __future__ import annotations

import datetime as dt
import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional, Union

import pytest

from flowpar.execute.border import NotConvertible, annotation_of, convert, is_context, is_plain
from flowpar.plugin.spec import TaskContext

MOMENT = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "annotation", "wanted"),
    [
        ("a/b", Path, Path("a/b")),
        (Path("a"), Path, Path("a")),
        (3, float, 3.0),
        ("3", float, "3"),
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
        (["a", 1], tuple[Path, float], [Path("a"), 1.0]),
        (("a", "b"), tuple[Path, ...], (Path("a"), Path("b"))),
        ({"k": "a"}, dict[str, Path], {"k": Path("a")}),
        ({"k": ["a"]}, Mapping[str, list[Path]], {"k": [Path("a")]}),
        ({"a"}, set[Path], {Path("a")}),
        ("a", Any, "a"),
        ("a", None, "a"),
    ],
)
def test_a_value_becomes_what_its_annotation_asks_for(value: object, annotation: object, wanted: object) -> None:
    converted = convert(value, annotation)

    assert converted == wanted
    assert type(converted) is type(wanted)


def test_a_list_in_which_nothing_changes_is_passed_on_itself() -> None:
    numbers = [1.0, 2.0]

    assert convert(numbers, list[float]) is numbers


def test_true_is_no_number() -> None:
    assert convert(True, float) is True  # noqa: FBT003


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ("soon", dt.datetime, '"soon" is not a date and time in ISO form, such as 2024-05-01T12:30:00Z'),
        ("soon", dt.date | None, '"soon" is not a date in ISO form, such as 2024-05-01'),
        (10**400, float, "the number is too large for a float"),
    ],
)
def test_what_cannot_become_that_is_refused(value: object, annotation: object, message: str) -> None:
    with pytest.raises(NotConvertible) as caught:
        convert(value, annotation)

    assert str(caught.value) == message


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
        ("SomethingOfTheirs", None),
        ("Unknown[Path]", None),
        ("int", None),
    ],
)
def test_annotations_as_text_are_read_as_far_as_they_matter(text: str, wanted: object) -> None:
    function = function_of(text)

    assert annotation_of(function, text) == wanted


def test_an_annotation_means_what_its_own_module_says() -> None:
    def wrapped(x: Path) -> None: ...

    @functools.wraps(wrapped)
    def wrapper(*args: object) -> None: ...

    assert annotation_of(wrapper, "MOMENT.__class__") is None
    assert annotation_of(wrapper, "list[Path]") == list[Path]


def test_a_context_may_be_optional() -> None:
    assert is_context(TaskContext)
    assert is_context(TaskContext | None)
    assert not is_context(Path | None)


def _takes_all(rows: list[dict[str, int]], name: str | None = None, *, by: object = None) -> None: ...


def _takes_a_path(file: Path) -> None: ...


def _takes_a_context(name: str, context: TaskContext | None) -> None: ...


def _takes_by_position(name: str, /) -> None: ...


@functools.wraps(_takes_a_path)
def _is_around(*given: Any) -> None: ...


def _built() -> list[Callable[..., Any]]:
    """Functions whose annotations are objects, as without `from __future__ import annotations`."""

    def takes_all(count, name, rows): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    def takes_paths(files): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    takes_all.__annotations__ = {"count": int, "name": str, "rows": dict}
    takes_paths.__annotations__ = {"files": list[Path]}
    return [takes_all, takes_paths]


@pytest.mark.parametrize("function", [_takes_all, _built()[0], lambda value: value])
def test_what_needs_no_conversion_is_told_at_a_glance(function: Callable[..., Any]) -> None:
    assert is_plain(function)


@pytest.mark.parametrize(
    "function",
    [_takes_a_path, _takes_a_context, _takes_by_position, _is_around, _built()[1], len, TaskContext],
)
def test_what_may_need_one_is_looked_at(function: Callable[..., Any]) -> None:
    assert not is_plain(function)
