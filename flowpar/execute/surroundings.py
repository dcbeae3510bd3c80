"""What a task finds around it: environment variables, the current folder, `sys.path`, a folder for scratch files.

    inherited ◄ env_file ◄ the workflow's env ◄ the task's env ◄ FLOWPAR_*      later ones win

An isolated attempt sets them for its whole process; a thread gets them in its context only.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.execute.failure import refusal
from flowpar.expr.convert import to_text
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Shared
    from flowpar.expr.template import Template


_OURS = "FLOWPAR_"


def extend_path(shared: Shared) -> None:
    """Let the workflow's folder and `python_path` be found first, in this order."""
    wanted = [shared.workflow_dir, *shared.python_path]
    if sys.path[: len(wanted)] != wanted:
        sys.path[:] = [*wanted, *(entry for entry in sys.path if entry not in wanted)]


def layer(base: dict[str, str], templates: Mapping[str, Template], contexts: Mapping[str, object]) -> dict[str, str]:
    """Return `base` with evaluated variables on top; raises TaskFailed where one has no value."""
    if not templates:
        return base
    return {**base, **{name: _variable(name, template, contexts) for name, template in templates.items()}}


def _variable(name: str, template: Template, contexts: Mapping[str, object]) -> str:
    try:
        value = evaluate(template, contexts)
        # A switch reads in the environment as it does in YAML.
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else to_text(value)
    except EvaluationError as error:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f'env "{name}": {error}')) from None
    if "\0" in text:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f'env "{name}" holds a zero character'))
    return text


def told_by_flowpar(job: Job, shared: Shared, scratch: Path | None) -> dict[str, str | None]:
    """Return the FLOWPAR_ variables of an attempt; None for one that must not be inherited."""
    return {
        "FLOWPAR_RUN_ID": shared.run_id,
        "FLOWPAR_TASK": job.task,
        "FLOWPAR_ITEM": None if job.item is None else str(job.item),
        "FLOWPAR_ATTEMPT": str(job.attempt),
        "FLOWPAR_SCRATCH": None if scratch is None else str(scratch),
    }


def merge(environment: dict[str, str], told: Mapping[str, str | None]) -> dict[str, str]:
    """Return the environment with what flowpar tells."""
    merged = {name: value for name, value in environment.items() if name not in told}
    return merged | {name: value for name, value in told.items() if value is not None}


def apply(environment: Mapping[str, str]) -> None:
    """Make this the environment of the process and of all it starts."""
    for name in [name for name in os.environ if name not in environment]:
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def share(environment: Mapping[str, str]) -> None:
    """Let the process have what all attempts of the run have in common, and nothing that is one attempt's."""
    for name, value in environment.items():
        if not name.startswith(_OURS) and os.environ.get(name) != value:
            os.environ[name] = value


def folder(template: Template | None, shared: Shared, contexts: Mapping[str, object]) -> Path:
    """Return the folder to run in; raises TaskFailed where it is none."""
    if template is None:
        return Path(shared.workflow_dir)
    try:
        given = to_text(evaluate(template, contexts))
    except EvaluationError as error:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f"cwd: {error}")) from None
    path = Path(shared.workflow_dir, given)
    if "\0" in given or not path.is_dir():
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f'cwd "{given}" is no folder'))
    return path


class Scratch:
    """The scratch folder of one attempt: made before it, removed after it with all that is in it."""

    def __init__(self, run_dir: str, job: int) -> None:
        """Choose the folder's name."""
        self.path = Path(run_dir, "scratch", str(job))

    def __enter__(self) -> Path:
        """Make it."""
        try:
            self.path.mkdir(mode=0o700)
        except FileNotFoundError:
            self.path.mkdir(mode=0o700, parents=True)
        return self.path

    def __exit__(self, *_: object) -> None:
        """Remove it; what can't be removed stays for the end of the run."""
        try:
            self.path.rmdir()
        except OSError:
            shutil.rmtree(self.path, ignore_errors=True)
