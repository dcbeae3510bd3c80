"""The task type `container`: one command in a container of its own, with Docker's or Podman's command line.

keys ─► Container ─► docker run … ─► stdout, exit code
                          └── ended with its task: TERM ends the container, too
"""

from __future__ import annotations

import json as json_format
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from flowpar.plugin import TaskContext, task_type

from flowpar_container.arguments import Container, check, command_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = ("docker", "podman")
_TAIL_LINES = 20
_ENGINE_FAILED = 125  # of docker run and podman run, where it is not the command that failed


class ContainerFailed(Exception):  # noqa: N818 - the name that `retry.on` and failure reports show
    """The command in the container ended with a code other than 0."""


class ContainerOutput(TypedDict):
    """What came of a container; `json` is the parsed output with `capture: json`, else None."""

    stdout: str
    exit_code: int
    json: Any


@task_type(secrets=("env",), check=check, files=("mounts",))
def container(
    image: str,
    *,
    command: str | list[str] | None = None,
    mounts: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
    workdir: str | None = None,
    user: str | None = None,
    network: str | None = None,
    pull: Literal["missing", "always", "never"] = "missing",
    cpus: float | None = None,
    memory: str | None = None,
    engine: Literal["auto", "docker", "podman"] = "auto",
    capture: Literal["text", "json"] = "text",
    options: list[str] | None = None,
    context: TaskContext,
) -> ContainerOutput:
    """Run a command in a container and return what it printed.

    `mounts` are paths here, relative to the task's folder, to paths there, read only unless they end with `:rw`.
    """
    program = engine_of(engine)
    what = Container(
        image,
        name_of(context.run_id, context.task, context.item, context.attempt),
        command_of(command),
        mounts or {},
        sorted(env or {}),
        workdir,
        user,
        network,
        pull,
        cpus,
        memory,
        options or [],
    )
    context.logger.info("container.starts", image=image, name=what.name, engine=program)
    printed = _run(program, what, env or {})
    parsed = json_format.loads(printed) if capture == "json" else None
    return ContainerOutput(stdout=printed, exit_code=0, json=parsed)


def engine_of(wanted: str) -> str:
    """Return the program of a container engine; raises FileNotFoundError where there is none."""
    names = ENGINES if wanted == "auto" else (wanted,)
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError(f"{' or '.join(names)} is not installed here, or not on the path")
    return found


def _prove_success(program: str, image: str, printed: str, code: int) -> None:
    """Raise ContainerFailed where the command did not end well."""
    if code == _ENGINE_FAILED:
        raise ContainerFailed(f'{Path(program).name} could not start "{image}"; what it says is in the log of the task')
    if code != 0:
        tail = "\n".join(printed.splitlines()[-_TAIL_LINES:])
        raise ContainerFailed(f'"{image}" ended with code {code}' + (f"; it printed last:\n{tail}" if tail else ""))


def _run(program: str, what: Container, env: dict[str, str]) -> str:
    """Return what the container printed; its stderr goes to the task's log as it comes. Raises ContainerFailed."""
    arguments = what.run_arguments(program, folder=Path.cwd())
    with subprocess.Popen(arguments, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as process:
        try:
            with _ended_by_term():
                printed, _ = process.communicate()
        except BaseException:
            subprocess.run([program, "rm", "--force", what.name], check=False, capture_output=True, timeout=30)
            process.kill()
            raise
    _prove_success(program, what.image, printed, process.returncode)
    return printed


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let TERM raise SystemExit meanwhile, so that the container goes with its task."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
