"""The types of `resources` and `priority` in the models, and what the schema says of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from flowpar.lang.fields import EXPRESSION_SCHEMA, has_expression, wrong

_FARTHEST = 10**9


def _priority(value: object) -> int | str:
    if has_expression(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _FARTHEST:
        return value
    is_too_far = isinstance(value, int) and not isinstance(value, bool)
    hint = f"it goes from -{_FARTHEST:,} to {_FARTHEST:,}" if is_too_far else ""
    raise wrong("a whole number (higher goes first)", hint=hint)


def _or_expression(description: str, **schema: object) -> dict[str, Any]:
    return {"description": description, "anyOf": [schema, EXPRESSION_SCHEMA]}


_SIZE = {
    "description": "What its processes may have together: 512MiB, 2GB, or bytes.",
    "anyOf": [
        {"type": "integer", "minimum": 2**20},
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]\s*$"},
        EXPRESSION_SCHEMA,
    ],
}
Amounts = Annotated[
    dict[str, Any],
    PlainValidator(lambda value: value),  # each amount was checked where its place is known
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "cpu": _or_expression("How many of the workers (-w) it takes; 1.", type="number", minimum=0),
                "memory": _SIZE,
                "gpu": _or_expression("How many devices it gets for itself.", type="integer", minimum=0),
            },
            "additionalProperties": _or_expression("A share of a pool of `limits`.", type="number", minimum=0),
        }
    ),
]
Priority = Annotated[
    int | str,
    PlainValidator(_priority),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": -_FARTHEST, "maximum": _FARTHEST}, EXPRESSION_SCHEMA]}),
]
