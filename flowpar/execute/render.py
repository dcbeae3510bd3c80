"""The workflow's outputs as JSON text.

dataclass, NamedTuple, pydantic model   an object
Path, date and time, enum, Decimal      text
list, tuple, set                        a list; a set is sorted where it can be
NaN and infinity                        null
numpy scalar                            a number
anything else                           {"$type": its class, "$value": its file in the run folder}
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.data.codec import NotEncodable
from flowpar.execute.failure import refusal
from flowpar.expr.convert import array_scalar, is_textual
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError

if TYPE_CHECKING:
    from flowpar.expr.template import Template

PutApart = Callable[[object], str]


def render(outputs: Mapping[str, Template], contexts: Mapping[str, object], put_apart: PutApart) -> str:
    """Return the JSON text of all outputs; raises TaskFailed that names each which has no value.

    `put_apart` keeps a value in a file of its own and returns its place.
    """
    rendered: dict[str, object] = {}
    problems: list[str] = []
    for name, template in outputs.items():
        try:
            rendered[name] = to_plain(evaluate(template, contexts), put_apart)
        except EvaluationError as error:
            problems.append(f'output "{name}": {error}')
        except NotEncodable as error:
            problems.append(f'output "{name}": {error.message}')
        except RecursionError:
            problems.append(f'output "{name}": it is nested too deeply for JSON, or holds itself')
    if problems:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, "; ".join(problems)))
    return json.dumps(rendered, ensure_ascii=False, allow_nan=False)


def to_plain(value: object, put_apart: PutApart) -> object:
    """Return a value as JSON can write it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return str(value.value) if isinstance(value.value, str) else value.name
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else None  # neither NaN nor infinite
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if is_textual(value):
        return str(value)
    return _container(value, put_apart)


def _container(value: object, put_apart: PutApart) -> object:
    fields = _fields(value)
    if fields is not None:
        return {_key(key): to_plain(part, put_apart) for key, part in fields.items()}
    if isinstance(value, list | tuple | range):
        return [to_plain(part, put_apart) for part in value]
    if isinstance(value, set | frozenset):
        return [to_plain(part, put_apart) for part in _sorted(value)]
    scalar = array_scalar(value)
    if scalar is not value:
        return to_plain(scalar, put_apart)
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"$type": name, "$value": put_apart(value)}


def _fields(value: object) -> Mapping[object, object] | None:
    """Return what becomes an object: a mapping, a dataclass, a NamedTuple, a pydantic model."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    dump = getattr(value, "model_dump", None)
    if hasattr(type(value), "model_fields") and callable(dump) and not isinstance(value, type):
        dumped: object = dump()
        return dumped if isinstance(dumped, Mapping) else None
    return None


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return str(key.value if isinstance(key, Enum) else key)


def _sorted(values: set[object] | frozenset[object]) -> list[object]:
    try:
        return sorted(values)  # type: ignore[type-var]
    except TypeError:
        return sorted(values, key=repr)
