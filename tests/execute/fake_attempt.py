"""An attempt for tests of processes: the recipe is the name of a function below, its result the value."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import Failure, FailureKind, Outcome, Success, ValueRef

if TYPE_CHECKING:
    from flowpar.execute.base import Job


def make_attempt(job: Job, *, post: Any, is_isolated: bool) -> tuple[Outcome, tuple[str, ...]]:
    """Call the function with the text of the bindings."""
    name = job.recipe.decode()
    try:
        value = TASKS[name](job.bindings.decode())
    except SystemExit as error:
        return Failure(FailureKind.EXIT, "SystemExit", f"called sys.exit({error.code})", 1), ()
    except Exception as error:  # noqa: BLE001  # the task's
        return Failure(FailureKind.EXCEPTION, type(error).__name__, str(error), None, traceback.format_exc()), ()
    data = repr(value).encode()
    return Success(ValueRef(len(data), "", is_plain=True, inline=data)), ()


def noop(_: str) -> None:
    return None


def echo(text: str) -> str:
    print(text)
    print(text, file=sys.stderr)
    return text


TASKS = {"noop": noop, "echo": echo}
