"""The two ways over the border of a task's function: its arguments go in, what it returned comes out.

{name: value}  ─ bind ──►  what to call it with, each as its annotation asks for
output         ─ prove ─►  the same, unless it contradicts the return annotation

Most values fit at a glance, and for these nothing is inspected: reading a signature costs a fresh process more
than all else in a small task.
"""

from __future__ import annotations

import inspect
import types
import typing
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.execute import border, glance
from flowpar.execute.annotation import annotation_of, is_context, shown
from flowpar.execute.conversion import Unfit
from flowpar.execute.failure import refusal
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.template import Constant, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from flowpar.execute.recipe import Call
    from flowpar.expr.template import Template
    from flowpar.plugin.spec import TaskContext

_LONGEST_SHOWN = 100
_VAR_KEYWORDS = inspect.CO_VARKEYWORDS


def bind(
    function: Callable[..., Any],
    arguments: Mapping[str, object],
    make_context: Callable[[], TaskContext],
    *,
    call: Call,
) -> tuple[list[object], dict[str, object]]:
    """Return positional and named arguments; raises TaskFailed where one is not what its annotation asks for.

    What does not fit the signature is left for the call to refuse, in Python's own words.
    """
    if is_plain(function):
        return [], _bound(function, arguments, make_context, call=call)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of C without a signature
        return [], dict(arguments)
    named = dict(arguments)
    positional: list[object] = []
    for name, parameter in parameters.items():
        annotation = annotation_of(function, parameter.annotation)
        if is_context(annotation) and name not in named:
            named[name] = make_context()
        elif parameter.kind is parameter.VAR_KEYWORD:
            for extra in [given for given in named if given not in parameters]:
                named[extra] = _converted(extra, named[extra], parameter.annotation, annotation, call=call)
        elif name in named and not (named[name] is None and parameter.default is None):
            named[name] = _converted(name, named[name], parameter.annotation, annotation, call=call)
        if parameter.kind is parameter.POSITIONAL_ONLY and name in named:
            positional.append(named.pop(name))
    return positional, named


def is_plain(function: object) -> bool:
    """Whether a function takes its arguments by name and has no signature but its own."""
    if type(function) is not types.FunctionType or function.__dict__:
        return False
    code = function.__code__
    return not (code.co_posonlyargcount or code.co_flags & _VAR_KEYWORDS)


def _bound(
    function: Callable[..., Any],
    arguments: Mapping[str, object],
    make_context: Callable[[], TaskContext],
    *,
    call: Call,
) -> dict[str, object]:
    """Return the named arguments of a plain function: those that fit at a glance as they are."""
    named = dict(arguments)
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name, annotation in function.__annotations__.items():
        if name not in parameters:  # what it returns
            continue
        if name in named:
            value = named[name]
            if not glance.fits(value, annotation) and not (value is None and _default_of(function, name) is None):
                named[name] = _converted(name, value, annotation, _meaning(function, annotation), call=call)
        elif is_context(_context_of(function, annotation)):
            named[name] = make_context()
    return named


def _context_of(function: Callable[..., Any], annotation: object) -> object:
    """Return an annotation as an object as far as it may be that of a context."""
    is_other = isinstance(annotation, str) and "TaskContext" not in annotation
    return None if is_other else _meaning(function, annotation)


def _meaning(function: Callable[..., Any], annotation: object) -> object:
    return _meaning_of_text(function, annotation) if isinstance(annotation, str) else annotation


@lru_cache(maxsize=256)  # a worker that stays calls the same functions
def _meaning_of_text(function: Callable[..., Any], annotation: str) -> object:
    return annotation_of(function, annotation)


def _default_of(function: Callable[..., Any], name: str) -> object:
    """Return the default of a parameter; one that has none is its own name, which is no None."""
    code, by_place = function.__code__, function.__defaults__ or ()
    named = code.co_varnames[code.co_argcount - len(by_place) : code.co_argcount]
    defaults = {**dict(zip(named, by_place, strict=True)), **(function.__kwdefaults__ or {})}
    return defaults.get(name, name)


def _converted(name: str, value: object, written: object, annotation: object, *, call: Call) -> object:
    if written is inspect.Parameter.empty:
        return value
    try:
        return border.convert(value, annotation)
    except Unfit as error:
        message = f'argument "{name}" of "{call.target}" wants {shown(written)}, and this is {error}'
        origin = _origin(call.arguments.get(name))
        message += f"; it comes from {origin}" if origin else ""
        raise TaskFailed(refusal(FailureKind.EXPRESSION, message, type_name="TypeError")) from None


def _origin(template: Template | None) -> str:
    """Return where an argument comes from, in the words of the document."""
    if isinstance(template, Constant):
        return "the workflow file"
    text = template.text.strip() if isinstance(template, Expression) else ""
    return f"${{{{ {text} }}}}" if 0 < len(text) <= _LONGEST_SHOWN else ""


def argument(name: str, template: Template, contexts: Mapping[str, object]) -> object:
    """Return the value of an argument; raises TaskFailed where it has none."""
    try:
        return evaluate(template, contexts)
    except EvaluationError as error:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f'argument "{name}": {error}')) from None


def refuse_pending(value: object, target: str) -> None:
    """Refuse what is no value yet but a promise of one."""
    if isinstance(value, types.CoroutineType):
        value.close()
        text = f'"{target}" is async; let a plain function return asyncio.run(…) of it'
    elif isinstance(value, types.AsyncGeneratorType):
        text = f'"{target}" is an async generator; let a plain function yield, or return a list'
    else:
        return
    raise TaskFailed(refusal(FailureKind.OUTPUT, text, type_name=type(value).__name__))


def prove(function: Callable[..., Any], value: object, *, target: str) -> object:
    """Return what a function returned; raises TaskFailed where it contradicts the annotation.

    Of a generator each item is held against the annotation as it is yielded.
    """
    annotations = getattr(function, "__annotations__", None)
    if not isinstance(annotations, dict) or "return" not in annotations or target.startswith("flowpar."):
        return value  # flowpar's own functions know what they do: with `capture` a shell task returns text
    annotation = annotations["return"]
    if glance.fits(value, annotation):
        return value
    wanted = annotation_of(function, annotation)
    if isinstance(value, types.GeneratorType):
        parts = typing.get_args(wanted)
        return _proven(value, parts[0], target=target, annotation=annotation) if parts else value
    _prove(value, wanted, f'"{target}" returned', annotation)
    return value


def _proven(
    items: Generator[object, None, object], wanted: object, *, target: str, annotation: object
) -> Generator[object, None, None]:
    with closing(items):
        for index, item in enumerate(items):
            _prove(item, wanted, f'item {index} that "{target}" yields is', annotation)
            yield item
            del item  # what is large is let go of before the next one is made


def _prove(value: object, wanted: object, subject: str, annotation: object) -> None:
    try:
        border.prove(value, wanted)
    except Unfit as error:
        message = f'{subject} {error}, and the annotation is "-> {shown(annotation)}"'
        raise TaskFailed(refusal(FailureKind.OUTPUT, message, type_name="TypeError")) from None
