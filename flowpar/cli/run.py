"""`flowpar run`: check a workflow, run it, print its outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowpar.cli import options
from flowpar.cli.audited import tell_audit
from flowpar.cli.running import RunArguments, refuse_unknown, run_options, selected, show_outputs, timed
from flowpar.cli.watch import Watch
from flowpar.core.errors import ExitCode
from flowpar.engine.build import run_workflow
from flowpar.engine.result import write_result
from flowpar.lang.inputs import read_given
from flowpar.planning.capacity import fitted
from flowpar.planning.ready import ready
from flowpar.plugin.registry import Registry
from flowpar.report.screen import system_screen

if TYPE_CHECKING:
    from flowpar.execute.guard import Tree
    from flowpar.planning.prepared import Prepared

_EXAMPLES = options.examples(
    "flowpar run workflow.yaml",
    "flowpar run workflow.yaml -i top=3 -i folder=texts",
    "flowpar run workflow.yaml --inputs inputs.yaml -w 4 --json > outputs.json",
    "flowpar run workflow.yaml --only report",
    "flowpar run workflow.yaml --log-format json 2> run.jsonl",
)


@click.command("run", epilog=_EXAMPLES)
@options.file_argument()
@run_options
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep this run in this new folder.")
@click.pass_obj
def command(tree: Tree | None, /, *, file: str, run_dir: Path | None, **given: Any) -> int:
    """Check a workflow, run its tasks, and print its outputs."""
    arguments = RunArguments(**given)
    screen = system_screen(arguments.color)
    prepared = _prepare(file, arguments)
    watch = Watch(screen, arguments.log_format, arguments.verbosity, tree=tree)
    screen.hide(prepared.secrets.masker)
    watch.tell_findings(prepared)
    if prepared.plan is None:
        return ExitCode.USAGE
    refuse_unknown(prepared, arguments.refresh)
    prepared, left_out = selected(prepared, arguments.only)
    prepared = timed(prepared, arguments, watch)
    watch.tell_also(arguments.sinks, prepared.selected or prepared.plan, allows_plugins=not arguments.no_plugins)
    with watch.way_on():
        end, folder = run_workflow(prepared, arguments.engine_options(run_dir=run_dir), watch.sinks, tree)
    watch.tell_end(is_good=end.exit_code == ExitCode.OK, has_hints=arguments.has_hints)
    tell_audit(screen, folder.path, prepared.plan, is_audited=arguments.audit)
    if arguments.result_file is not None:
        write_result(arguments.result_file, end, folder.path)
    show_outputs(screen, end, folder.path, is_json=arguments.is_json, left_out=left_out)
    return end.exit_code


def _prepare(file: str, arguments: RunArguments) -> Prepared:
    given = read_given(arguments.assignments, file=arguments.inputs_file, environment=os.environ)
    registry = Registry(allows_plugins=not arguments.no_plugins, runs_local_checks=True)
    executor, state_dir = arguments.executor_name, arguments.state_dir
    return fitted(ready(file, registry=registry, given=given, executor=executor, state_dir=state_dir), arguments.slots)
