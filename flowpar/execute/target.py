"""The function that a task names, "steps.words:count": imported in the worker, late."""

from __future__ import annotations

from importlib import import_module, invalidate_caches
from typing import TYPE_CHECKING, Any, TypeGuard

from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.core.suggest import nearest
from flowpar.execute.cancellation import Cancelled
from flowpar.execute.failure import failure_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from flowpar.core.outcome import Failure


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
