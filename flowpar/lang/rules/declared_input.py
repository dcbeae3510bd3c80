"""The declared inputs: bounds that fit their type, and defaults that hold them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.data.input_value import WORDS, InputProblem, shown, value_from_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.lang.model import InputModel
    from flowpar.lang.rules.findings import Findings

_BOUNDED = {
    "minimum": ("integer", "number"),
    "maximum": ("integer", "number"),
    "pattern": ("string",),
    "min_length": ("string", "list", "mapping"),
    "max_length": ("string", "list", "mapping"),
    "items": ("list",),
}


def check_input(findings: Findings, name: str, model: InputModel) -> None:
    """Find what is wrong with the declaration of one input."""
    path = ("inputs", name)
    contradictions = list(_contradictions(model))
    for key, message, hint in contradictions:
        findings.error("FP503", (*path, key), message, hint=hint)
    if not contradictions and model.has_default and model.default is not None:
        _check_default(findings, name, model)


def _check_default(findings: Findings, name: str, model: InputModel) -> None:
    path = ("inputs", name)
    place = (*path, "default") if findings.document.node((*path, "default")) is not None else path
    if isinstance(model.default, str) and "${{" in model.default:
        message = f'the default of input "{name}" can\'t be an expression'
        findings.error("FP501", place, message, hint="compute it in a task, or give it by -i")
        return
    try:
        value_from_data(model, model.default, Path())
    except InputProblem as problem:
        code = "FP502" if problem.is_bound else "FP501"
        findings.error(code, place, f'the default of input "{name}" {problem.message}', hint=problem.hint)


def _contradictions(model: InputModel) -> Iterator[tuple[str, str, str | None]]:
    """Give (key, message, hint) of each bound that can't be held."""
    for key, types in _BOUNDED.items():
        if getattr(model, key) is not None and model.type not in types:
            yield key, f'"{key}" does not go with the type {model.type}', f"it is for {' and '.join(types)}"
    for low, high in (("minimum", "maximum"), ("min_length", "max_length")):
        least, most = getattr(model, low), getattr(model, high)
        if least is not None and most is not None and least > most:
            yield high, f'"{high}" is {most}, which is less than "{low}", {least}', None
    for key in ("min_length", "max_length"):
        if (getattr(model, key) or 0) < 0:
            yield key, f'"{key}" must be 0 or more', None
    yield from _bad_pattern(model)
    yield from _bad_enum(model)


def _bad_pattern(model: InputModel) -> Iterator[tuple[str, str, str | None]]:
    if model.pattern is not None:
        try:
            re.compile(model.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            yield "pattern", f'"pattern" is no regular expression: {error}', None


def _bad_enum(model: InputModel) -> Iterator[tuple[str, str, str | None]]:
    for value in model.enum or ():
        try:
            value_from_data(_bare(model), value, Path())
        except InputProblem as problem:
            message = f'"enum" has {shown(value)}, and the input wants {WORDS[model.type]}'
            yield "enum", message, problem.hint
            return


def _bare(model: InputModel) -> InputModel:
    """Return an input of the same type without bounds."""
    return type(model)(type=model.type)
