"""Exceptions of the user's code as text: `Failure` with the frames that the user can do something about.

Exceptions never leave the worker as objects: their classes may not pickle, or not come back.
"""

from __future__ import annotations

import importlib
import json
import os
import traceback
from typing import TYPE_CHECKING, Final

from flowpar.core.outcome import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    Mask = Callable[[str], str]

_OURS: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - import time
_MACHINERY: Final = ("<frozen importlib", "<frozen runpy", importlib.__file__)
_MAX_NAME = 300
_MAX_MESSAGE = 10_000
_MAX_TRACEBACK = 100_000


def failure_of(error: BaseException, *, context: str = "", mask: Mask = str) -> Failure:
    """Return what is told of an exception; `context` says what was being done, where that is not the call itself.

    `mask` takes secrets out of each text, before it is cut.
    """
    if isinstance(error, SystemExit):
        return _exit(error, context, mask)
    message = mask(message_of(error))
    if isinstance(error, MemoryError) and not message:
        message = "out of memory"
    if context:
        message = f"{context}: {message or type(error).__name__}"
    return Failure(
        FailureKind.EXCEPTION,
        type_of(error),
        _shortened(message, _MAX_MESSAGE),
        traceback=traceback_of(error, mask=mask),
        bases=tuple(map(_name_of, type(error).__mro__[1:-1])),
    )


def refusal(kind: FailureKind, message: str, *, type_name: str = "") -> Failure:
    """Return a failure that is about what was asked for and not about a line of the user's code."""
    return Failure(kind, type_name, _shortened(_clean(message), _MAX_MESSAGE))


def _exit(error: SystemExit, context: str, mask: Mask) -> Failure:
    code: object = error.code
    shown = json.dumps(code, ensure_ascii=False) if isinstance(code, str) else message_of(SystemExit(code))
    status = 0 if code is None else int(code) if isinstance(code, int) else 1
    message = f"called sys.exit({'' if code is None else shown})"
    if status == 0:
        message += " instead of returning"
    message = f"{context}: {message}" if context else message
    text = _shortened(mask(_clean(message)), _MAX_MESSAGE)
    trace = traceback_of(error, mask=mask)
    return Failure(FailureKind.EXIT, "SystemExit", text, exit_code=status, traceback=trace)


def type_of(error: BaseException) -> str:
    """Return the name of an exception's class, with its module unless it is built in."""
    return _name_of(type(error))


def _name_of(kind: type) -> str:
    # Both are what the user's code made of them; `__module__` need not even be text.
    module: object = kind.__module__
    module = module if isinstance(module, str) else "?"
    whole = kind.__qualname__ if module in {"builtins", "__main__"} else f"{module}.{kind.__qualname__}"
    return "".join(letter if letter.isprintable() else "?" for letter in whole[:_MAX_NAME])


def message_of(error: BaseException) -> str:
    """Return the text of an exception; empty where its own `__str__` fails."""
    try:
        return _clean(str(error))
    except Exception:  # noqa: BLE001 - the user's class may do anything
        return ""


def traceback_of(error: BaseException, *, mask: Mask = str) -> str:
    """Return the traceback as Python prints it, notes, causes and groups included, with the user's frames only."""
    try:
        told = traceback.TracebackException(type(error), error, _users_part(error.__traceback__), compact=True)
        _keep_users_frames(told, set())
        text = "".join(told.format())
    except Exception:  # noqa: BLE001 - the user's class may do anything
        text = f"{type_of(error)}\n"
    return _shortened(mask(_clean(text)), _MAX_TRACEBACK).rstrip("\n")


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Skip the frames between the worker's first line and the user's."""
    while trace is not None and not _is_users(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _keep_users_frames(told: traceback.TracebackException, seen: set[int]) -> None:
    if id(told) in seen:
        return
    seen.add(id(told))
    kept = [frame for frame in told.stack if _is_users(frame.filename)]
    told.stack = traceback.StackSummary.from_list(kept)
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _keep_users_frames(other, seen)


def _is_users(file: str) -> bool:
    return not file.startswith((_OURS, *_MACHINERY))


def _clean(text: str) -> str:
    """Return text that every sink can write: lone surrogates as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - limit} characters left out …\n{text[-half:]}"
