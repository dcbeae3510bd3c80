"""The two ends of a sub-workflow: its inputs made of what it is given, and its outputs made of its tasks'.

    with ─► take_inputs ─► {name: value} ─► inputs.<name> of its tasks ─► … ─► gather ─► {name: value}

Both run in a worker, as values may be of any class.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind, TaskFailed
from flowpar.data.input_value import InputProblem, value_from_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.data.input_value import DeclaredInput


def take_inputs(
    given: dict[str, object], declared: Mapping[str, DeclaredInput], given_in: str, declared_in: str
) -> dict[str, object]:
    """Return a value for each declared input; relative paths are those of the file that they were written in."""
    values = {}
    for name, model in declared.items():
        value, folder = (given[name], given_in) if name in given else (model.default, declared_in)
        try:
            is_nothing = value is None and model.has_default and model.default is None
            values[name] = None if is_nothing else value_from_data(model, value, Path(folder))
        except InputProblem as problem:
            raise TaskFailed(Failure(FailureKind.EXPRESSION, "", f'input "{name}" {problem.message}')) from None
    return values


def gather_items(items: list[object]) -> list[object]:
    """Return the outputs of all items of a sub-workflow."""
    return items


def pass_on(outputs: dict[str, object]) -> dict[str, object]:
    """Return the outputs that were made before `finally`."""
    return outputs


def gather(outputs: dict[str, object]) -> dict[str, object]:
    """Return the outputs of a sub-workflow."""
    return outputs
