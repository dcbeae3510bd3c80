"""`flowpar plan`: what a run would do, in order."""

from __future__ import annotations

import os

import click

from flowpar.cli import options
from flowpar.cli.cpus import usable_cpus
from flowpar.cli.view import headline, longest_path, records_of, rows_of
from flowpar.core.errors import ExitCode
from flowpar.lang.inputs import read_given
from flowpar.planning.capacity import fitted
from flowpar.planning.planner import prepare
from flowpar.planning.select import select
from flowpar.plugin.registry import Registry
from flowpar.report.excerpt import render
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, system_screen

_EXAMPLES = options.examples(
    "flowpar plan workflow.yaml",
    "flowpar plan workflow.yaml -i folder=texts",
    "flowpar plan workflow.yaml -w 4",
    "flowpar plan workflow.yaml --json",
)


@click.command("plan", epilog=_EXAMPLES)
@options.file_argument()
@options.inputs()
@options.only()
@options.whole_number("-w", "--workers", least=1, help="Plan for N at once; by default one for each usable CPU.")
@options.as_json("the plan")
@options.no_plugins()
@options.color()
def command(
    *,
    file: str,
    assignments: tuple[str, ...],
    inputs_file: str | None,
    only: tuple[str, ...],
    workers: int | None,
    is_json: bool,
    no_plugins: bool,
    color: Color,
) -> int:
    """Show the tasks of a workflow in the order of a run, by layers; nothing is run.

    Without inputs those that have a default are known, and what depends on others is left open.
    """
    screen = system_screen(color)
    given = None
    if assignments or inputs_file is not None:
        given = read_given(assignments, file=inputs_file, environment=os.environ)
    prepared = prepare(file, registry=Registry(allows_plugins=not no_plugins), given=given, needs_secrets=False)
    prepared = fitted(prepared, workers or usable_cpus())
    screen.tell(render(prepared.diagnostics, prepared.sources, is_coloured=screen.has_colors))
    if prepared.plan is None:
        return ExitCode.USAGE
    plan = select(prepared.plan, only).plan
    if is_json:
        screen.show(shown(records_of(plan)))
    else:
        path = " -> ".join(longest_path(plan))
        screen.show(f"{headline(plan)}\n\n{table(rows_of(plan))}\nlongest path: {path}\n")
    return ExitCode.OK
