"""The type of `preload` in the models, and what the schema says of it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from flowpar.core.suggest import nearest
from flowpar.lang.fields import wrong

_MODULE_SCHEMA = {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"}
_PRELOADS = ("auto", "none")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def _preload(value: object) -> str | tuple[str, ...]:
    if isinstance(value, str) and value in _PRELOADS:
        return value
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if not isinstance(item, str) or not _MODULE.fullmatch(item):
                raise wrong("the name of a module", within=(index,))
        return tuple(value)
    hint = ""
    if isinstance(value, str) and _MODULE.fullmatch(value):
        near = nearest(value, _PRELOADS)
        hint = f'did you mean "{near}"?' if near else f"write [{value}]"
    raise wrong("auto, none, or a list of modules such as [sklearn.svm]", hint=hint)


Preload = Annotated[
    str | tuple[str, ...],
    PlainValidator(_preload),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["auto", "none"]},
                {"type": "array", "items": _MODULE_SCHEMA},
            ]
        }
    ),
]
