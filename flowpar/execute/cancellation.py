"""What a task sees when it is asked to end: `Cancelled`, raised in its main thread so that `finally` blocks run.

    spare_children   once, in the launcher or in what no launcher has forked
    raise_on_term    while an attempt is made
    pass_over_term   after it

Only the worker itself raises. A fork of it, such as a process of the task's own pool, dies of SIGTERM as
usual: with a handler of Python's it may miss the signal in front of a lock and never end.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed knows only its face
import os
import threading
from functools import cache
from typing import NoReturn

# The module under `signal`, which makes no enums of its numbers: see `habitat`.
_SIGTERM = int(_signal.SIGTERM)


class Cancelled(BaseException):
    """The process got SIGTERM; not an `Exception`, so that `except Exception` lets it pass."""


@cache
def spare_children() -> None:
    """See that forks of this process, and theirs, treat SIGTERM as any program does, from their first moment."""
    shield = _ForkShield()
    os.register_at_fork(before=shield.raise_, after_in_parent=shield.lower, after_in_child=shield.lower_in_child)


class _ForkShield:
    """Holds SIGTERM back while a fork is made: Python forgets what a child hears before it is ready."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def raise_(self) -> None:
        self._of_thread.mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_SIGTERM,))

    def lower(self) -> None:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._of_thread.mask)

    def lower_in_child(self) -> None:
        _signal.signal(_SIGTERM, _signal.SIG_DFL)
        self.lower()


def raise_on_term() -> None:
    """Raise `Cancelled` at SIGTERM from now on."""
    _signal.signal(_SIGTERM, _raise_cancelled)


def pass_over_term() -> None:
    """Take no notice of SIGTERM from now on; a handler and not SIG_IGN, which started programs would inherit."""
    _signal.signal(_SIGTERM, _do_nothing)


def _raise_cancelled(_number: int, _frame: object) -> NoReturn:
    raise Cancelled


def _do_nothing(_number: int, _frame: object) -> None:
    return
