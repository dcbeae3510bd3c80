"""Which part of a value keeps it from being passed to another process, by the path a person would write.

    {"model": Model(lock=<lock>)}  ──►  output["model"].lock

The value is walked from the outside in, one guilty part at a time, within a bound on tries.
"""

from __future__ import annotations

import pickle
import time
import types
from itertools import islice
from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Refuses = Callable[[object], Exception | None]

_MAX_DEPTH = 40
_MAX_TRIES = 20_000
_MAX_S = 2.0
_SHOWN = 60

_INSTEAD: tuple[tuple[str, str], ...] = (
    ("from inside a function", "define the class at the top level of a module"),
    ("generator", "return a list"),
    ("coroutine", "return what it gives, by asyncio.run(…)"),
    ("lambda", "return the data that it works on, or a function that a module defines by name"),
    ("function", "return the data that it works on, or a function that a module defines by name"),
    ("module", "return what you need of it"),
    ("lock", "leave it out, by __getstate__ for instance"),
    ("socket", "return what was read from it"),
    ("file", "return its path"),
    ("memoryview", "return bytes(…) of it"),
    ("iterator", "return a list"),
    ("connection", "return what was read from it"),
    ("class", "define it at the top level of a module"),
)


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    value: object
    error: Exception


def explain(value: object, error: Exception, refuses: Refuses) -> str:
    """Return the one-line message for a value that `error` keeps from being encoded."""
    if isinstance(error, RecursionError):
        return "output is nested too deeply to be passed on; return a flat list, or fewer levels"
    part = _find(_Part("output", value, error), refuses)
    kind, instead = _describe(part.value)
    if isinstance(part.error, pickle.PicklingError | TypeError | AttributeError) and kind:
        return f"{part.path} is {kind}, which cannot be passed to another process; {instead}"
    reason = " ".join(_text(part.error).split()) or type(part.error).__name__
    return f"{part.path} is {_article(type(part.value).__name__)}, which cannot be passed on: {reason}; {instead}"


def place_of(value: object, refuses: Refuses, root: str) -> str:
    """Return the path that leads from `root` to the innermost part of a value that is refused."""
    return _find(_Part(root, value, ValueError()), refuses).path


def _find(part: _Part, refuses: Refuses) -> _Part:
    until = time.monotonic() + _MAX_S
    for _ in range(_MAX_DEPTH):
        guilty = _first_guilty(part, refuses, until)
        if guilty is None:
            return part
        part = guilty
    return part


def _first_guilty(part: _Part, refuses: Refuses, until: float) -> _Part | None:
    for path, member in islice(_members(part.value), _MAX_TRIES):
        if time.monotonic() > until:
            return None
        error = refuses(member)
        if error is not None:
            return _Part(part.path + path, member, error)
    return None


def _members(value: object) -> Iterator[tuple[str, object]]:
    """Give the parts of a value with what leads to them; none for what is looked at as a whole."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield f"[{_show_key(key)}]", member
        yield from ((f" key {_show_key(key)}", key) for key in value)
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", None)
        for index, member in enumerate(value):
            yield (f".{names[index]}" if names else f"[{index}]"), member
    elif isinstance(value, set | frozenset):
        yield from ((f" item {_show_key(member)}", member) for member in value)
    elif not isinstance(value, type | types.FunctionType | types.ModuleType | types.GeneratorType):
        yield from _attributes(value)


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    state: Any = getattr(value, "__dict__", None)
    if isinstance(state, dict):
        yield from ((f".{name}", member) for name, member in state.items())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield f".{name}", getattr(value, name)


def _show_key(key: object) -> str:
    if isinstance(key, str):
        return f'"{key}"' if len(key) <= _SHOWN else f'"{key[:_SHOWN]}…"'
    text = _text(key)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<{type(value).__name__}>"


def _describe(value: object) -> tuple[str, str]:
    """Return what a value is, in words, and what to return instead; no words where it is an ordinary object."""
    kind = _kind(value)
    instead = next((text for word, text in _INSTEAD if word in kind), "")
    if not instead:
        return "", "return plain data, or a class that pickle can pass on"
    return _article(kind), instead


def _kind(value: object) -> str:
    match value:
        case types.FunctionType() if value.__name__ == "<lambda>":
            return "lambda"
        case types.FunctionType() | types.MethodType():
            return f'function "{value.__name__}" that no module defines by name'
        case types.ModuleType():
            return f'module "{value.__name__}"'
        case types.GeneratorType():
            return "generator"
        case types.CoroutineType():
            return "coroutine"
        case memoryview():
            return "memoryview"
        case type():
            return f'class "{value.__name__}" that no module defines by name'
    return _kind_by_name(value, type(value).__name__, type(value).__module__)


def _kind_by_name(value: object, name: str, module: str) -> str:
    if "<locals>" in type(value).__qualname__:
        return f'object of class "{name}" from inside a function'
    if module == "_io" or (hasattr(value, "fileno") and hasattr(value, "read")):
        return "open file"
    if name.lower().endswith(("lock", "condition", "semaphore", "event")):
        return "lock"
    if "iterator" in name or module == "itertools" or name in {"zip", "map", "filter", "enumerate", "reversed"}:
        return f"iterator ({name})"
    if name in {"socket", "SSLSocket"}:
        return "socket"
    return name if name.lower().endswith("connection") else ""


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
