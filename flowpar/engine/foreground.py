"""An attempt of an earlier run in the foreground: in this process, with this terminal, under a debugger or in a shell.

    Replay ─► surroundings, arguments ─┬─ Python:  pdb at the function's first line, and where it raises
                                       └─ a command: run here, and a shell in its place where it fails

This is a process of its own that has taken the place of the command `flowpar debug`; nothing is recorded.
"""

from __future__ import annotations

import bdb
import inspect
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import ExitCode
from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.core.variables import OUTPUT_FILE, SHELL_VALUE
from flowpar.data.codec import NotEncodable
from flowpar.engine import voice
from flowpar.engine.voice import Voice
from flowpar.execute import debugger, share
from flowpar.execute.failure import failure_of, traceback_of
from flowpar.execute.opened import masker_of
from flowpar.execute.replay import Harmless, Replay
from flowpar.plugin.spec import TaskContext
from flowpar.report.wording import reason_of
from flowpar.tasks.script import run_script
from flowpar.tasks.shell import check_command, command_of, shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.outcome import Failure
    from flowpar.execute.base import Job


class _Left(BaseException):
    """The person has left the debugger, or a command has ended; the process ends with a code."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


def main(number: int) -> None:
    """Make the attempt that the descriptor tells of, and end the process; its exit code is 1 where it fails."""
    voice.open_streams()
    replay = Replay.receive(number)
    share.one_thread_each()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    with tempfile.TemporaryDirectory(prefix="flowpar-debug-") as scratch:
        code = _follow(replay, scratch)
        os.chdir("/")
    voice.end(code)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _follow(replay: Replay, scratch: str) -> int:
    ways, speech = replay.ways, voice_of(replay)
    try:
        pdb = debugger.debugger_of(str(ways["debugger"]))
    except Exception as error:  # noqa: BLE001 - of somebody else's package
        speech.tell(f"{ways['debugger']} cannot be used: {type(error).__name__}: {error}")
        return ExitCode.ENVIRONMENT
    try:
        attempt = _Foreground(replay.bound(partial(_post, speech)), scratch, replay, pdb)
        attempt.follow()
    except _Left as left:
        return left.code
    except bdb.BdbQuit:
        return ExitCode.OK
    except TaskFailed as failed:
        return tell_failure(replay, failed.failure)
    except NotEncodable as error:
        speech.tell(f"{replay.name} failed: {error.message}")
        return ExitCode.TASK_FAILED
    except BaseException as error:  # noqa: BLE001 - whatever the user's code does is what is looked for
        return _look_into(error, replay, pdb)
    finally:
        sys.settrace(None)
    speech.tell(f"{replay.name} succeeded here: it returned {speech.shown(attempt.returned)}")
    if ways["had_failed"]:
        speech.tell(f"nothing is recorded; to run it in the run: flowpar resume {replay.run}")
    return ExitCode.OK


def _look_into(error: BaseException, replay: Replay, pdb: Any) -> int:
    sys.settrace(None)
    if isinstance(error, BrokenPipeError) and voice.is_reader_gone():
        return ExitCode.TASK_FAILED
    trace = debugger.users_frames(error.__traceback__)
    error.__traceback__ = trace
    speech, mask = voice_of(replay), masker_of(replay.job.shared).error
    speech.say(traceback_of(error, mask=mask))
    if trace is not None:
        speech.tell(f'{replay.name} raised it; "q" leaves, "u" and "d" go up and down, "h" helps')
        debugger.post_mortem(pdb, trace)
    elif not isinstance(error, KeyboardInterrupt):
        return tell_failure(replay, failure_of(error, mask=mask))
    return ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.TASK_FAILED


def voice_of(replay: Replay) -> Voice:
    """Return the voice that knows the secrets of an attempt."""
    return Voice(masker_of(replay.job.shared))


def tell_failure(replay: Replay, failure: Failure) -> int:
    """Say why an attempt failed, and how to get values again that are gone; return the exit code."""
    speech = voice_of(replay)
    failure = masker_of(replay.job.shared).failure(failure)  # before it is cut
    speech.tell(f"{replay.name} failed: {reason_of(failure, limit=1000)}")
    if failure.traceback:
        speech.say(failure.traceback)
    if failure.kind is FailureKind.EXPRESSION:
        for task, file in replay.gone.items():
            speech.tell(f'what {task} returned ("{file}") is not kept any more: all that read it were done')
            speech.tell(f"get it again with: flowpar resume {replay.run} --from {shlex.quote(task)}")
    return ExitCode.TASK_FAILED


class _Foreground(Harmless):
    """Calls the function under a debugger, or starts the command with this terminal."""

    def __init__(self, job: Job, scratch: str, replay: Replay, pdb: Any) -> None:
        super().__init__(job, partial(_post, voice_of(replay)), scratch=scratch)
        self._replay = replay
        self._pdb = pdb
        self.returned: object = None

    def invoke(self, function: Callable[..., object], positional: list[Any], named: dict[str, Any]) -> object:
        """Call the function, which may go on after it has returned, where it yields."""
        if function is shell:
            raise _Left(_run_command(self._replay, **named))
        _introduce(self._replay, [] if function is run_script else positional, named)
        if not self._replay.ways["is_post_mortem"]:
            debugger.stop_at(self._pdb, _wanted(function, positional))
        try:
            value = function(*positional, **named)
        finally:
            if not inspect.isgeneratorfunction(inspect.unwrap(function)):
                sys.settrace(None)
        self.returned = value
        return value


def _wanted(function: Any, positional: Sequence[Any]) -> Any:
    if function is run_script:
        file = positional[1][0]  # the workflow file, which its code is said to be in
        return lambda code: code.co_filename == file
    return debugger.code_wanted(function)


def _introduce(replay: Replay, positional: Sequence[object], named: Mapping[str, object]) -> None:
    speech = voice_of(replay)
    attempt = f", attempt {replay.job.attempt}" if replay.job.attempt > 1 else ""
    speech.tell(f"{replay.name}{attempt} of {replay.run}, again: nothing of it is recorded")
    for name, value in (*((str(n), value) for n, value in enumerate(positional)), *named.items()):
        if isinstance(value, TaskContext):
            continue
        speech.say(f"  {name} = {speech.shown(value)}")


def _run_command(
    replay: Replay, run: str | list[object], *, shell: str = "sh", context: TaskContext, **_: object
) -> int:
    """Run a command with this terminal; return its exit code, or 1 where it could not be started."""
    command = command_of(run, shell)
    environment = {**context.env, OUTPUT_FILE: str(context.scratch / ".flowpar-output")}
    speech = voice_of(replay)
    speech.tell(f"{replay.name} of {replay.run}, again, in {context.cwd}: nothing of it is recorded")
    speech.say(f"$ {shlex.join(command)}")
    for name, value in environment.items():
        if name.startswith((SHELL_VALUE, OUTPUT_FILE)):
            speech.say(f"  {name}={speech.shown(value)}")
    check_command(command, context)
    code = _attended(speech, command, environment, str(context.cwd))
    if code == 0:
        speech.tell(f"{replay.name} succeeded here: it ended with code 0")
        return ExitCode.OK
    told = f"ended with code {code}" if code > 0 else f"was killed by {_signal_name(-code)}"
    speech.tell(f"{replay.name} failed: it {told}")
    if replay.ways["is_post_mortem"]:
        _open_shell(speech, environment, context)
    return ExitCode.TASK_FAILED


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _open_shell(speech: Voice, environment: Mapping[str, str], context: TaskContext) -> None:
    if not sys.stdin.isatty():
        speech.tell("there is no terminal, so no shell is opened in its place")
        return
    program = os.environ.get("SHELL") or "/bin/sh"
    speech.tell(f"a shell in its folder, with its environment and scratch folder: {program}; exit leaves it")
    _attended(speech, [program], environment, str(context.cwd))


def _attended(speech: Voice, command: Sequence[str], environment: Mapping[str, str], folder: str) -> int:
    """Run a program that has the terminal; Ctrl-C is its affair."""
    before = [(number, signal.signal(number, lambda *_: None)) for number in (signal.SIGINT, signal.SIGQUIT)]
    try:
        # A handler of ours, unlike an ignored signal, is not what the program inherits.
        with subprocess.Popen(command, env=environment, cwd=folder) as child:
            return child.wait()
    except (OSError, ValueError) as error:
        speech.tell(f'"{command[0]}" cannot be started: {error}')
        return 126
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _post(speech: Voice, kind: str, body: Mapping[str, object]) -> None:
    """Show what the attempt reports."""
    if kind == "progress":
        total = "" if body.get("total") is None else f" of {body['total']:g}"
        note = f" {body['note']}" if body.get("note") else ""
        line = f"progress: {body['done']:g}{total}{note}"
    elif kind == "log":
        fields: Any = body.get("fields")
        more = "".join(f" {name}={speech.shown(value)}" for name, value in fields.items()) if fields else ""
        line = f"{body['level']}: {body['message']}{more}"
    else:
        return
    speech.say(line)
