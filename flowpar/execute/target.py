"""The function that a task names: imported in the worker, late, and called with what the document gives.

"steps.words:count"  ─ find_target ─►  function
{name: value}        ─ bind ────────►  what to call it with, converted at the border
"""

from __future__ import annotations

import inspect
from importlib import import_module, invalidate_caches
from typing import TYPE_CHECKING, Any, TypeGuard

from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.core.suggest import nearest
from flowpar.execute.border import NotConvertible, annotation_of, convert, is_context, is_plain
from flowpar.execute.cancellation import Cancelled
from flowpar.execute.failure import failure_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from flowpar.core.outcome import Failure
    from flowpar.plugin.spec import TaskContext


def find_target(target: str) -> Callable[..., Any]:
    """Import the function of "module:function"; raises TaskFailed with what went wrong, by name."""
    module_name, _, path = target.partition(":")
    found: Any = _import(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            raise TaskFailed(_nothing_there(module_name, path, name, found))
        found = getattr(found, name)
    if not callable(found):
        raise TaskFailed(refusal(FailureKind.EXCEPTION, f'"{target}" is no function', type_name="TypeError"))
    return found  # type: ignore[no-any-return]


def _import(name: str) -> ModuleType:
    try:
        return _found(name)
    except Cancelled:
        raise
    except BaseException as error:  # noqa: BLE001 - importing runs the user's code
        if _is_missing(error, name):
            message = f'there is no module "{error.name}" in the workflow\'s folder, python_path or what is installed'
            raise TaskFailed(refusal(FailureKind.EXCEPTION, message, type_name="ModuleNotFoundError")) from None
        raise TaskFailed(failure_of(error, context=f'module "{name}" cannot be imported')) from None


def _found(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not _is_missing(error, name):
            raise
    # An earlier task may have written the file a moment ago, unnoticed by what the import system remembers.
    invalidate_caches()
    return import_module(name)


def _is_missing(error: BaseException, name: str) -> TypeGuard[ModuleNotFoundError]:
    """Whether it is the module itself, or a package around it, that is not there."""
    return (
        isinstance(error, ModuleNotFoundError)
        and error.name is not None
        and (name == error.name or name.startswith(f"{error.name}."))
    )


def _nothing_there(module: str, path: str, name: str, found: object) -> Failure:
    file = getattr(found, "__file__", None) or "built in"
    near = nearest(name, [known for known in dir(found) if not known.startswith("_")])
    meant = f'; did you mean "{near}"?' if near else ""
    message = f'module "{module}" ({file}) has no function "{path}"{meant}'
    return refusal(FailureKind.EXCEPTION, message, type_name="AttributeError")


def bind(
    function: Callable[..., Any], arguments: Mapping[str, object], make_context: Callable[[], TaskContext]
) -> tuple[list[object], dict[str, object]]:
    """Return positional and named arguments; raises TaskFailed where one can't be converted.

    What does not fit the signature is left for the call to refuse, in Python's own words.
    """
    if is_plain(function):
        return [], dict(arguments)
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
            extra = [given for given in named if given not in parameters]
            named |= {given: _converted(given, named[given], annotation) for given in extra}
        elif name in named:
            named[name] = _converted(name, named[name], annotation)
        if parameter.kind is parameter.POSITIONAL_ONLY and name in named:
            positional.append(named.pop(name))
    return positional, named


def _converted(name: str, value: object, annotation: object) -> object:
    try:
        return convert(value, annotation)
    except NotConvertible as error:
        message = f'argument "{name}": {error}'
        raise TaskFailed(refusal(FailureKind.EXPRESSION, message, type_name="ValueError")) from None
