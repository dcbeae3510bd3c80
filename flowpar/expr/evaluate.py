"""Templates to values: a total evaluation with bounded work; never `eval`, never an unknown exception.

    evaluate         Template + contexts  ─►  value
    EvaluationError  there is no value; Missing where `default()` would have helped
    NeedsWorker      with IN_ENGINE limits only: a worker must evaluate this

The code of an expression becomes a tree of closures once per process; each closure takes the
`Frame` of one evaluation and returns a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.expr.closure import Frame, closure_of
from flowpar.expr.convert import to_text
from flowpar.expr.failure import EvaluationError, Missing
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text
from flowpar.expr.work import IN_ENGINE, IN_WORKER, Limits, Work

if TYPE_CHECKING:
    from flowpar.expr.template import Template

__all__ = ["IN_ENGINE", "IN_WORKER", "EvaluationError", "Limits", "Missing", "NeedsWorker", "evaluate"]


def evaluate(template: Template, contexts: Mapping[str, object], *, limits: Limits = IN_WORKER) -> object:
    """Return the value of a template.

    A context is a mapping or an object with attributes, and may load its members when they are
    read; it raises Missing for one that is not there. `glob` begins in `workflow.dir`.
    """
    return _value(template, Frame(contexts, Work(limits, _folder(contexts))))


def _folder(contexts: Mapping[str, object]) -> str:
    workflow = contexts.get("workflow")
    return str(workflow.get("dir", "")) if isinstance(workflow, Mapping) else ""


def _value(template: Template, frame: Frame) -> object:
    match template:
        case Constant(value):
            return value
        case Expression():
            return _expression(template, frame)
        case Text(parts):
            texts = [part if isinstance(part, str) else _embedded(part, frame) for part in parts]
            frame.work.spend_text(sum(map(len, texts)))
            return "".join(texts)
        case ListTemplate(items):
            return [_value(item, frame) for item in items]
        case MapTemplate(entries):
            return {key: _value(value, frame) for key, value in entries}


def _embedded(expression: Expression, frame: Frame) -> str:
    value = _expression(expression, frame)
    try:
        return to_text(value)
    except EvaluationError as error:
        raise EvaluationError(error.message, expression.text) from None
    except Exception as error:  # the user's __str__ may raise anything
        raise EvaluationError(_foreign(error), expression.text) from error


def _expression(expression: Expression, frame: Frame) -> object:
    try:
        return closure_of(expression.code)(frame)
    except NeedsWorker:
        raise
    except EvaluationError as error:
        raise EvaluationError(error.message, expression.text) from error.__cause__
    except RecursionError as error:
        raise EvaluationError("a value is nested too deeply", expression.text) from error
    except MemoryError as error:
        raise EvaluationError("there is not enough memory", expression.text) from error
    except Exception as error:  # values may be of the user's classes, whose operators raise anything
        raise EvaluationError(_foreign(error), expression.text) from error


def _foreign(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the user's class again
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
