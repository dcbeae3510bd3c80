"""`flowpar report`: a run as one page of HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from flowpar.cli import options
from flowpar.cli.output_file import write_output
from flowpar.cli.reported import reported
from flowpar.cli.show import tell_end
from flowpar.record.history import find_run, run_ids
from flowpar.record.run_id import is_run_id
from flowpar.report.html import BEGINNING, render
from flowpar.report.screen import Color, system_screen

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
    page, end, overview = reported(
        run_dir.resolve(), datetime.now(UTC), [state_dir / "runs" / each for each in run_ids(state_dir)]
    )
    text = render(page)
    if target == "-":
        screen.show(text)
    else:
        # A journal from elsewhere may have anything for an id; it must not choose the folder.
        name = overview.run_id if is_run_id(overview.run_id) else run_dir.resolve().name
        path = Path(f"{name}.html" if target is None else target)
        write_output(path, text.encode(), beginning=BEGINNING, kind="report")
        screen.show(f"{path}\n")
    return tell_end(screen, end, overview)
