"""`flowpar report`: a run as one page of HTML."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.reported import reported
from flowpar.cli.show import tell_end
from flowpar.core.errors import MachineError, UsageError
from flowpar.record.history import find_run
from flowpar.report.html import render
from flowpar.report.screen import Color, system_screen

_BEGINNING = b"<!doctype html>"
_EXAMPLES = options.examples(
    "flowpar report last", "flowpar report last -o report.html", "flowpar report 20261122-1015 -o - > report.html"
)


@click.command("report", epilog=_EXAMPLES)
@options.run_argument()
@click.option(
    "-o", "--output", "target", metavar="FILE", help="Write to this file, or to stdout for -. Default: <run id>.html."
)
@options.state_dir()
@options.color()
def command(*, run: str, target: str | None, state_dir: Path, color: Color) -> int:
    """Write one page on a run that needs nothing beside it: graph, timeline, failures, values, environment.

    RUN is an id, the beginning of one, `last`, or the path of a run folder. The path of the page is printed.
    """
    screen = system_screen(color)
    run_dir = find_run(state_dir, run)
    page, end, overview = reported(run_dir, datetime.now(UTC))
    text = render(page)
    if target == "-":
        screen.show(text)
    else:
        path = Path(f"{overview.run_id}.html" if target is None else target)
        _write(path, text.encode())
        screen.show(f"{path}\n")
    return tell_end(screen, end, overview)


def _write(path: Path, content: bytes) -> None:
    """Write a page in one move; what is there and is no page stays."""
    try:
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(path.stat().st_mode):
                path.write_bytes(content)  # a device, or a folder, which says so
                return
            with path.open("rb") as there:
                if not there.read(len(_BEGINNING)).startswith(_BEGINNING[: max(1, path.stat().st_size)]):
                    raise UsageError(f'"{path}" is there already, and is no report', hint="give another name with -o")
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise MachineError(f'cannot write "{path}": {reason}', hint="give another file with -o") from error
