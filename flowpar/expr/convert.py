"""Values as text: inside other text, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

from flowpar.expr.failure import EvaluationError
from flowpar.expr.work import type_name

if TYPE_CHECKING:
    from flowpar.expr.work import Work

# Recognised by the names of their modules, so that none of these is imported for it.
_TEXTUAL_MODULES = frozenset({"pathlib", "datetime", "decimal", "fractions", "uuid"})


def is_textual(value: object) -> bool:
    """Whether a value is one of those that are written as their `str`: a path, a time, a decimal number."""
    return any(kind.__module__.partition(".")[0] in _TEXTUAL_MODULES for kind in type(value).__mro__[:-1])


def to_text(value: object) -> str:
    """Return a scalar as the text it becomes inside other text; anything else raises EvaluationError."""
    if isinstance(value, Enum):
        return to_text(value.value)
    if value is None or isinstance(value, str | int | float):
        return str(value)
    if is_textual(value):
        return str(value)
    scalar = array_scalar(value)
    if scalar is not value:
        return to_text(scalar)
    hint = "use json(…)" if isinstance(value, Mapping) else "use join(…) or json(…)"
    if isinstance(value, bytes):
        hint = "decode it in a task"
    raise EvaluationError(f"a value of type {type_name(value)} cannot stand inside a text; {hint}")


def array_scalar(value: object) -> object:
    """Return the Python number in a numpy scalar or 0-d array, and any other value as it is."""
    item = getattr(value, "item", None)
    return item() if getattr(value, "ndim", None) == 0 and callable(item) else value


def to_json(value: object, work: Work, *, indent: int | None = None) -> str:
    """Return a value as JSON text; NaN becomes null, and classes with fields become objects."""
    import json  # late: few expressions write JSON, and every worker would pay for it

    work.weigh(value)
    plain = _plain(value, work)
    return json.dumps(plain, ensure_ascii=False, indent=indent, allow_nan=False)


def _plain(value: object, work: Work) -> object:
    if isinstance(value, Enum):
        return _plain(value.value, work)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None  # neither NaN nor infinite
    if isinstance(value, str) or is_textual(value):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(part, work) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range) and not hasattr(value, "_fields"):
        return [_plain(part, work) for part in value]
    return _plain_object(value, work)


def _key(key: object) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return to_text(key)


def _plain_object(value: object, work: Work) -> object:
    work.spend(1)
    scalar = array_scalar(value)
    if scalar is not value:
        return _plain(scalar, work)
    names = _field_names(value)
    if names is None:
        raise EvaluationError(f"a value of type {type_name(value)} cannot be written as JSON")
    return {name: _plain(getattr(value, name), work) for name in names}


def _field_names(value: object) -> list[str] | None:
    """Return the fields of a dataclass, NamedTuple or pydantic model."""
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    named = getattr(type(value), "_fields", None) or getattr(type(value), "model_fields", None)
    return list(named) if isinstance(named, tuple | dict) else None
