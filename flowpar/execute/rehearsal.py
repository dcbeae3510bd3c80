"""Attempts of nothing, made in the launcher before the first task: a fork of it need not learn what it knows.

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
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.outcome import Success
from flowpar.data.store import ValueStore
from flowpar.execute.base import Job
from flowpar.execute.recipe import Bindings, Call, TaskView
from flowpar.execute.report_pipe import Report, pack_report
from flowpar.expr.template import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.core.outcome import Outcome

_TIMES = 10
_STAGE = "flowpar.execute.stage"


def rehearse(shared: bytes, attempt: Callable[..., tuple[Outcome, tuple[str, ...]]]) -> None:
    """Make attempts of a run's `shared` part whose task does nothing; the current folder stays the run's."""
    path, environment = list(sys.path), dict(os.environ)
    try:
        _play(shared, attempt)
    finally:
        sys.path[:] = path
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


def _play(shared: bytes, attempt: Callable[..., tuple[Outcome, tuple[str, ...]]]) -> None:
    opened = pickle.loads(shared)
    own = replace(opened, workflow_dir=opened.run_dir, python_path=(), env_file={}, env={})
    content = pickle.dumps(own)
    bindings = Bindings({"before": TaskView("succeeded", ValueStore(own.run_dir).put(None, ""))})
    recipe = pickle.dumps(Call(f"{_STAGE}:perform", {"value": Expression("", "tasks.before.output")}))
    bound = pickle.dumps(bindings)
    for number in range(_TIMES):
        # As a user's module, it is imported afresh.
        sys.modules.pop(_STAGE, None)
        job = Job(number, "", None, 1, content, recipe, bound, "", 0.0)
        outcome, warnings = attempt(job, post=_drop, is_isolated=True)
        if isinstance(outcome, Success):
            pack_report(Report(outcome, warnings))


def _drop(_kind: str, _body: Mapping[str, object]) -> None:
    return
