"""The value of one input: made from text or plain data by its declared type, and held against its bounds."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

InputType = Literal["string", "integer", "number", "boolean", "path", "list", "mapping", "any"]


@dataclass(frozen=True, slots=True)
class DeclaredInput:
    """An input as a workflow declares it; a path among defaults is relative to the workflow's folder."""

    type: InputType = "any"
    items: InputType | None = None
    default: object = None
    has_default: bool = False
    enum: Sequence[object] | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None


class Declared(Protocol):
    """What a value is held against."""

    @property
    def type(self) -> InputType: ...  # noqa: D102
    @property
    def items(self) -> InputType | None: ...  # noqa: D102
    @property
    def enum(self) -> Sequence[object] | None: ...  # noqa: D102
    @property
    def minimum(self) -> float | None: ...  # noqa: D102
    @property
    def maximum(self) -> float | None: ...  # noqa: D102
    @property
    def pattern(self) -> str | None: ...  # noqa: D102
    @property
    def min_length(self) -> int | None: ...  # noqa: D102
    @property
    def max_length(self) -> int | None: ...  # noqa: D102


WORDS: dict[InputType, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "path": "a path",
    "list": "a list",
    "mapping": "a mapping",
    "any": "any value",
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_LONGEST_SHOWN = 60


class InputProblem(Exception):  # noqa: N818 - what is wrong with a value, told where the value stands
    """A value does not fit its input; `is_bound` says that the type is right and a bound is not held."""

    def __init__(self, message: str, *, hint: str | None = None, is_bound: bool = False) -> None:
        """Keep what is wanted instead, to follow the value in a message."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.is_bound = is_bound


def value_from_text(model: Declared, text: str, folder: Path) -> object:
    """Return the value that a text on the command line or in the environment stands for."""
    value = _parsed(model.type, text, model.items)
    return value_from_data(model, value, folder)


def value_from_data(model: Declared, value: object, folder: Path) -> object:
    """Return the value of an input from plain data; a relative path is one in `folder`."""
    found = _converted(model.type, value, folder)
    if model.items is not None and isinstance(found, list):
        found = [_item(model.items, item, index, folder) for index, item in enumerate(found)]
    check_bounds(model, found)
    return found


def _item(kind: InputType, value: object, index: int, folder: Path) -> object:
    try:
        return _converted(kind, value, folder)
    except InputProblem as problem:
        raise InputProblem(f"must have {WORDS[kind]} as item {index}, not {shown(value)}") from problem


def _parsed(kind: InputType, text: str, items: InputType | None) -> object:
    match kind:
        case "integer" if _INTEGER.fullmatch(text.strip()):
            return int(text)
        case "number":
            return _number(text)
        case "boolean" if text.strip().lower() in {"true", "false"}:
            return text.strip().lower() == "true"
        case "list" if not text.lstrip().startswith("["):
            parts = text.split(",") if text.strip() else []
            return [_parsed(items or "any", part.strip(), None) for part in parts]
        case "list" | "mapping" | "any":
            return _json(kind, text)
        case _:
            return text


def _number(text: str) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(text) if _INTEGER.fullmatch(text.strip()) else number


def _json(kind: InputType, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if kind == "any":
            return text
    example = '["a", "b"] or a,b' if kind == "list" else '{"key": "value"}'
    raise InputProblem(f"must be {WORDS[kind]} as JSON, not {shown(text)}", hint=f"write {example}")


def _converted(kind: InputType, value: object, folder: Path) -> object:
    match kind, value:
        case "string", str():
            return value
        case "integer", int() if not isinstance(value, bool):
            return value
        case "number", int() | float() if not isinstance(value, bool) and math.isfinite(value):
            return value
        case "boolean", bool():
            return value
        case "path", str() | os.PathLike() if "\0" not in str(value) and str(value):
            return _path(Path(value), folder)
        case "list", list() | tuple():
            return list(value)
        case "mapping", dict() if all(isinstance(key, str) for key in value):
            return value
        case "any", _:
            return value
        case _:
            raise InputProblem(f"must be {WORDS[kind]}, not {shown(value)}", hint=_hint(kind, value))


def _path(path: Path, folder: Path) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError:  # nobody's home
        raise InputProblem(f"must be a path, and {shown(str(path))} names no user") from None
    return folder / path


def _hint(kind: InputType, value: object) -> str | None:
    if kind == "string" and isinstance(value, int | float):
        return f'write "{value}" in quotes'
    if kind == "boolean" and str(value).lower() in {"yes", "on", "1", "y"}:
        return "write true"
    if kind == "boolean" and str(value).lower() in {"no", "off", "0", "n"}:
        return "write false"
    return None


def check_bounds(model: Declared, value: object) -> None:
    """Raise InputProblem where a value of the right type does not hold a bound of its input."""
    problem = _broken_bound(model, value)
    if problem is not None:
        raise InputProblem(problem, is_bound=True)


def _broken_bound(model: Declared, value: object) -> str | None:
    if model.enum is not None and not any(_is_same(value, allowed) for allowed in model.enum):
        return f"must be one of {', '.join(map(shown, model.enum[:12]))}, not {shown(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if model.minimum is not None and value < model.minimum:
            return f"must be at least {model.minimum}, not {shown(value)}"
        if model.maximum is not None and value > model.maximum:
            return f"must be at most {model.maximum}, not {shown(value)}"
    if isinstance(value, str) and model.pattern is not None and re.search(model.pattern, value) is None:
        return f'must match the pattern "{model.pattern}", and {shown(value)} does not'
    if isinstance(value, str | list | dict):
        what = "characters" if isinstance(value, str) else "items"
        if model.min_length is not None and len(value) < model.min_length:
            return f"must have at least {model.min_length} {what}, not {len(value)}"
        if model.max_length is not None and len(value) > model.max_length:
            return f"must have at most {model.max_length} {what}, not {len(value)}"
    return None


def _is_same(value: object, allowed: object) -> bool:
    if isinstance(value, Path):
        return isinstance(allowed, str) and value.match(allowed)
    return value == allowed and isinstance(value, bool) == isinstance(allowed, bool)


def shown(value: object) -> str:
    """Return a value as messages show it: in the user's own words, on one line, not long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str() | os.PathLike():
            text = "".join(c if c.isprintable() else "·" for c in str(value)[: _LONGEST_SHOWN + 1])
            return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}…"'
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case int() | float():
            return str(value)[:_LONGEST_SHOWN]
        case _:
            return f"a value of type {type(value).__name__}"
