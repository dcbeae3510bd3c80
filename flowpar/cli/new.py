"""`flowpar new plugin`: a distribution to start a plugin from."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.scaffold import plugin_files
from flowpar.cli.starter_folder import refuse_to_overwrite, write_files
from flowpar.core.errors import ExitCode, UsageError
from flowpar.lang.model import TaskModel
from flowpar.lang.shape import keys_of
from flowpar.lang.vocabulary import BUILT_IN_KINDS
from flowpar.report.screen import Color, system_screen

_KIND = re.compile(r"[a-z][a-z0-9_]{0,60}")


@click.group("new", epilog=options.examples("flowpar new plugin checksum"))
def command() -> None:
    """Write something to start from."""


@command.command(
    "plugin",
    short_help="Write a distribution with a task type and its tests.",
    epilog=options.examples("flowpar new plugin checksum", "flowpar new plugin s3 -o tools/s3"),
)
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write it.")
@options.color()
def plugin(*, name: str, folder: Path | None, color: Color) -> int:
    """Write a distribution with the task type NAME, whose tests pass as written.

    It goes into a new folder flowpar-NAME, unless -o says otherwise.
    """
    screen = system_screen(color)
    kind = _kind(name)
    files = plugin_files(kind)
    folder = folder or Path(f"flowpar-{kind.replace('_', '-')}")
    refuse_to_overwrite(folder, files, command="flowpar new plugin NAME -o DIR")
    write_files(folder, files)
    screen.show("".join(f"{folder / file}\n" for file in files))
    screen.tell(f"next: cd {folder} && pip install -e '.[tests]' && pytest")
    return ExitCode.OK


def _kind(name: str) -> str:
    """Return the kind that a name of a task type or of a distribution stands for; raises UsageError."""
    kind = name.removeprefix("flowpar-").replace("-", "_")
    if not _KIND.fullmatch(kind):
        raise UsageError(f'"{name}" is no name of a task type', hint="it has lower case letters, digits and _")
    if keyword.iskeyword(kind):
        raise UsageError(f'"{kind}" is a word of Python, and the name of a function is needed', hint=f"say {kind}_task")
    if kind in keys_of(TaskModel):
        raise UsageError(f'"{kind}" is a key that every task has', hint="choose another name")
    if kind in BUILT_IN_KINDS:
        raise UsageError(f'"{kind}" is built in, and no plugin replaces it', hint="choose another name")
    return kind
