"""Attempts of nothing, made in the launcher before the first task: a fork of it need not learn what it knows.

A spare makes one more while it waits: what an attempt writes to are its own pages then.

They take place in the run's folder and see none of the workflow's own folders, so no file of the user's is
imported, whatever it is called.

Python settles on a specialised form of a function at its eighth call or so, and remembers where it found
attributes. A fresh process that does so by itself copies each page that it writes to, which would
be a third of the cost of a small task.
"""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from socket import socketpair
from types import FunctionType
from typing import TYPE_CHECKING

from flowpar.data.store import ValueStore
from flowpar.execute.base import Job
from flowpar.execute.ending import is_anything_left
from flowpar.execute.opened import recipe_in
from flowpar.execute.post import Post
from flowpar.execute.recipe import Bindings, Call, TaskView
from flowpar.execute.report_pipe import LEAVE, Report, ReportKind, ReportPipe, pack_report
from flowpar.expr.template import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.outcome import Outcome

    Attempted = Callable[..., tuple[Outcome, tuple[str, ...]]]

# What runs before an attempt and after it, and can't be rehearsed: it would make a task process of the launcher.
_FAR_SIDE = (
    "flowpar.execute.starter",
    "flowpar.execute.worker",
    "flowpar.execute.spares",
    "flowpar.execute.habitat",
    "flowpar.execute.kernel",
    "flowpar.execute.cancellation",
    "flowpar.execute.ending",
    "flowpar.core.point",
)
_TIMES = 10
_MOST_BYTES = 4096
_NOWHERE = 1 << 30  # no descriptor has such a number
_STAGE = "flowpar.execute.stage"


def rehearse(shared: bytes, attempt: Attempted) -> None:
    """Make attempts of a run's `shared` part whose task does nothing; the current folder stays the run's."""
    rehearse_again(shared, attempt, times=_TIMES)
    _recall()


def rehearse_again(shared: bytes, attempt: Attempted, *, times: int = 1) -> None:
    """Make one more."""
    path, environment = list(sys.path), dict(os.environ)
    try:
        _play(*_script(shared), attempt, times=times)
    finally:
        sys.path[:] = path
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@lru_cache(maxsize=1)
def _script(shared: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the three blobs of a job that does nothing."""
    opened = pickle.loads(shared)
    own = replace(opened, workflow_dir=opened.run_dir, python_path=(), env_file={}, env={})
    bindings = Bindings({"before": TaskView("succeeded", ValueStore(own.run_dir).put(None, ""))})
    recipe = Call(f"{_STAGE}:perform", {"value": Expression("", "tasks.before.output")})
    return pickle.dumps(own), pickle.dumps(recipe), pickle.dumps(bindings)


def _play(content: bytes, recipe: bytes, bindings: bytes, attempt: Attempted, *, times: int) -> None:
    engine, worker = socketpair()
    with engine, worker:
        for number in range(times):
            # As a user's module and a recipe that was not seen before, they are opened afresh.
            sys.modules.pop(_STAGE, None)
            recipe_in.cache_clear()
            job = Job(number, "", None, 1, content, recipe, bindings, "", 0.0)
            pipe = ReportPipe(worker.fileno())
            engine.send(LEAVE)
            pipe.await_leave()
            outcome, warnings = attempt(job, post=Post(number, pipe, None, ""), is_isolated=True)
            pipe.send(ReportKind.OUTCOME, pack_report(Report(outcome, warnings, not is_anything_left())))
            engine.recv(_MOST_BYTES)


def _recall() -> None:
    """Ask for all that functions of the far side name in modules, so that a fork finds it in Python's memory of names.

    What is no attribute is remembered, too; each name that a fork has to remember by itself copies pages.
    """
    for module in map(sys.modules.get, _FAR_SIDE):
        for function in vars(module or object).values():
            if isinstance(function, FunctionType):
                for name in function.__code__.co_names:
                    hasattr(sys, name)
    _link()


def _link() -> None:
    """Call functions of C that only forks call, where they do nothing, so that the linker has found them."""
    os.getppid()
    os.closerange(_NOWHERE, _NOWHERE + 1)
    if os.getpgrp() == os.getpid():
        with suppress(PermissionError):  # who leads a group of processes can't found a session
            os.setsid()
