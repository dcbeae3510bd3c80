"""What a task finds around it: environment variables, the current folder, `sys.path`, a folder for scratch files.

    inherited ◄ threads ◄ env_file ◄ the workflow's env ◄ devices ◄ the task's env ◄ FLOWPAR_*      later ones win

An isolated attempt sets them for its whole process; a thread gets them in its context only.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import nullcontext, suppress
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
_AS_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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
    for name, value in told.items():
        if value is not None:
            if over.get(name) != value:  # each change copies what the process has
                over[name] = value
        elif name in over:
            del over[name]


def inherited() -> dict[str, str]:
    """Return a copy of the process's environment.

    `os.environ` decodes each variable whenever it is read: to copy that is half of a short attempt in a thread.
    """
    raw: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # bytes have no public way
    # A copy at one go: other threads may change it meanwhile.
    return dict(_decoded(tuple(raw.copy().items())))


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


class Scratch:
    """An empty folder for one attempt; what is in it is removed afterwards, the folder is used again.

    Making and removing a folder waits for the file system's journal, which the run itself keeps
    busy: up to 3 ms an attempt. A lock says which are in use, and the kernel lets go of it when an
    attempt is killed.
    """

    def __init__(self, run_dir: str) -> None:
        """Look for a folder below `scratch` of the run folder."""
        self._home = f"{run_dir}/scratch"
        self._lock = -1
        self._folder = ""

    def __enter__(self) -> str:
        """Claim a folder that nobody uses, and empty it where a killed attempt left something."""
        number = 0
        while not self._is_claimed(f"{self._home}/{number}"):
            number += 1
        if os.listdir(self._lock):  # noqa: PTH208 - a thousand times a second
            self._empty()
        return self._folder

    def __exit__(self, *_: object) -> None:
        """Remove what is in it, and let others have it."""
        try:
            if os.listdir(self._folder):  # noqa: PTH208 - the same
                self._empty()
        finally:
            with suppress(OSError):  # a task may have closed whatever it found open
                os.close(self._lock)

    def _is_claimed(self, folder: str) -> bool:
        try:
            lock = os.open(folder, _AS_FOLDER)
        except FileNotFoundError:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - the same
            lock = os.open(folder, _AS_FOLDER)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock, self._folder = lock, folder
        return True

    def _empty(self) -> None:
        with os.scandir(self._folder) as left:
            for entry in left:
                if entry.is_dir(follow_symlinks=False):
                    # Late: it brings libraries for archives, whose mappings make each fork of the launcher dearer.
                    import shutil

                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        os.unlink(entry.path)  # noqa: PTH108 - the same
