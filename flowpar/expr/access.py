"""Reading into values: members of contexts, fields, items and slices; data only, never methods or classes.

Everything that is not there raises `Missing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, GeneratorType, MethodType, ModuleType

from flowpar.core.errors import NeedsWorker
from flowpar.core.suggest import nearest
from flowpar.expr.failure import EvaluationError, Missing
from flowpar.expr.work import type_name

_NO_FIELDS = (str, bytes, bool, int, float, list, tuple, set, frozenset, range, type(None))
_OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, FrameType, CodeType, GeneratorType)
_METHODS = (FunctionType, BuiltinFunctionType, MethodType, type([].__len__), type(str.__len__))
_SHOWN = 40
_LARGE = 10**15


def read_member(context: object, context_name: str, name: str) -> object:
    """Return a member of a context, such as `load` of `tasks`."""
    if isinstance(context, Mapping):
        try:
            return context[name]
        except KeyError:
            raise Missing(f'{context_name} has no "{name}"') from None
    try:
        if name.startswith("__"):
            raise AttributeError  # noqa: TRY301 - nothing of Python's own is a member
        return getattr(context, name)
    except AttributeError:
        raise Missing(f'{context_name} has no "{name}"') from None


def read_field(value: object, name: str) -> object:
    """Return `.name` of a value: a mapping's key, else a public attribute that is no method."""
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        if type(value) is dict:
            raise Missing(_no_key(value, name))
    if isinstance(value, _OPAQUE) or name.startswith("_"):
        raise EvaluationError(f'".{name}" of a {type_name(value)} cannot be read in an expression')
    field_of = getattr(type(value), "field_of_outline", None)
    if field_of is not None:  # where values are only looked at
        found: object = field_of(value, name)
        return found
    if isinstance(value, _NO_FIELDS) and not hasattr(value, "_fields") and type(value) in _NO_FIELDS:
        raise Missing(f'a value of type {type_name(value)} has no field "{name}"')
    found = _attribute(value, name)
    if isinstance(found, _METHODS):
        raise EvaluationError(f'"{name}" of {type_name(value)} is a method, and only data can be read')
    return found


def _attribute(value: object, name: str) -> object:
    try:
        return getattr(value, name)
    except AttributeError:
        known = [field for field in dir(value) if not field.startswith("_")]
        raise Missing(f'{type_name(value)} has no field "{name}"{_meant(name, known)}') from None
    except (EvaluationError, NeedsWorker):
        raise
    except Exception as error:  # a property is the user's code, which may raise anything
        raise EvaluationError(f'reading "{name}" of {type_name(value)} raised {type(error).__name__}') from error


def read_item(value: object, key: object) -> object:
    """Return `value[key]`; a slice of a text, list or tuple, too."""
    if value is None:
        raise Missing(f"None has no item {_brief(key)}")
    if isinstance(value, _OPAQUE) or not hasattr(type(value), "__getitem__"):
        raise EvaluationError(f"a value of type {type_name(value)} has no items")
    try:
        return value[key]  # type: ignore[index]
    except KeyError:
        raise Missing(_no_key(value, key)) from None
    except IndexError:
        raise Missing(_no_index(value, key)) from None
    except TypeError:
        message = f"a {type_name(value)} has no item by a {type_name(key)}"
        raise EvaluationError(message) from None


def _no_key(value: object, key: object) -> str:
    names = [name for name in value if isinstance(name, str)] if isinstance(value, Mapping) else []
    meant = _meant(key, names) if isinstance(key, str) else ""
    return f"there is no key {_brief(key)}{meant}"


def _no_index(value: object, key: object) -> str:
    length = f" of length {len(value)}" if hasattr(value, "__len__") else ""
    return f"there is no index {_brief(key)} in a {type_name(value)}{length}"


def _meant(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def _brief(key: object) -> str:
    if isinstance(key, str):
        return f'"{key}"' if len(key) <= _SHOWN else f'"{key[:_SHOWN]}…"'
    # Nothing else is written out: a tuple may hold itself a million times, a number have a million digits.
    return repr(key) if isinstance(key, int | float) and abs(key) < _LARGE else f"of type {type_name(key)}"
