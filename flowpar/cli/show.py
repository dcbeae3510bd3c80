"""`flowpar show`: one run, task by task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.comparison import Comparison
from flowpar.cli.history import full_record, head_of, task_rows
from flowpar.cli.looking import look_back
from flowpar.cli.shown import look_record, look_text
from flowpar.core.errors import ExitCode, UsageError
from flowpar.record.history import find_run
from flowpar.record.overview import Status, overview_from, seen_now
from flowpar.record.resume import read_settled
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.cli.looking import Look
    from flowpar.record.overview import Overview
    from flowpar.record.reading import JournalEnd

_EXAMPLES = options.examples(
    "flowpar show last",
    "flowpar show 20261122-1015",
    "flowpar show last --json | jq '.tasks[] | .state'",
    "flowpar show last 'resize[17]' --inputs",
)


@click.command("show", epilog=_EXAMPLES)
@options.run_argument()
@click.argument("task", required=False, metavar="[TASK[ITEM]]")
@click.option("--inputs", "has_inputs", is_flag=True, help="Show what the task or item was given.")
@click.option("--output", "has_output", is_flag=True, help="Show what it returned.")
@options.state_dir()
@options.as_json("all that is known of the run, or of the task")
@options.color()
def command(
    *,
    run: str,
    task: str | None,
    has_inputs: bool,
    has_output: bool,
    state_dir: Path,
    is_json: bool,
    color: Color,
) -> int:
    """Show one run: its tasks, how they ended, how often they were tried, how long they took.

    With TASK or TASK[ITEM], show what that was given and what it returned; no code of the workflow's is run for it.

    RUN is an id, the beginning of one, `last`, or the path of a run folder.
    """
    screen = system_screen(color)
    if task is not None:
        look = look_back(screen, state_dir, run, task, is_to_run=False)
        return _show_task(screen, look, has_inputs=has_inputs, has_output=has_output, is_json=is_json)
    if has_inputs or has_output:
        raise UsageError("--inputs and --output are of one task", hint="name it after the run: TASK, or 'TASK[ITEM]'")
    run_dir = find_run(state_dir, run)
    settled, end = read_settled(run_dir, is_salvaged=True, keeps_values=False)
    overview = seen_now(overview_from(settled), run_dir)
    compared = Comparison.of(settled, run_dir, state_dir)
    if is_json:
        screen.show(shown(full_record(overview, settled, run_dir, compared)))
    else:
        rows = task_rows(settled, compared, is_running=overview.status == Status.RUNNING)
        screen.show(f"{head_of(overview, settled, run_dir, compared)}\n{table(rows)}")
    return tell_end(screen, end, overview)


def _show_task(screen: Screen, look: Look, *, has_inputs: bool, has_output: bool, is_json: bool) -> ExitCode:
    wants_all = not has_inputs and not has_output
    has_inputs, has_output = has_inputs or wants_all, has_output or wants_all
    if is_json:
        screen.show(shown(look_record(look, has_inputs=has_inputs, has_output=has_output)))
    else:
        screen.show(look_text(look, has_inputs=has_inputs, has_output=has_output))
    return ExitCode.OK if look.end.damaged_at is None else ExitCode.ENVIRONMENT


def tell_end(screen: Screen, end: JournalEnd, overview: Overview) -> ExitCode:
    """Say what of a journal could not be read."""
    if end.damaged_at is not None:
        kept = counted(end.count, "record")
        screen.tell(f"flowpar: the journal is corrupt at record {end.damaged_at}: this is what {kept} say", "error")
        return ExitCode.ENVIRONMENT
    if end.dropped_bytes and overview.status != Status.RUNNING:
        size = counted(end.dropped_bytes, "byte")
        screen.tell(f"flowpar: the journal's last record was cut short and is left out ({size})", "warning")
    return ExitCode.OK
