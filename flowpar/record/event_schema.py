"""The JSON Schema of `run.log.jsonl` and `events.jsonl`, made from the typed dictionaries of their lines."""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints

from flowpar.record.journal import JOURNAL_VERSION, ValueFields
from flowpar.report import fields as models

Schema = dict[str, Any]

_SIMPLE: Mapping[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    object: {},
}
_TIME: Schema = {"type": "string", "format": "date-time"}
_NAMES = {"Mapping": Mapping, "Sequence": Sequence}  # what the models import for type checkers alone
_NOT_KEPT = ("task.progressed", "task.logged", "task.printed", "run.noted")


def event_schema() -> Schema:
    """Return the schema: a line of the log or of the journal, each told apart by `event`."""
    kept = [name for name in models.MODELS if name not in _NOT_KEPT]
    fields = {model.__name__: _object(model) for model in models.MODELS.values()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of flowpar's run.log.jsonl or events.jsonl",
        "anyOf": [{"$ref": "#/$defs/log"}, {"$ref": "#/$defs/journal"}],
        "$defs": {
            "log": {
                "description": "A line of run.log.jsonl, and of stderr under --log-format json.",
                "oneOf": [_line(name, _LOG_HEAD) for name in models.MODELS],
            },
            "journal": {
                "description": "A line of events.jsonl; crc32 covers all bytes before its comma.",
                "oneOf": [_line(name, _journal_head(name)) for name in kept],
            },
            **fields,
            "Error": {**_object(models.ErrorFields), "additionalProperties": False},
            "Value": {**_object(ValueFields), "additionalProperties": False},
        },
    }


_LOG_HEAD: Schema = {
    "timestamp": _TIME,
    "level": {"enum": ["debug", "info", "warning", "error", "critical"]},
    "run_id": {"type": "string"},
    "workflow": {"type": "string"},
}


def _journal_head(name: str) -> Schema:
    head: Schema = {
        "timestamp": _TIME,
        "seq": {"type": "integer", "minimum": 1},
        "crc32": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
    }
    if name in {"run.started", "run.resumed"}:
        head |= {"journal": {"const": JOURNAL_VERSION}, "run_id": {"type": "string"}, "workflow": {"type": "string"}}
    if name in {"task.succeeded", "task.cached", "task.repeating"}:
        head["value"] = {"$ref": "#/$defs/Value"}  # left out for a fan-out as a whole, which has none
    if name == "task.failed":
        head["previous"] = {"$ref": "#/$defs/Value"}  # there where the rounds of a repeat were too few
    return head


def _line(name: str, head: Schema) -> Schema:
    return {
        "$ref": f"#/$defs/{models.MODELS[name].__name__}",
        "properties": {"event": {"const": name}, **head},
        "required": ["event", *(key for key in head if key not in {"value", "previous"})],
        "unevaluatedProperties": False,
    }


def _object(model: type) -> Schema:
    properties, required = {}, []
    for name, hint in get_type_hints(model, localns=_NAMES, include_extras=True).items():
        is_required = get_origin(hint) is not NotRequired
        properties[name] = _typed(hint if is_required else get_args(hint)[0], name)
        if is_required:
            required.append(name)
    return {
        "description": inspect.cleandoc(model.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _typed(hint: Any, name: str) -> Schema:
    if hint is models.ErrorFields:
        return {"$ref": "#/$defs/Error"}
    if hint is str and name.endswith("_at"):
        return dict(_TIME)
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_typed(part, name) for part in parts]}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _typed(parts[1], "")}
    if origin is Sequence:
        return {"type": "array", "items": _typed(parts[0], "")}
    raise TypeError(f"no schema for {hint!r}, the type of {name!r}")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(event_schema(), indent=2) + "\n", encoding="utf-8")
