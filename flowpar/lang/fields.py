"""The types of the keys: what a value must look like, in words and as JSON Schema.

A setting that may be an expression is kept as its text; whoever evaluates it turns the result into the
type itself with `duration.seconds` and its like.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from flowpar.core.executors import EXECUTOR_SCHEMA
from flowpar.core.run_if import RUN_IFS
from flowpar.core.suggest import nearest
from flowpar.lang.duration import DURATION_FORM, LONGEST_DAYS, seconds
from flowpar.lang.vocabulary import FOREIGN_ITEM_ERRORS, FOREIGN_RUN_IFS, items_meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
ID_FORM = "letters, digits, _ and -, not starting with a digit or -, at most 128"
MAX_NAME = 100
_LARGEST_BATCH = 10_000
_EXPRESSION = "${{"
_NO_WORDS: Mapping[str, str] = MappingProxyType({})
EXPRESSION_SCHEMA = {"type": "string", "pattern": r"\$\{\{"}
_RETRY_ON = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|exit [0-9]{1,3}")


def has_expression(value: object) -> bool:
    """Whether a value is text that holds an expression."""
    return isinstance(value, str) and _EXPRESSION in value


def wrong(
    wanted: str, *, hint: str = "", code: str = "FP124", within: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """Return the error that a value is not what is wanted; the binder adds place, key and what was found.

    `within` is the way from the value to the part of it that is wrong.
    """
    return PydanticCustomError("wanted", "{wanted}", {"wanted": wanted, "hint": hint, "code": code, "within": within})


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _duration(value: object) -> float | str:
    found = seconds(value)
    if found is not None:
        return found
    if has_expression(value):
        return str(value)
    is_long = isinstance(value, int | float) and value > 0 and not isinstance(value, bool)
    raise wrong(DURATION_FORM, hint=f"{LONGEST_DAYS}d is the longest" if is_long else "")


def _timeout(value: object) -> float | str:
    if value == math.inf:
        raise wrong(DURATION_FORM, hint="leave it out: an attempt may then take any time")
    found = _duration(value)
    if found == 0:
        raise wrong("a duration longer than zero")
    return found


def _count(value: object) -> int | str:
    if has_expression(value):
        return str(value)
    if isinstance(value, int) and _is_int(value) and value >= 1:
        return value
    raise wrong("a whole number from 1 on")


def _batch(value: object) -> int:
    if value == "auto":
        return 0
    if isinstance(value, int) and _is_int(value) and 1 <= value <= _LARGEST_BATCH:
        return value
    raise wrong(f"auto, or a whole number from 1 to {_LARGEST_BATCH}")


def _factor(value: object) -> float | str:
    if has_expression(value):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < math.inf:
        return float(value)
    raise wrong("a number from 1 on")


def _switch(value: object) -> bool | str:
    if isinstance(value, bool) or has_expression(value):
        return value  # type: ignore[return-value]
    old = isinstance(value, str) and value.lower() in {"yes", "no", "on", "off", "y", "n"}
    hint = f"write {'true' if str(value).lower() in {'yes', 'on', 'y'} else 'false'}" if old else ""
    raise wrong("true or false", hint=hint)


def _condition(value: object) -> bool | str:
    if isinstance(value, bool | str):
        return value
    raise wrong("an expression")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return _all_texts(value, "a text")
    raise wrong("a text or a list of texts")


def _all_texts(values: Sequence[object], wanted: str) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise wrong(wanted, within=(index,))
    return tuple(map(str, values))


def _ids(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return _all_texts(value, "a task id")
    hint = f"write [{value}]" if isinstance(value, str) and ID.fullmatch(value) else ""
    raise wrong("a list of task ids", hint=hint)


def _retry_on(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise wrong("a list such as [ConnectionError, exit 75, timeout, died]")
    for index, item in enumerate(value):
        if not isinstance(item, str) or not _RETRY_ON.fullmatch(item):
            raise wrong('the name of an exception, "exit N", "timeout" or "died"', within=(index,))
    return tuple(value)


def _one_of(words: Sequence[str], *, foreign: Mapping[str, str] = _NO_WORDS) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and (value in words or has_expression(value)):
            return value
        near = foreign.get(value) or nearest(value, words) if isinstance(value, str) else None
        raise wrong(f"one of {', '.join(words)}", hint=f'did you mean "{near}"?' if near else "")

    return read


_ITEM_ERRORS = ("finish", "fail_fast", "collect")
ON_MAX = ("fail", "succeed")


def _items(value: object) -> str | list[Any] | dict[str, Any]:
    if isinstance(value, list) or has_expression(value):
        return value  # type: ignore[return-value]
    if isinstance(value, dict) and value:
        return value
    raise wrong("a list, an expression, or a mapping of names to lists", hint=items_meant(value))


def _matrix(value: object) -> dict[str, Any]:
    if isinstance(value, dict) and (value.keys() - {"include", "exclude"} or value.get("include")):
        return value
    has_only = isinstance(value, dict) and bool(value)
    raise wrong("a mapping of names to lists", hint="name an axis beside exclude: size: [1, 2]" if has_only else "")


def _limit(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    raise wrong("a number above 0")


def _bound(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise wrong("a number")


def _length(value: object) -> int:
    if isinstance(value, int) and _is_int(value) and value >= 0:
        return value
    raise wrong("a whole number from 0 on")


def _choices(value: object) -> list[Any]:
    if isinstance(value, list) and value:
        return value
    raise wrong("a list of the values that are allowed")


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong("a text")
    if len(value) > MAX_NAME or not value.isprintable():
        raise wrong(f"at most {MAX_NAME} printable characters on one line")
    return value


_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {
            "type": "string",
            "pattern": r"^\s*([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9.]+ms)?\s*$",
            "minLength": 2,
        },
        EXPRESSION_SCHEMA,
    ]
}


def _or_expression(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, EXPRESSION_SCHEMA]})


Text = Annotated[str, Strict()]
Variables = Annotated[
    dict[str, Text],
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
]
Name = Annotated[
    str,
    PlainValidator(_name),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"}
    ),
]
Duration = Annotated[float | str, PlainValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
Timeout = Annotated[float | str, PlainValidator(_timeout), WithJsonSchema(_DURATION_SCHEMA)]
Count = Annotated[int | str, PlainValidator(_count), _or_expression({"type": "integer", "minimum": 1})]
Batch = Annotated[
    int,
    PlainValidator(_batch),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": _LARGEST_BATCH}]}),
]
Factor = Annotated[float | str, PlainValidator(_factor), _or_expression({"type": "number", "minimum": 1})]
Switch = Annotated[bool | str, PlainValidator(_switch), _or_expression({"type": "boolean"})]
Condition = Annotated[bool | str, PlainValidator(_condition), WithJsonSchema({"type": ["string", "boolean"]})]
Texts = Annotated[
    tuple[str, ...],
    PlainValidator(_texts),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Ids = Annotated[
    tuple[str, ...],
    PlainValidator(_ids),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": f"^{ID.pattern}$"}}),
]
RetryOn = Annotated[
    tuple[str, ...],
    PlainValidator(_retry_on),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": f"^({_RETRY_ON.pattern})$"}}),
]
ExecutorName = Annotated[str, WithJsonSchema(EXECUTOR_SCHEMA)]  # the binder knows which there are
OnMax = Annotated[str, PlainValidator(_one_of(ON_MAX)), _or_expression({"enum": list(ON_MAX)})]
ItemError = Annotated[
    str,
    PlainValidator(_one_of(_ITEM_ERRORS, foreign=FOREIGN_ITEM_ERRORS)),
    _or_expression({"enum": list(_ITEM_ERRORS)}),
]
_RULE_SCHEMA = _or_expression({"enum": list(RUN_IFS)})
RunRule = Annotated[str, PlainValidator(_one_of(RUN_IFS, foreign=FOREIGN_RUN_IFS)), _RULE_SCHEMA]
_LIST_OR_EXPRESSION = {"anyOf": [{"type": "array"}, EXPRESSION_SCHEMA]}
Items = Annotated[
    str | list[Any] | dict[str, Any],
    PlainValidator(_items),
    WithJsonSchema(
        {
            "anyOf": [
                *_LIST_OR_EXPRESSION["anyOf"],
                {"type": "object", "minProperties": 1, "additionalProperties": _LIST_OR_EXPRESSION},
            ]
        }
    ),
]
_COMBINATIONS = {"type": "array", "items": {"type": "object"}}
Matrix = Annotated[
    dict[str, Any],
    PlainValidator(_matrix),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "properties": {"include": _COMBINATIONS, "exclude": _COMBINATIONS},
            "additionalProperties": _LIST_OR_EXPRESSION,
        }
    ),
]
Limit = Annotated[float, PlainValidator(_limit), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
Bound = Annotated[int | float, PlainValidator(_bound), WithJsonSchema({"type": "number"})]
Length = Annotated[int, PlainValidator(_length), WithJsonSchema({"type": "integer", "minimum": 0})]
Choices = Annotated[list[Any], PlainValidator(_choices), WithJsonSchema({"type": "array", "minItems": 1})]
