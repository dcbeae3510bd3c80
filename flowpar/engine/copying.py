"""An attempt of an earlier run as a folder of its own: what it was given, and a script that makes it without flowpar.

    Replay ─► surroundings, arguments ─┬─ a function: inputs.pkl, inputs.json, run.py
                                       └─ a command:  run.sh
                                          README.md says where the code is and what was left out

This is a process of its own: it imports the task's module, and calls nothing of it. Secrets are left out.
"""

from __future__ import annotations

import inspect
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import ExitCode
from flowpar.core.frozen import dataclass, field
from flowpar.core.outcome import TaskFailed
from flowpar.data.codec import NotEncodable, encode
from flowpar.engine import copied_text, voice
from flowpar.engine.foreground import tell_failure, voice_of
from flowpar.execute import share
from flowpar.execute.opened import masker_of
from flowpar.execute.replay import Harmless, Replay
from flowpar.plugin.spec import TaskContext
from flowpar.tasks.script import run_script
from flowpar.tasks.shell import command_of, shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowpar.core.mask import Masker
    from flowpar.execute.recipe import Call, Shared

# What stays behind: the folder for scratch files is another one, and what a shell task may write goes nowhere.
_LEFT = frozenset({"FLOWPAR_SCRATCH", "FLOWPAR_OUTPUT"})


class _Copied(BaseException):
    """The attempt is ready, and goes no further."""


class _NotWritten(BaseException):
    """The folder cannot be written."""


@dataclass(slots=True)
class Copy:
    """What is written; `left_out` says of arguments and variables that hold secrets, or can't be written, why."""

    name: str
    run: str
    target: str
    folder: str
    path: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    context: dict[str, object] = field(default_factory=dict)
    code: str = ""


def main(number: int) -> None:
    """Write the folder that the descriptor tells of, and end the process."""
    voice.open_streams()
    replay = Replay.receive(number)
    share.one_thread_each()
    into = Path(str(replay.ways["folder"]))
    with tempfile.TemporaryDirectory(prefix="flowpar-copy-") as scratch:
        code = _follow(replay, scratch, into)
        os.chdir("/")
    voice.end(code)


def _follow(replay: Replay, scratch: str, into: Path) -> int:
    before = dict(os.environ)
    try:
        _Copying(replay, scratch, into, before).follow()
    except _Copied:
        with suppress(OSError):
            sys.stdout.write(f"{replay.ways['folder']}\n")
        return ExitCode.OK
    except TaskFailed as failed:
        return tell_failure(replay, failed.failure)
    except _NotWritten as error:
        voice_of(replay).tell(f'cannot write "{into}": {error}')
        return ExitCode.ENVIRONMENT
    except OSError as error:
        voice_of(replay).tell(f"{replay.name} cannot be copied: {error}")
        return ExitCode.ENVIRONMENT
    return ExitCode.OK


class _Copying(Harmless):
    """Writes what the function would be called with, instead of calling it."""

    def __init__(self, replay: Replay, scratch: str, into: Path, before: Mapping[str, str]) -> None:
        super().__init__(replay.bound(_say_nothing), _say_nothing, scratch=scratch)
        self._replay = replay
        self._into = into
        self._before = before
        self._masker = masker_of(replay.job.shared)

    def invoke(self, function: Callable[..., object], positional: list[Any], named: dict[str, Any]) -> object:
        """Write it all."""
        recipe: Call = pickle.loads(self._replay.job.recipe)
        shared: Shared = pickle.loads(self._replay.job.shared)
        bindings = pickle.loads(self._replay.job.bindings)
        shared = shared if bindings.scope is None else bindings.scope.within(shared)
        path = list(dict.fromkeys([shared.workflow_dir, *shared.python_path]))
        copy = Copy(self._replay.name, self._replay.run, recipe.target, str(Path.cwd()), path)
        self._note_environment(copy, shared)
        try:
            self._write_all(copy, function, positional, named)
        except OSError as error:
            raise _NotWritten((error.strerror or str(error)).lower()) from error
        raise _Copied

    def _write_all(
        self, copy: Copy, function: Callable[..., object], positional: list[Any], named: dict[str, Any]
    ) -> None:
        self._into.mkdir(mode=0o700, parents=True, exist_ok=True)
        if function is shell:
            self._write_command(copy, **named)
        elif function is run_script:
            self._write("script.py", str(positional[0]))
            self._write_function(copy, [], named, script="script.py")
        else:
            copy.code = _place_of(function)
            self._write_function(copy, positional, named)
        self._write("README.md", copied_text.readme(copy))

    def _note_environment(self, copy: Copy, shared: Shared) -> None:
        """Keep the variables that the workflow sets; those of env files are nobody's to write down."""
        for name, value in sorted(os.environ.items()):
            if self._before.get(name) == value or name in _LEFT:
                continue
            if name in shared.env_file:
                copy.left_out[f"{copied_text.VARIABLE}{name}"] = "it is of an env file: set it yourself"
            elif self._masker.text(value) != value:
                copy.left_out[f"{copied_text.VARIABLE}{name}"] = "a secret is in it: set it yourself"
            else:
                copy.environment[name] = value

    def _write_function(self, copy: Copy, positional: list[Any], named: dict[str, Any], *, script: str = "") -> None:
        kept: dict[str, object] = {}
        for name, value in named.items():
            if isinstance(value, TaskContext):
                copy.context = {"name": name, **_facts_of(value)}
                continue
            problem = _problem_of(value, self._masker)
            if problem:
                copy.left_out[name] = problem
            else:
                kept[name] = value
        for place, value in enumerate(positional):
            if problem := _problem_of(value, self._masker):
                copy.left_out[f"{copied_text.PLACE}{place}"] = problem
                positional[place] = None
        (self._into / "inputs.pkl").write_bytes(pickle.dumps((positional, kept)))
        self._write(
            "inputs.json",
            copied_text.readable_json({**dict(enumerate(positional)), **kept}, voice_of(self._replay).shown),
        )
        self._write("run.py", copied_text.run_py(copy, script), mode=0o700)

    def _write_command(
        self, copy: Copy, run: str | list[object], *, shell: str = "sh", context: TaskContext, **_: object
    ) -> None:
        command = command_of(run, shell)
        if self._masker.text(" ".join(command)) != " ".join(command):
            copy.left_out["the command"] = "a secret is in it, which stands as *** there"
            command = [self._masker.text(word) for word in command]
        copy.folder = str(context.cwd)
        self._write("run.sh", copied_text.run_sh(copy, command), mode=0o700)

    def _write(self, name: str, text: str, *, mode: int = 0o600) -> None:
        number = os.open(self._into / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)


def _problem_of(value: object, masker: Masker) -> str:
    """Return why a value is left out, "" where it is not."""
    try:
        is_secret = masker.holds(encode(value).chunks)
        pickle.dumps(value)  # a run keeps more than pickle alone does, as a memoryview
    except NotEncodable as error:
        return f"it can't be written: {error.message}"
    except Exception as error:  # noqa: BLE001 - the user's class may do anything
        return f"it can't be written: {masker.error(str(error))}"
    return "a secret is in it: give it yourself" if is_secret else ""


def _facts_of(context: TaskContext) -> dict[str, object]:
    names = ("run_id", "task", "item", "attempt", "idempotency_key")
    return {name: getattr(context, name) for name in names}


def _place_of(function: Any) -> str:
    bare = inspect.unwrap(function)
    try:
        return f"{inspect.getsourcefile(bare)}:{inspect.getsourcelines(bare)[1]}"
    except (TypeError, OSError):
        return ""


def _say_nothing(kind: str, body: Mapping[str, object]) -> None:
    del kind, body
