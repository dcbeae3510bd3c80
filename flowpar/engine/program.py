"""Runs for programs and notebooks: `flowpar.run(…)` does in a child process what the command does.

    program ── python -m flowpar run … ──► guard, launcher, engine
    program ◄─────── result file ───────── engine

The program may have threads, event loops and gigabytes: none of that is forked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from flowpar.core.errors import DocumentError, ExitCode, FlowparError, InternalError, MachineError, UsageError
from flowpar.engine.result import RunResult, read_result
from flowpar.execute.death import signal_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RunResult", "run"]

_ERRORS: Mapping[int, type[FlowparError]] = {ExitCode.USAGE: DocumentError, ExitCode.ENVIRONMENT: MachineError}


def run(
    path: str | os.PathLike[str],
    *,
    inputs: Mapping[str, object] | None = None,
    only: Sequence[str] = (),
    workers: int | None = None,
    executor: str | None = None,
    fail_fast: bool = False,
    timeout: str | float | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    start_method: Literal["fork", "forkserver", "spawn"] | None = None,
    echo: bool = False,
) -> RunResult:
    """Run a workflow to its end and return its outputs, the states of its tasks and its run folder.

    `inputs` are plain data and paths; `only` are tasks that the run is cut down to, with all that they need.
    A failed task is no exception: look at `status`. `echo` passes on to sys.stderr what the run says.
    Raises DocumentError where the document or an input is wrong, MachineError where the machine is.
    """
    options: dict[str, object] = {
        "--workers": workers,
        "--executor": executor,
        "--timeout": timeout,
        "--state-dir": state_dir,
        "--run-dir": run_dir,
        "--start-method": start_method,
        "--fail-fast": fail_fast or None,
    }
    with tempfile.TemporaryDirectory(prefix="flowpar-") as folder:
        result = Path(folder, "result.json")
        given = [*_words(options, only), "--result", os.fspath(result)]
        if inputs:
            given += ["--inputs", os.fspath(_write_inputs(Path(folder, "inputs.json"), inputs))]
        exit_code, messages = _run_child([*given, "--", os.fspath(path)], echo=echo)
        messages = messages.replace(os.path.join(folder, "inputs.json"), "inputs")  # noqa: PTH118 - texts
        found = read_result(result, messages)
    if found is None:
        raise _failure(exit_code, messages)
    return found


def _words(options: Mapping[str, object], only: Sequence[str]) -> list[str]:
    """Return options as the command takes them; one that is True stands for itself."""
    words = [text for task in only for text in ("--only", task)]
    for name, value in options.items():
        if value is not None:
            words += [name] if value is True else [name, _text(value)]
    return words


def _text(value: object) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _write_inputs(file: Path, inputs: Mapping[str, object]) -> Path:
    try:
        text = json.dumps(dict(inputs), default=_plain)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"an input is not plain data: {error}", hint="give text, numbers, lists or mappings"
        ) from error
    file.write_text(text)
    return file


def _plain(value: object) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(Path(value).absolute())
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} {value!r:.80}")


def _run_child(arguments: list[str], *, echo: bool) -> tuple[int, str]:
    # A group of its own, so that a Ctrl-C of the terminal reaches it once: through us. With -P, what
    # lies in the current folder cannot pass for a module of ours.
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "flowpar", "run", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    )
    lines: list[str] = []
    reader = Thread(target=_read, args=(child, lines, echo), name="flowpar-messages", daemon=True)
    reader.start()
    try:
        _wait(child)
    finally:
        reader.join()
    return child.returncode, "".join(lines)


def _wait(child: subprocess.Popen[str]) -> None:
    """Wait for the run; an interrupt is passed on to it and raised when it is over, a second one ends it at once."""
    interrupt: KeyboardInterrupt | None = None
    while child.poll() is None:
        try:
            child.wait()
        except KeyboardInterrupt as error:
            interrupt = error
            child.send_signal(signal.SIGINT)
        except BaseException:
            child.terminate()
            raise
    if interrupt is not None:
        raise interrupt


def _read(child: subprocess.Popen[str], lines: list[str], echo: bool) -> None:  # noqa: FBT001 - a thread's target
    if child.stderr is None:
        return
    with child.stderr as stream:
        for line in stream:
            lines.append(line)
            if echo:
                sys.stderr.write(line)


def _failure(exit_code: int, messages: str) -> FlowparError:
    said = messages.partition("\ntry: flowpar ")[0].strip() or "it said nothing"
    kind = _ERRORS.get(exit_code)
    if kind is not None:
        return kind(said.removeprefix("flowpar: "))
    if exit_code < 0:
        last = said.rpartition("\n")[2]  # what the guard says, unless that was killed itself
        is_said = last.startswith("flowpar: ")
        return MachineError(last.removeprefix("flowpar: ") if is_said else f"killed by {signal_name(-exit_code)}")
    return InternalError(f"the run ended with exit code {exit_code} and left no result: {said}")
