"""`flowpar debug`: one attempt of an earlier run again, in the foreground and under a debugger."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.looking import look_back
from flowpar.core.errors import MachineError, UsageError
from flowpar.execute.replay import command_of
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from typing import NoReturn

    from flowpar.cli.looking import Look

_EXAMPLES = options.examples(
    "flowpar debug last 'resize[17]'",
    "flowpar debug last load --post-mortem    # run it, and look where it raises",
    "flowpar debug 20261122-1015 'train/fit' --ipdb",
    "flowpar debug last 'resize[17]' --copy ../resize-17",
)


@click.command("debug", epilog=_EXAMPLES)
@options.run_argument()
@click.argument("task", metavar="TASK[ITEM]")
@click.option("--post-mortem", "is_post_mortem", is_flag=True, help="Run it, and stop only where it raises.")
@click.option("--ipdb", "wants_ipdb", is_flag=True, help="Use ipdb, which must be installed.")
@click.option(
    "--copy",
    "copy_into",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Run nothing: write what it was given, and a script that calls it without flowpar.",
)
@options.state_dir()
@options.color()
def command(
    *,
    run: str,
    task: str,
    is_post_mortem: bool,
    wants_ipdb: bool,
    copy_into: Path | None,
    state_dir: Path,
    color: Color,
) -> NoReturn:
    """Run one attempt again, here: with its inputs, environment and folder, under pdb.

    It stops at the first line of the task's function, and where that raises. A shell task runs its command with
    this terminal; with --post-mortem a shell opens in its place when it fails. Nothing is written to the run.

    RUN is an id, the beginning of one, `last`, or the path of a run folder.
    """
    if wants_ipdb and find_spec("ipdb") is None:
        python = sys.executable
        raise UsageError(f"ipdb is not installed in {python}", hint="pip install ipdb, or leave --ipdb out for pdb")
    screen = system_screen(color)
    look = look_back(screen, state_dir, run, task)
    if copy_into is not None:
        _copy(look, copy_into, is_run=is_post_mortem or wants_ipdb)
    had_failed = not look.place.standing.is_done
    debugger = "ipdb" if wants_ipdb else "pdb"
    replay = look.replay(debugger=debugger, is_post_mortem=is_post_mortem, had_failed=had_failed)
    _become(command_of("flowpar.engine.foreground", replay.send()))


def _copy(look: Look, folder: Path, *, is_run: bool) -> NoReturn:
    if is_run:
        raise UsageError("--copy runs nothing, so there is nothing to debug", hint="leave --post-mortem and --ipdb out")
    refuse_folder(folder)
    _become(command_of("flowpar.engine.copying", look.replay(folder=str(folder.absolute())).send()))


def refuse_folder(folder: Path) -> None:
    """Raise UsageError unless a folder is new or empty."""
    try:
        is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise UsageError(f'cannot look into "{folder}": {(error.strerror or str(error)).lower()}') from error
    if not is_free:
        raise UsageError(f'"{folder}" is there already, and not empty', hint="name a folder that is new")


def _become(command: list[str]) -> NoReturn:
    """Let another program take the place of this one, with its terminal, so that nobody stands between."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError):
            stream.flush()
    try:
        os.execv(command[0], command)  # noqa: S606 - it is the same Python
    except OSError as error:
        raise MachineError(f'cannot start "{command[0]}": {(error.strerror or str(error)).lower()}') from error
