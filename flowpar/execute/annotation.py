"""The annotations of a function as objects, also where they are text and name what only the type checker imports."""

from __future__ import annotations

import builtins
import datetime as dt
import pathlib
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import flowpar.plugin
from flowpar.plugin.spec import TaskContext

# What an annotation may name that its module imports for the type checker only.
_KNOWN: Mapping[str, object] = {
    **{name: getattr(typing, name) for name in ("Any", "Annotated", "Final", "Literal", "Optional", "Union")},
    "Path": pathlib.Path,
    "pathlib": pathlib,
    "flowpar": flowpar,
    "plugin": flowpar.plugin,
    "TaskContext": TaskContext,
    "Collection": Collection,
    "Iterable": Iterable,
    "Iterator": Iterator,
    "Mapping": Mapping,
    "Sequence": Sequence,
    "typing": typing,
    "date": dt.date,
    "dt": dt,
}


class _Names(dict[str, object]):
    """The names of an annotation's module; what nobody knows stands for anything."""

    def __missing__(self, name: str) -> object:
        """Look at what Python itself has, then at what is known here."""
        return getattr(builtins, name, None) or _KNOWN.get(name, Any)


def annotation_of(function: Callable[..., Any], annotation: object) -> object:
    """Return an annotation as an object, `Any` where it is not to be had."""
    if not isinstance(annotation, str):
        return annotation
    known: Mapping[str, object] = getattr(_plain_function(function), "__globals__", {})
    if annotation in known:  # a name, which most are: an eighth of the time
        return known[annotation]
    names = _Names(known)
    # The name of the module is that of a class in it.
    names.setdefault("datetime", dt if "datetime." in annotation else dt.datetime)
    try:
        return eval(annotation, {"__builtins__": {}}, names)  # noqa: S307 - the text of the user's own source
    except Exception:  # noqa: BLE001 - a part of something that only the type checker knows
        return Any


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
    return annotation is TaskContext or (is_union(annotation) and TaskContext in typing.get_args(annotation))


def is_union(annotation: object) -> bool:
    """Whether an annotation is `A | B`, `Union` or `Optional`."""
    return isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union


def is_unpacked(annotation: object) -> bool:
    """Whether an annotation stands for any number of them: `*tuple[int, ...]`, `Unpack[…]`."""
    return getattr(annotation, "__unpacked__", False) is True or typing.get_origin(annotation) is typing.Unpack


def shown(annotation: object) -> str:
    """Return an annotation as messages write it."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return "None" if annotation is type(None) else annotation.__qualname__
    return str(annotation).replace("typing.", "")
