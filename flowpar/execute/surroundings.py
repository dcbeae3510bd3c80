"""What a task finds around it: environment variables, the current folder, `sys.path`.

    inherited ◄ threads ◄ env_file ◄ the workflow's env ◄ devices ◄ the task's env ◄ FLOWPAR_*      later ones win

An isolated attempt sets them for its whole process; a thread gets them in its context only.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.core.variables import MAX_WORD_BYTES, OUTPUT_FILE, SHELL_VALUE
from flowpar.execute.failure import refusal
from flowpar.expr.convert import to_text
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.template import Expression

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from contextlib import AbstractContextManager

    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Call, Shared
    from flowpar.expr.template import Template


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attempt runs."""

    environment: Mapping[str, str]
    folder: str
    contexts: Mapping[str, object]


_OF_ONE_ATTEMPT = frozenset(
    {"TRACEPARENT", "FLOWPAR_TASK", "FLOWPAR_ITEM", "FLOWPAR_ATTEMPT", "FLOWPAR_ROUND", "FLOWPAR_SCRATCH"}
)
TOLD_TO_ALL = (*sorted(_OF_ONE_ATTEMPT - {"TRACEPARENT"}), "FLOWPAR_RUN_ID")
"""The variables that every attempt is told, or is told to be without: none is left for it from another one."""


def folders_of_modules(shared: Shared) -> list[str]:
    """Return where the workflow's modules are looked for, first to last."""
    return [shared.workflow_dir, *shared.python_path]


def watched(shared: Shared, job: Job, call: Call, *, is_isolated: bool) -> AbstractContextManager[None]:
    """Return what sees what an attempt reaches, in a run with an audit; a rehearsal is of no interest."""
    if not shared.is_audited or not job.task:
        return nullcontext()
    # Late: nobody else pays for it.
    from flowpar.execute.audit import audited

    return audited(shared, job, call, is_isolated=is_isolated)


def extend_path(shared: Shared) -> None:
    """Let the workflow's folder and `python_path` be found first, in this order."""
    wanted = folders_of_modules(shared)
    if sys.path[: len(wanted)] != wanted:
        sys.path[:] = [*wanted, *(entry for entry in sys.path if entry not in wanted)]


def variables(templates: Mapping[str, Template], contexts: Mapping[str, object]) -> dict[str, str]:
    """Return evaluated variables; raises TaskFailed where one has no value."""
    return {name: _variable(name, template, contexts) for name, template in templates.items()}


def _variable(name: str, template: Template, contexts: Mapping[str, object]) -> str:
    is_of_text = name.startswith(SHELL_VALUE)
    what = f'env "{name}"'
    if is_of_text and isinstance(template, Expression):
        what = f'the value of "${{{{ {" ".join(template.text.split())} }}}}" in the shell text'
    try:
        value = evaluate(template, contexts)
        # A switch reads in the environment as it does in YAML.
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else to_text(value)
    except EvaluationError as error:
        what = "shell text" if is_of_text else what
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f"{what}: {error}")) from None
    problem = _problem_of(text, may_be_long=not is_of_text)
    if value is None and is_of_text:
        problem = 'is None; write default(…, "") for an empty word'
    if problem:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f"{what} {problem}"))
    return text


def _problem_of(text: str, *, may_be_long: bool) -> str:
    """Return why a text can't be a variable, "" where it can; the shell task itself looks at the length of others."""
    if "\0" in text:
        return "holds a zero character"
    try:
        size_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character"
    if size_bytes > MAX_WORD_BYTES and not may_be_long:
        return (
            "is longer than 100 KiB, too long for a program to be given; "
            "write it to a file in a task and pass the file's path"
        )
    return ""


def told_by_flowpar(job: Job, shared: Shared, scratch: str | None, *, lap: int = 0) -> dict[str, str | None]:
    """Return the FLOWPAR_ variables of an attempt; None for one that must not be inherited."""
    traced = _traced(job, shared, lap) if shared.trace_id else {}
    return {
        **traced,
        "FLOWPAR_RUN_ID": shared.run_id,
        "FLOWPAR_TASK": job.task,
        "FLOWPAR_ITEM": None if job.item is None else str(job.item),
        "FLOWPAR_ATTEMPT": str(job.attempt),
        "FLOWPAR_ROUND": str(lap) if lap else None,
        "FLOWPAR_SCRATCH": scratch,
        OUTPUT_FILE: None,  # of a run around this one
    }


def _traced(job: Job, shared: Shared, lap: int) -> dict[str, str | None]:
    # Late: only a run that is traced pays for it.
    from flowpar.core.span import VARIABLE, attempt_span, traceparent

    span = attempt_span(shared.run_id, job.task, job.item, job.attempt, lap=lap)
    return {VARIABLE: traceparent(shared.trace_id, span)}


def lay(over: MutableMapping[str, str], told: Mapping[str, str | None]) -> None:
    """Change an environment in place; None takes a variable away."""
    has = _here if over is os.environ else over.get
    for name, value in told.items():
        if value is not None:
            if has(name) != value:  # each change copies what the process has
                over[name] = value
        elif has(name) is not None:
            del over[name]


def _here(name: str) -> str | None:
    """Return a variable of this process, None where it has none: `os.environ` takes four times as long to say so."""
    found = _raw().get(os.fsencode(name))
    return None if found is None else os.fsdecode(found)


def _raw() -> dict[bytes, bytes]:
    raw: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # bytes have no public way
    return raw


def inherited() -> dict[str, str]:
    """Return a copy of the process's environment.

    `os.environ` decodes each variable whenever it is read: to copy that is half of a short attempt in a thread.
    """
    # A copy at one go: other threads may change it meanwhile.
    return dict(_decoded(tuple(_raw().copy().items())))


@lru_cache(maxsize=2)
def _decoded(variables: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in variables}


def share(environment: Mapping[str, str]) -> None:
    """Let the process have what all attempts of the run have in common, and nothing that is one attempt's.

    The run's id among them: by it a resume knows what an earlier part of the run has left behind.
    """
    here = inherited()
    for name, value in environment.items():
        if name not in _OF_ONE_ATTEMPT and here.get(name) != value:
            os.environ[name] = value


def folder(template: Template | None, shared: Shared, contexts: Mapping[str, object]) -> str:
    """Return the folder to run in; raises TaskFailed where it is none."""
    if template is None:
        return shared.workflow_dir
    try:
        given = to_text(evaluate(template, contexts))
    except EvaluationError as error:
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f"cwd: {error}")) from None
    path = Path(shared.workflow_dir, given)
    if "\0" in given or not path.is_dir():
        raise TaskFailed(refusal(FailureKind.EXPRESSION, f'cwd "{given}" is no folder'))
    return str(path)
