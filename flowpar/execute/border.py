"""What values become where YAML meets a typed function: `str` a `Path`, `int` a `float`, ISO text a date.

is_plain        whether a function takes everything as it is, told at a glance
annotation_of   an annotation, evaluated where it is text and could matter
convert         a value for an annotation; the value itself where nothing is to be done
"""

from __future__ import annotations

import datetime as dt
import pathlib
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import flowpar.plugin
from flowpar.plugin.spec import TaskContext

_WORDS = ("Path", "float", "date", "TaskContext")
_UNCHANGED = frozenset({int, str, bool, bytes, dict, list, tuple, set, object, None, type(None)})
_MATTERS = re.compile(r"\b(Path|float|datetime|date|TaskContext)\b")
# What an annotation may name that its module imports for the type checker only.
_KNOWN = {
    "Path": pathlib.Path,
    "pathlib": pathlib,
    "flowpar": flowpar,
    "plugin": flowpar.plugin,
    "TaskContext": TaskContext,
    "Collection": Collection,
    "Iterable": Iterable,
    "Mapping": Mapping,
    "Sequence": Sequence,
    "typing": typing,
}
_LISTS = (list, tuple, set, frozenset, Sequence, Iterable, Collection)


class NotConvertible(Exception):  # noqa: N818 - it says what the value is
    """A text is not what the annotation asks for."""


def is_plain(function: object) -> bool:
    """Whether a function takes its arguments by name, as they are, and no context; False where that takes a look.

    Most tasks are such, and reading a signature costs a fresh process more than all else in a small task.
    """
    if type(function) is not types.FunctionType or function.__dict__ or function.__code__.co_posonlyargcount:
        return False
    return all(_is_unchanged(wanted) for name, wanted in function.__annotations__.items() if name != "return")


def _is_unchanged(annotation: object) -> bool:
    if isinstance(annotation, str):
        return not any(word in annotation for word in _WORDS)
    return isinstance(annotation, type | None) and annotation in _UNCHANGED


def annotation_of(function: Callable[..., Any], annotation: object) -> object:
    """Return an annotation as an object; None where it has no part in any conversion."""
    if not isinstance(annotation, str):
        return annotation
    if not _MATTERS.search(annotation):
        return None
    home = getattr(_plain_function(function), "__globals__", {})
    # The name of the module is that of a class in it.
    moment = dt if "datetime." in annotation else dt.datetime
    for names in (home, {**_KNOWN, "datetime": moment, "date": dt.date, **home}):
        try:
            return eval(annotation, dict(names))  # noqa: S307 - the text of the user's own source
        except Exception:  # noqa: BLE001, S112 - a name that only the type checker knows; the next may do
            continue
    return None


def _plain_function(function: object) -> object:
    """Return the function below its decorators, or the `__init__` or `__call__` of what is none."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if hasattr(function, "__globals__"):
        return function
    name = "__init__" if isinstance(function, type) else "__call__"
    return getattr(function, name, function)


def is_context(annotation: object) -> bool:
    """Whether a parameter asks for the context."""
    return annotation is TaskContext or (_is_union(annotation) and TaskContext in typing.get_args(annotation))


def convert(value: Any, annotation: Any) -> Any:
    """Return `value` as `annotation` wants it; raises NotConvertible for a text that is no date."""
    kind = type(value)
    if annotation is pathlib.Path:
        return pathlib.Path(value) if kind is str else value
    if annotation is float:
        return _number(value) if kind is int else value
    if annotation is dt.datetime or annotation is dt.date:
        return _moment(value, annotation) if kind is str else value
    origin = typing.get_origin(annotation)
    if origin is None:
        return value
    parts = typing.get_args(annotation)
    if origin is typing.Annotated:
        return convert(value, parts[0])
    if _is_union(annotation):
        return _one_of(value, parts)
    if kind in {list, tuple, set, frozenset} and origin in _LISTS and parts:
        return _each(value, origin, parts)
    if kind is dict and len(parts) == 2 and issubclass(origin, Mapping):  # noqa: PLR2004 - key and value
        return {convert(key, parts[0]): convert(part, parts[1]) for key, part in value.items()}
    return value


def _is_union(annotation: object) -> bool:
    return isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union


def _one_of(value: Any, members: tuple[Any, ...]) -> Any:
    if any(isinstance(member, type) and type(value) is member for member in members):
        return value
    error: NotConvertible | None = None
    for member in members:
        try:
            converted = convert(value, member)
        except NotConvertible as caught:
            error = caught
            continue
        if converted is not value:
            return converted
    if error is not None and not any(isinstance(member, type) and isinstance(value, member) for member in members):
        raise error
    return value


def _each(value: Any, origin: Any, parts: tuple[Any, ...]) -> Any:
    is_record = origin is tuple and not (len(parts) == 2 and parts[1] is ...)  # noqa: PLR2004 - tuple[X, ...]
    if is_record:
        if len(parts) != len(value):
            return value
        converted = [convert(part, wanted) for part, wanted in zip(value, parts, strict=True)]
    else:
        converted = [convert(part, parts[0]) for part in value]
    is_same = all(new is old for new, old in zip(converted, value, strict=True))
    return value if is_same else type(value)(converted)


def _number(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise NotConvertible("the number is too large for a float") from None


def _moment(text: str, wanted: Any) -> object:
    try:
        return wanted.fromisoformat(text)
    except ValueError:
        what = "a date and time" if wanted is dt.datetime else "a date"
        example = "2024-05-01T12:30:00Z" if wanted is dt.datetime else "2024-05-01"
        raise NotConvertible(f'"{text[:80]}" is not {what} in ISO form, such as {example}') from None
