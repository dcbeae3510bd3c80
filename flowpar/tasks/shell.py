"""The task type `shell`: a command line for a shell, or a program with its arguments without one.

    run: text      /bin/sh -eu, or another shell by name; bash gets -o pipefail, too
    run: [words]   the program itself

What it prints goes to the attempt's log as it comes, and is its output when it ends with status 0; so are the
lines `name=value` that it appends to the file $FLOWPAR_OUTPUT.
"""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowpar.core.frozen import dataclass, field
from flowpar.core.outcome import Failure, FailureKind, TaskFailed
from flowpar.core.variables import MAX_WORD_BYTES, OUTPUT_FILE
from flowpar.expr.convert import to_text
from flowpar.expr.failure import EvaluationError
from flowpar.plugin.spec import TaskContext  # noqa: TC001 - the worker reads the annotation
from flowpar.tasks.child import Ended, TooMuchOutput, run_child
from flowpar.tasks.shell_output import captured, read_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIGNALLED = 128
_SHOWN = 200
_LIKE_SH = frozenset({"sh", "dash", "ash", "ksh", "mksh", "zsh"})
_NOT_RUN, _NOT_FOUND = 126, 127
_STATUSES = {_NOT_RUN: "a command was found but could not be run", _NOT_FOUND: "a command was not found"}


@dataclass(frozen=True, slots=True)
class ShellOutput:
    """What a command came to."""

    stdout: str
    stderr: str
    exit_code: int
    outputs: dict[str, str] = field(default_factory=dict)


def shell(
    run: str | list[object],
    *,
    shell: str = "sh",
    capture: Literal["text", "json", "lines"] | None = None,
    context: TaskContext,
) -> ShellOutput:
    """Run a command in the shell, or a program without one, and return what it printed.

    With `capture`, what it printed is the output itself: text without the line ends at its end, JSON, or lines.
    """
    command = command_of(run, shell)
    environment = dict(context.env)
    file = context.scratch / ".flowpar-output"
    if capture is None:
        environment[OUTPUT_FILE] = str(file)
    check_command(command, context)
    try:
        ended = run_child(
            command,
            environment=environment,
            folder=str(context.cwd),
            is_cancelled=context.is_cancelled,
            end_if_over=context.end_if_over,
        )
        ended = ended.told(context.mask)
    except TooMuchOutput as error:
        raise TaskFailed(Failure(FailureKind.OUTPUT, "", str(error))) from None
    except (OSError, ValueError) as error:
        raise _not_started(f'"{command[0]}" cannot be started: {_why(error)}', status=_NOT_RUN) from None
    if ended.status != 0:
        raise TaskFailed(_failure_of(ended, "the shell" if isinstance(run, str) else f'"{command[0]}"'))
    if capture is not None:
        return captured(ended.stdout, capture)  # type: ignore[return-value]  # check knows each type by itself
    return ShellOutput(ended.stdout.decode("utf-8", "replace"), ended.stderr, ended.status, read_outputs(file))


def command_of(run: str | list[object], shell: str = "sh") -> list[str]:
    """Return the program to start and its arguments."""
    return _in_shell(run, shell) if isinstance(run, str) else _words(run)


def check_command(command: Sequence[str], context: TaskContext) -> None:
    """Raise TaskFailed where the system would not start a command, and say why."""
    _check_sizes(command, context.env)
    _check_program(command[0], context)


def _why(error: OSError | ValueError) -> str:
    # That the program itself is there has been seen.
    if isinstance(error, FileNotFoundError):
        return "what its first line names to run it is not there"
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        return "its words and environment are longer together than the system takes; pass the path of a file"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return 'it is no program for this machine, nor a text that begins with "#!"'
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _in_shell(text: str, shell: str) -> list[str]:
    name = Path(shell).name
    if text.startswith(("-", "+")):
        text = f" {text}"  # a shell would take the text itself for its options
    if name == "bash":
        return [shell, "-eu", "-o", "pipefail", "-c", text]
    program = "/bin/sh" if shell == "sh" else shell
    return [program, "-eu", "-c", text] if name in _LIKE_SH else [program, "-c", text]


def _words(run: Sequence[object]) -> list[str]:
    try:
        words = [str(word).lower() if isinstance(word, bool) else to_text(word) for word in run]
    except EvaluationError as error:
        raise _refused(f"each word of a command must be a text: {error.message}") from None
    if not words or not words[0]:
        raise _refused("a command needs a program as its first word")
    return words


def _check_sizes(command: Sequence[str], environment: Mapping[str, str]) -> None:
    if any(_is_too_long(word) for word in command):
        raise _refused("the command is longer than 100 KiB; put it, or the data in it, into a file")
    for name, value in environment.items():
        if _is_too_long(value):
            text = f'the value of env "{name}" is longer than 100 KiB, too long for a program to be given'
            raise _refused(f"{text}; write it to a file in a task and pass the file's path")


def _is_too_long(text: str) -> bool:
    return len(text) > MAX_WORD_BYTES or (
        len(text) > MAX_WORD_BYTES // 4 and len(text.encode("utf-8", "surrogateescape")) > MAX_WORD_BYTES
    )


def _check_program(program: str, context: TaskContext) -> None:
    """Raise where there is no such program; the message of the kernel would blame the folder as well."""
    if os.sep in program:
        path = Path(context.cwd, program)
        if path.is_file() and os.access(path, os.X_OK):
            return
        if path.is_file():
            raise _not_started(f'"{program}" is not executable', status=_NOT_RUN)
        raise _not_started(f'"{program}" is not there')
    # Late: it brings libraries for archives, whose mappings make each fork of the launcher dearer.
    import shutil

    if shutil.which(program, path=context.env.get("PATH", os.defpath)) is None:
        raise _not_started(f'there is no program "{program}" on PATH')


def _failure_of(ended: Ended, who: str) -> Failure:
    if ended.status < 0:
        name = _signal_name(-ended.status)
        return Failure(FailureKind.DIED, name, f"{who} was killed by {name}")
    what = _STATUSES.get(ended.status, "")
    if ended.status > _SIGNALLED and who == "the shell":
        what = f"a command was killed by {_signal_name(ended.status - _SIGNALLED)}"
    lines = ended.stderr.strip().splitlines()
    last = f": {lines[-1].strip()[:_SHOWN]}" if lines else ""
    message = f"{who} exited with code {ended.status}" + (f" ({what})" if what else "") + last
    return Failure(FailureKind.EXIT, "", message, exit_code=ended.status)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _refused(message: str) -> TaskFailed:
    return TaskFailed(Failure(FailureKind.EXPRESSION, "", message))


def _not_started(message: str, *, status: int = _NOT_FOUND) -> TaskFailed:
    return TaskFailed(Failure(FailureKind.EXIT, "", message, exit_code=status))
