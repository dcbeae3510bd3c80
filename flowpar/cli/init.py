"""`flowpar init`: a small workflow to start from."""

from __future__ import annotations

from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.starter import FILES
from flowpar.cli.starter_folder import refuse_to_overwrite, write_files
from flowpar.core.errors import ExitCode
from flowpar.report.screen import Color, system_screen


@click.command("init", epilog=options.examples("flowpar init", "flowpar init word-count"))
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@options.color()
def command(*, folder: Path, color: Color) -> int:
    """Write a workflow that runs, its Python functions and some data into DIR (here by default)."""
    screen = system_screen(color)
    refuse_to_overwrite(folder, FILES, command="flowpar init DIR")
    write_files(folder, FILES)
    screen.show("".join(f"{folder / name}\n" for name in FILES))
    screen.tell(f"next: flowpar run {folder / 'workflow.yaml'}")
    return ExitCode.OK
