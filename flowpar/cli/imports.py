"""`flowpar import`: a workflow from another system's file."""

from __future__ import annotations

from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.starter_folder import refuse_to_overwrite, write_files
from flowpar.core.diagnostics import Diagnostic
from flowpar.core.errors import ExitCode, UsageError
from flowpar.lang.importers.importer import WORKFLOW
from flowpar.lang.importers.known import IMPORTERS, importer_for
from flowpar.lang.reading import read_source
from flowpar.report.screen import Color, system_screen

_EXAMPLES = options.examples("flowpar import recording.json", "flowpar import recording.json -o replay")


@click.command("import", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write it.")
@click.option("--format", "form", type=click.Choice(list(IMPORTERS)), help="Whose file it is.  [default: as it looks]")
@options.color()
def command(*, file: Path, folder: Path | None, form: str | None, color: Color) -> int:
    """Write a workflow that does what FILE, of another system, says; what can't be translated is told.

    It goes into a new folder, called as FILE is, unless -o says otherwise.
    """
    screen = system_screen(color)
    source = read_source(file)
    if isinstance(source, Diagnostic):
        raise UsageError(f"{file}: {source.message}", hint=source.hint)
    importer = IMPORTERS[form] if form else importer_for(source)
    translation = importer.translate(source)
    folder = folder or Path(file.stem)
    refuse_to_overwrite(folder, translation.files, command="flowpar import FILE -o DIR")
    write_files(folder, translation.files)
    screen.show("".join(f"{folder / name}\n" for name in translation.files))
    screen.tell(translation.told)
    for note in translation.notes:
        screen.tell(f"note: {note}")
    screen.tell(f"next: flowpar run {folder / WORKFLOW} {translation.example}".rstrip())
    return ExitCode.OK
