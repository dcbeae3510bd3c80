"""`flowpar plan`: what a run would do, in order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from flowpar.cli import options
from flowpar.cli.cpus import usable_cpus
from flowpar.cli.forecast import forecast
from flowpar.cli.took import costs_of
from flowpar.cli.view import headline, longest_path, path_text, records_of, rows_of
from flowpar.core.errors import ExitCode
from flowpar.lang.inputs import read_given
from flowpar.planning.capacity import fitted
from flowpar.planning.planner import prepare
from flowpar.planning.select import select
from flowpar.plugin.registry import Registry
from flowpar.record.history import run_ids
from flowpar.report.excerpt import render
from flowpar.report.jsonline import shown
from flowpar.report.outputs import table
from flowpar.report.screen import Color, system_screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flowpar.cli.forecast import Forecast
    from flowpar.engine.foresee import Foreseen
    from flowpar.planning.model import Plan

_EXAMPLES = options.examples(
    "flowpar plan workflow.yaml",
    "flowpar plan workflow.yaml -i folder=texts",
    "flowpar plan workflow.yaml -w 4    # how long will it take on four?",
    "flowpar plan workflow.yaml --json",
)


@click.command("plan", epilog=_EXAMPLES)
@options.file_argument()
@options.inputs()
@options.only()
@options.whole_number("-w", "--workers", least=1, help="Plan for N at once; by default one for each usable CPU.")
@options.state_dir()
@options.cache_dir()
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
    state_dir: Path,
    cache_dir: Path | None,
    is_json: bool,
    no_plugins: bool,
    color: Color,
) -> int:
    """Show the tasks of a workflow in the order of a run, by layers; nothing is run.

    Without inputs those that have a default are known, and what depends on others is left open. Where earlier
    runs of the workflow say how long tasks take, a run is predicted, as it would go on so many workers.
    """
    screen = system_screen(color)
    given = None
    if assignments or inputs_file is not None:
        given = read_given(assignments, file=inputs_file, environment=os.environ)
    prepared = prepare(file, registry=Registry(allows_plugins=not no_plugins), given=given, needs_secrets=False)
    slots = workers or usable_cpus()
    prepared = fitted(prepared, slots)
    screen.tell(render(prepared.diagnostics, prepared.sources, is_coloured=screen.has_colors))
    if prepared.plan is None:
        return ExitCode.USAGE
    plan = select(prepared.plan, only).plan
    found = forecast(plan, costs_of(plan, state_dir), slots)
    if found is None and workers is not None:
        screen.tell(f'flowpar: no earlier run of "{plan.workflow}" is known, so none is predicted', "warning")
    foreseen = _foreseen(plan, state_dir, cache_dir or state_dir / "cache")
    record = {**records_of(found.plan if found else plan), "prediction": found.record() if found else None}
    if foreseen:
        record["cache"] = {each.task: each.record() for each in foreseen}
    screen.show(shown(record) if is_json else _text(plan, found, foreseen))
    return ExitCode.OK


def _foreseen(plan: Plan, state_dir: Path, cache_dir: Path) -> list[Foreseen]:
    if all(task.cache is None for task in plan.tasks):
        return []
    # Late: nobody else pays for it.
    from flowpar.engine.foresee import foresee

    return foresee(plan, [state_dir / "runs" / run for run in run_ids(state_dir)], cache_dir)


def _told(foreseen: Foreseen) -> list[str]:
    return [f"  {foreseen.text()}", *(f"    note: {note}" for note in foreseen.notes)]


def _text(plan: Plan, found: Forecast | None, foreseen: Sequence[Foreseen]) -> str:
    rows = rows_of(plan)
    cached = ["", "of what has a cache:", *(line for each in foreseen for line in _told(each))] if foreseen else []
    if found is None:
        lines = [f"{headline(plan)}\n\n{table(rows)}\nlongest path: {path_text(longest_path(plan))}"]
    else:
        timed = [found.row(task, row) for task, row in zip(plan.tasks, rows, strict=True)]
        lines = [headline(plan), "", table(timed), *found.lines()]
    return "\n".join([*lines, *cached, ""])
