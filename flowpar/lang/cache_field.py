"""The types of what stands below `cache` in the models, and what the schema says of them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from flowpar.lang.fields import EXPRESSION_SCHEMA, has_expression, wrong

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _globs(value: object) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not found:
        raise wrong("a path or pattern such as data/*.csv, or a list of them")
    for index, pattern in enumerate(found):
        if not isinstance(pattern, str) or not pattern.strip() or "\0" in pattern:
            raise wrong("a path or pattern such as data/*.csv", within=() if isinstance(value, str) else (index,))
    return tuple(map(str, found))


def _outputs(value: object) -> tuple[str, ...]:
    found = _globs(value)
    for index, pattern in enumerate(found):
        if not has_expression(pattern) and (pattern.startswith(("/", "~")) or ".." in pattern.split("/")):
            hint = "what is restored must not lie elsewhere on this machine"
            within = () if isinstance(value, str) else (index,)
            raise wrong("a path below the folder of the workflow", hint=hint, within=within)
    return found


def _variables(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        hint = f"write [{value}]" if isinstance(value, str) and _VARIABLE.fullmatch(value) else ""
        raise wrong("a list of names of variables", hint=hint)
    for index, name in enumerate(value):
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise wrong("the name of a variable", within=(index,))
    return tuple(value)


def _version(value: object) -> int | str:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise wrong("a whole number or a text")


_GLOBS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"\S"},
            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"\S"}},
        ]
    }
)
Globs = Annotated[tuple[str, ...], PlainValidator(_globs), _GLOBS]
OutputGlobs = Annotated[tuple[str, ...], PlainValidator(_outputs), _GLOBS]
VariableNames = Annotated[
    tuple[str, ...],
    PlainValidator(_variables),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": f"^{_VARIABLE.pattern}$"}}),
]
Version = Annotated[
    int | str, PlainValidator(_version), WithJsonSchema({"anyOf": [{"type": ["integer", "string"]}, EXPRESSION_SCHEMA]})
]
