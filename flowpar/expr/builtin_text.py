"""Built-in functions over numbers and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.types import ANY, BOOL, FLOAT, INT, STR, ListOf, Type, widen
from flowpar.expr.convert import to_json, to_text
from flowpar.expr.failure import EvaluationError
from flowpar.expr.signature import Function, Kind, Parameter, always
from flowpar.expr.work import type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flowpar.expr.work import Work

_MOST_DIGITS = 300  # round() computes 10 to the power of them
_MOST_INDENT = 16
_LONGEST_NUMBER = 1_000
_SHOWN = 40


def _abs(work: Work, number: Any) -> object:
    del work
    return abs(number)


def _round(work: Work, number: Any, digits: int | None = None) -> object:
    del work
    if digits is not None and abs(digits) > _MOST_DIGITS:
        raise EvaluationError(f"round() takes at most {_MOST_DIGITS} digits")
    return round(number, digits)


def _rounded(kinds: Sequence[Type]) -> Type:
    return INT if len(kinds) == 1 else _number(kinds)


def _number(kinds: Sequence[Type]) -> Type:
    kind = widen(kinds[0]) if kinds else ANY
    return INT if kind in {INT, BOOL} else FLOAT if kind == FLOAT else ANY


def _int(work: Work, value: Any) -> int:
    del work
    return int(_convertible(value, "a whole number", int))


def _float(work: Work, value: Any) -> float:
    del work
    return float(_convertible(value, "a number", float))


def _convertible(value: Any, words: str, kind: type) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise EvaluationError(f"a text of {len(value):,} characters is not {words}")
    try:
        return kind(value)
    except (ValueError, OverflowError):
        shown = f'"{value[:_SHOWN]}"' if isinstance(value, str) else f"a value of type {type_name(value)}"
        raise EvaluationError(f"{shown} is not {words}") from None
    except TypeError:
        raise EvaluationError(f"a value of type {type_name(value)} is not {words}") from None


def _str(work: Work, value: object) -> str:
    work.weigh(value)
    return str(value)


def _bool(work: Work, value: object) -> bool:
    del work
    return bool(value)


def _join(work: Work, items: Iterable[object], separator: str = "") -> str:
    texts = [to_text(item) for item in work.listed(items)]
    work.spend_text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _split(work: Work, text: str, separator: str | None = None) -> list[str]:
    if separator == "":
        raise EvaluationError("the separator of split() may not be empty")
    work.spend_text(len(text))
    parts = text.split(separator)
    work.spend(len(parts))
    return parts


def _lower(work: Work, text: str) -> str:
    work.spend_text(len(text))
    return text.lower()


def _upper(work: Work, text: str) -> str:
    work.spend_text(len(text))
    return text.upper()


def _strip(work: Work, text: str, characters: str | None = None) -> str:
    work.spend_text(len(text))
    return text.strip(characters)


def _replace(work: Work, text: str, old: str, new: str) -> str:
    work.spend_text(len(text))
    work.spend_text(text.count(old) * len(new))
    return text.replace(old, new)


def _starts_with(work: Work, text: str, start: str) -> bool:
    del work
    return text.startswith(start)


def _ends_with(work: Work, text: str, end: str) -> bool:
    del work
    return text.endswith(end)


def _matches(work: Work, text: str, pattern: str) -> bool:
    from flowpar.expr.pattern import is_found  # late: few expressions search, and every worker would pay for it

    return is_found(pattern, text, work)


def _json(work: Work, value: object, *, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= _MOST_INDENT:
        raise EvaluationError(f"the indent of json() must be 0 to {_MOST_INDENT}")
    return to_json(value, work, indent=indent)


def _from_json(work: Work, text: str) -> object:
    import json  # late, for the same reason

    work.spend(1 + len(text))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise EvaluationError(f"the text is not JSON: line {error.lineno}, column {error.colno}") from None


_TEXT = Parameter("text", Kind.TEXT)
_VALUE = Parameter("value")
_NUMBER = Parameter("number", Kind.NUMBER)
_SEPARATOR = Parameter("separator", Kind.TEXT, is_required=False)

FUNCTIONS = (
    Function("abs", (_NUMBER,), _number, _abs),
    Function("round", (_NUMBER, Parameter("digits", Kind.INT, is_required=False)), _rounded, _round),
    Function("int", (_VALUE,), always(INT), _int),
    Function("float", (_VALUE,), always(FLOAT), _float),
    Function("str", (_VALUE,), always(STR), _str),
    Function("bool", (_VALUE,), always(BOOL), _bool),
    Function("join", (Parameter("items", Kind.ITEMS), _SEPARATOR), always(STR), _join),
    Function("split", (_TEXT, _SEPARATOR), always(ListOf(STR)), _split),
    Function("lower", (_TEXT,), always(STR), _lower),
    Function("upper", (_TEXT,), always(STR), _upper),
    Function("strip", (_TEXT, Parameter("characters", Kind.TEXT, is_required=False)), always(STR), _strip),
    Function("replace", (_TEXT, Parameter("old", Kind.TEXT), Parameter("new", Kind.TEXT)), always(STR), _replace),
    Function("starts_with", (_TEXT, Parameter("start", Kind.TEXT)), always(BOOL), _starts_with),
    Function("ends_with", (_TEXT, Parameter("end", Kind.TEXT)), always(BOOL), _ends_with),
    Function("matches", (_TEXT, Parameter("pattern", Kind.TEXT)), always(BOOL), _matches),
    Function("json", (_VALUE, Parameter("indent", Kind.INT, is_required=False, is_keyword=True)), always(STR), _json),
    Function("from_json", (_TEXT,), always(ANY), _from_json),
)
