"""What a plain scalar means: the core schema of YAML 1.2.

`true` and `false` are booleans, `null`, `~` and nothing are None, numbers are decimal, `0o` octal or
`0x` hexadecimal. All else is text: `no`, `on`, `1:30` and dates, which YAML 1.1 reads otherwise.
"""

from __future__ import annotations

import re

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORD_STARTS = frozenset("tTfFnN~")
_NUMBER_STARTS = frozenset("0123456789+-.")
_SPECIAL_STARTS = _WORD_STARTS | _NUMBER_STARTS | frozenset("yYoO")
_NUMBER_ENDS = frozenset("0123456789._abcdefABCDEFnN")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NANS = frozenset({".nan", ".NaN", ".NAN"})

_OLD_BOOL = re.compile(r"y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_OLD_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_OLD_UNDERSCORE = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?")
_OLD_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLD_BINARY = re.compile(r"[-+]?0b[01_]+")

Scalar = str | int | float | bool | None

LONGEST_NUMBER = 4000
"""Digits of an integer that Python still converts without a special setting (it stops at 4300)."""


def is_surely_text(text: str) -> bool:
    """Whether a plain scalar is text to every reader, told by its first and last character; this is the hot path."""
    first = text[:1]
    if first not in _SPECIAL_STARTS:
        return bool(first)
    return first in _NUMBER_STARTS and text[-1] not in _NUMBER_ENDS


class NumberTooLongError(ValueError):
    """An integer has more digits than are read."""


def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar.

    Raises NumberTooLongError for an integer of more than LONGEST_NUMBER digits.
    """
    first = text[:1]
    if first in _NUMBER_STARTS and first:
        return _number(text)
    if not first or first in _WORD_STARTS:
        if text in _NULLS:
            return None
        return _BOOLS.get(text, text)
    return text


def _number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _OCTAL.fullmatch(text):
        return _integer(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text[2:], 16)
    if _INFINITY.fullmatch(text):
        return float("-inf") if text.startswith("-") else float("inf")
    return float("nan") if text in _NANS else text


def _integer(text: str, base: int) -> int:
    if len(text) > LONGEST_NUMBER:
        raise NumberTooLongError
    return int(text, base)


def old_meaning(text: str) -> str | None:
    """Return what a plain scalar is to readers of YAML 1.1 where that differs, in words, or None."""
    first = text[:1]
    if first in _NUMBER_STARTS and first:
        return _old_number(text)
    if first in "yYnNoO" and _OLD_BOOL.fullmatch(text):
        return "true" if text.lower() in {"y", "yes", "on"} else "false"
    return None


def _old_number(text: str) -> str | None:
    if _OLD_LEADING_ZERO.fullmatch(text):
        return "an octal number" if text.strip("+-0_") else None
    if _OLD_SEXAGESIMAL.fullmatch(text):
        return "a number of base 60"
    if _OLD_UNDERSCORE.fullmatch(text):
        return f"the number {text.replace('_', '')}"
    return "a binary number" if _OLD_BINARY.fullmatch(text) else None
