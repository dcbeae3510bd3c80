"""`flowpar init`: a small workflow to start from."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.starter import FILES
from flowpar.core.errors import ExitCode, MachineError, UsageError
from flowpar.report.screen import Color, system_screen


@click.command("init", epilog=options.examples("flowpar init", "flowpar init word-count"))
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@options.color()
def command(*, folder: Path, color: Color) -> int:
    """Write a workflow that runs, its Python functions and some data into DIR (here by default)."""
    screen = system_screen(color)
    _refuse_to_overwrite(folder)
    _write(folder)
    screen.show("".join(f"{folder / name}\n" for name in FILES))
    screen.tell(f"next: flowpar run {folder / 'workflow.yaml'}")
    return ExitCode.OK


def _refuse_to_overwrite(folder: Path) -> None:
    place = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 - says no where Path.is_dir raises
        raise UsageError(f'"{place}" is not a folder', hint="name a new or an empty one: flowpar init DIR")
    taken = [name for name in FILES if os.path.lexists(folder / name)]
    if taken:
        raise UsageError(f'"{folder / taken[0]}" is there already', hint="choose an empty folder: flowpar init DIR")


def _write(folder: Path) -> None:
    try:
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise MachineError(f'cannot write to "{folder}": {(error.strerror or str(error)).lower()}') from error
