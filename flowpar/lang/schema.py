"""The JSON Schema of workflows, made from the models, so that editors complete and check keys.

    models ─► JSON Schema ─► short forms, kinds and help added ─► workflow.schema.json

It refuses what has a finding of shape; ids, references and expressions are beyond a schema.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from flowpar.core.types import NONE, Constant, ListOf, MapOf, OneOf, Record, Simple, TupleOf
from flowpar.lang.fields import EXPRESSION_SCHEMA, ID
from flowpar.lang.key_help import (
    CACHE_KEY_HELP,
    INPUT_KEY_HELP,
    REPEAT_KEY_HELP,
    RETRY_KEY_HELP,
    SECRET_KEY_HELP,
    TASK_KEY_HELP,
    TOP_KEY_HELP,
)
from flowpar.lang.model import Workflow
from flowpar.lang.shape import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.code.signature import Parameter, Signature
    from flowpar.core.types import Type

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_HELP: Mapping[str, Mapping[str, str]] = {
    "TaskModel": TASK_KEY_HELP,
    "DefaultsModel": TASK_KEY_HELP,
    "RetryModel": RETRY_KEY_HELP,
    "CacheModel": CACHE_KEY_HELP,
    "RepeatModel": REPEAT_KEY_HELP,
    "InputModel": INPUT_KEY_HELP,
    "SecretModel": SECRET_KEY_HELP,
}
_RENAMED = {
    "TaskModel": "task",
    "DefaultsModel": "defaults",
    "RetryModel": "retry",
    "CacheModel": "cache",
    "RepeatModel": "repeat",
    "InputModel": "input",
    "SecretModel": "secret",
}
_ID_NAMES = {"pattern": f"^{ID.pattern}$"}
_WORDS: Schema = {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}
_COMMAND: Schema = {"anyOf": [{"type": "string", "pattern": r"\S"}, _WORDS]}
_TARGET: Schema = {"type": "string", "pattern": r"^\s*[^\s:]+:[^\s:]+\s*$"}
_SCRIPT: Schema = {"type": "string", "pattern": r"\S", "description": "Python; its variable `output` is the output."}
_PYTHON: Schema = {
    "anyOf": [
        _TARGET,
        {
            "type": "object",
            "required": ["script"],
            "additionalProperties": False,
            "properties": {"script": _SCRIPT},
        },
    ]
}
_FILE: Schema = {"type": "string", "pattern": r"\S"}
_SHELL: Schema = {
    "anyOf": [
        *_COMMAND["anyOf"],
        {
            "type": "object",
            "required": ["run"],
            "additionalProperties": False,
            "properties": {
                "run": _COMMAND,
                "shell": {"type": "string", "description": "The shell: sh, bash, …"},
                "capture": {
                    "enum": ["text", "json", "lines"],
                    "description": "What it prints is the output itself, read so.",
                },
            },
        },
    ]
}
_JSON_TYPES = {"none": "null", "bool": "boolean", "int": "integer", "float": "number"}
_TEXTS = frozenset({"str", "bytes", "path", "datetime", "date"})


def workflow_schema(types: Iterable[tuple[str, Signature]] = ()) -> Schema:
    """Return the schema of workflows; `types` are the kinds of plugins with what their functions take."""
    schema = TypeAdapter(Workflow).json_schema(by_alias=True)
    definitions = {_RENAMED[name]: _model(name, model) for name, model in schema["$defs"].items()}
    definitions["retry"] = _retry(definitions["retry"])
    definitions["cache"] = {"anyOf": [{"type": "boolean"}, EXPRESSION_SCHEMA, definitions["cache"]]}
    definitions["input"] = _input(definitions["input"])
    definitions["repeat"]["required"] = ["max", "until"]
    _add_kinds(definitions["task"], types)
    properties = _properties(schema["properties"], keys_of(Workflow), TOP_KEY_HELP)
    definitions["secret"] |= {"minProperties": 1, "maxProperties": 1}
    for name in ("inputs", "secrets", "tasks", "limits"):
        properties[name]["propertyNames"] = _ID_NAMES
    properties["tasks"]["minProperties"] = 1
    return {
        "$schema": _DRAFT,
        "title": "flowpar workflow",
        "type": "object",
        "required": ["flowpar", "tasks"],
        "properties": properties,
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
        "$defs": definitions,
    }


def schema_text(schema: Schema) -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _model(name: str, schema: Schema) -> Schema:
    known = _HELP[name]
    properties = _properties(schema["properties"], known, known)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _properties(written: Schema, keys: Iterable[str], known: Mapping[str, str]) -> Schema:
    """Return the properties that a document may have, tidied and with their help."""
    return {key: {"description": known[key], **_tidy(written[key])} for key in sorted(keys) if key in written}


def _tidy(schema: Schema) -> Schema:
    """Return a property without pydantic's titles, defaults and the None that stands for an absent key."""
    found = {key: value for key, value in schema.items() if key not in {"title", "default"}}
    options = [option for option in found.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del found["anyOf"]
        found.update(options[0])
    elif options:
        found["anyOf"] = options
    return _renamed(found)


def _renamed(schema: Schema) -> Schema:
    found = dict(schema)
    for key, value in schema.items():
        if key == "$ref":
            found[key] = f"#/$defs/{_RENAMED[value.rpartition('/')[2]]}"
        elif isinstance(value, dict):
            found[key] = _renamed(value)
    return found


def _retry(long_form: Schema) -> Schema:
    return {"anyOf": [{"type": "integer", "minimum": 0}, EXPRESSION_SCHEMA, long_form]}


def _input(long_form: Schema) -> Schema:
    either = [{"required": ["type"]}, {"required": ["default"]}]
    return {"anyOf": [{"type": ["string", "number", "boolean", "array"]}, {**long_form, "anyOf": either}]}


def _add_kinds(task: Schema, types: Iterable[tuple[str, Signature]]) -> None:
    bodies: dict[str, Schema] = {"python": _PYTHON, "shell": _SHELL, "workflow": _FILE}
    kinds: dict[str, Schema] = {kind: {"description": TASK_KEY_HELP[kind], **body} for kind, body in bodies.items()}
    for kind, signature in types:
        if kind not in kinds:
            kinds[kind] = _body(signature)
    task["properties"] |= kinds
    task["oneOf"] = [{"required": [kind]} for kind in kinds]
    task["not"] = {"required": ["for_each", "matrix"]}
    task["dependentSchemas"] = {"with": {"anyOf": [{"required": ["python"]}, {"required": ["workflow"]}]}}


def _body(signature: Signature) -> Schema:
    """Return what may stand below the kind key of a task type: its parameters, or the first one alone."""
    parameters = {parameter.name: _parameter(parameter) for parameter in signature.named}
    long_form: Schema = {"type": "object", "properties": parameters}
    long_form["required"] = [parameter.name for parameter in signature.named if parameter.is_required]
    long_form["additionalProperties"] = signature.takes_any_name or not signature.is_known
    required = [parameter for parameter in signature.named if parameter.is_required]
    first = signature.named[:1]
    has_short_form = bool(first) and required in ([], [first[0]])
    short = [{**_parameter(first[0]), "not": {"type": "object"}}] if has_short_form else []
    about: Schema = {}
    if signature.docstring:
        about["description"] = signature.docstring.partition("\n\n")[0]
    body: Schema = {"anyOf": [*short, long_form]} if short else long_form
    return {**about, **body}


def _parameter(parameter: Parameter) -> Schema:
    found = of_type(parameter.type)
    return found if not found else {"anyOf": [found, EXPRESSION_SCHEMA]}


def of_type(kind: Type) -> Schema:
    """Return the schema of what a document may write for a type; empty where that is anything."""
    match kind:
        case Simple(name) if name in _JSON_TYPES:
            return {"type": _JSON_TYPES[name]}
        case Simple(name) if name in _TEXTS:
            return {"type": "string"}
        case ListOf(item):
            return {"type": "array", "items": _item(item)}
        case TupleOf(items):
            return {"type": "array", "minItems": len(items), "maxItems": len(items)}
        case MapOf(_, value):
            return {"type": "object", "additionalProperties": _item(value)}
        case Record(is_mapping=True):
            return {"type": "object"}
        case Constant(values):
            return {"enum": list(values)}
        case OneOf(members):
            options = [of_type(member) for member in members]
            return {} if {} in options else {"anyOf": options}
        case _:
            return {}


def _item(kind: Type) -> Schema | bool:
    found = of_type(kind)
    if not found:
        return True
    return found if kind == NONE else {"anyOf": [found, EXPRESSION_SCHEMA]}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(workflow_schema()), encoding="utf-8")
