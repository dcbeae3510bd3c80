"""`flowpar runs`: the runs that are kept, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.history import record_of, row_of, without_empty
from flowpar.core.errors import ExitCode
from flowpar.record.index import RunIndex
from flowpar.record.usual import usual_runs
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from pathlib import Path

_EXAMPLES = options.examples("flowpar runs", "flowpar runs -n 3", "flowpar runs --json | jq '.[0].status'")


@click.command("runs", epilog=_EXAMPLES)
@options.whole_number("-n", "--number", least=1, help="List the newest N only.")
@options.state_dir()
@options.as_json("the list")
@options.color()
def command(*, number: int | None, state_dir: Path, is_json: bool, color: Color) -> int:
    """List the runs that are kept, newest first: how they ended, or that they run, and in which process."""
    screen = system_screen(color)
    kept = RunIndex(state_dir).overviews()
    found, usual = kept[:number], usual_runs(kept)
    if is_json:
        records = [record_of(one, state_dir / "runs" / one.run_id, usual.get(one.run_id)) for one in found]
        screen.show(shown(records))
    elif found:
        now = datetime.now(UTC)
        screen.show(table(without_empty([row_of(one, now, usual.get(one.run_id)) for one in found])))
    else:
        screen.tell(f'there are no runs in "{state_dir}"; flowpar run FILE makes one')
    return ExitCode.OK
