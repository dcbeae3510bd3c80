"""`flowpar run`: check a workflow, run it, print its outputs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from flowpar.cli import options
from flowpar.cli.cpus import usable_cpus
from flowpar.cli.watch import LogFormat, Watch
from flowpar.core.errors import ExitCode
from flowpar.engine.build import EngineOptions, run_workflow
from flowpar.engine.result import write_result
from flowpar.lang.inputs import read_given
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry
from flowpar.report.outputs import readable
from flowpar.report.progress import Verbosity
from flowpar.report.screen import Color, Screen, system_screen
from flowpar.report.wording import reason_of

if TYPE_CHECKING:
    from flowpar.execute.guard import Tree
    from flowpar.planning.planner import Prepared
    from flowpar.schedule.run import RunEnd

_EXAMPLES = options.examples(
    "flowpar run workflow.yaml",
    "flowpar run workflow.yaml -i top=3 -i folder=texts",
    "flowpar run workflow.yaml --inputs inputs.yaml -w 4 --json > outputs.json",
    "flowpar run workflow.yaml --log-format json 2> run.jsonl",
)


@dataclass(frozen=True, slots=True)
class RunArguments:
    """The command line of `flowpar run`."""

    file: str
    assignments: tuple[str, ...]
    inputs_file: str | None
    workers: int | None
    executor: str | None
    fail_fast: bool
    timeout_s: float | None
    state_dir: Path
    run_dir: Path | None
    start_method: Literal["fork", "forkserver", "spawn"]
    log_format: LogFormat
    no_sync: bool
    no_plugins: bool
    trust_state: bool
    is_json: bool
    quiet: bool
    verbose: bool
    color: Color
    result_file: Path | None


@click.command("run", epilog=_EXAMPLES)
@options.file_argument()
@options.inputs()
@click.option("-w", "--workers", type=click.IntRange(min=1), help="Run N at once; by default one for each usable CPU.")
@click.option(
    "--executor",
    type=click.Choice(["process", "thread", "inline"]),
    help="Where tasks run that do not say it themselves.",
)
@click.option("--fail-fast", is_flag=True, help="Start nothing more once a task has failed.")
@click.option(
    "--timeout", "timeout_s", callback=options.read_duration, metavar="DURATION", help="End the run after it."
)
@options.state_dir()
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep this run in this new folder.")
@click.option(
    "--start-method",
    type=click.Choice(["fork", "forkserver", "spawn"]),
    default="fork",
    show_default=True,
    help="How processes of tasks are started.",
)
@click.option(
    "--log-format",
    type=click.Choice([form.value for form in LogFormat]),
    default=LogFormat.AUTO.value,
    show_default=True,
    callback=lambda _context, _parameter, value: LogFormat(value),
    help="What stderr shows: a live view or plain lines, log lines for people, or log lines as JSON.",
)
@click.option("--no-sync", is_flag=True, help="Do not wait for the disk; a power cut may then lose tasks.")
@options.no_plugins()
@click.option("--trust-state", is_flag=True, help="Use a state folder that is a link or another user's.")
@options.as_json("the outputs")
@click.option("-q", "--quiet", is_flag=True, help="Tell failures only.")
@click.option("-v", "--verbose", is_flag=True, help="Tell starts, items and what tasks print, too.")
@options.color()
@click.option("--result", "result_file", type=click.Path(path_type=Path), hidden=True)
@click.pass_obj
def command(tree: Tree | None, /, **given: Any) -> int:
    """Check a workflow, run its tasks, and print its outputs."""
    arguments = RunArguments(**given)
    screen = system_screen(arguments.color)
    prepared = _prepare(arguments)
    watch = Watch(screen, arguments.log_format, _verbosity(arguments))
    watch.tell_findings(prepared)
    if prepared.plan is None:
        return ExitCode.USAGE
    end, folder = run_workflow(prepared, _engine_options(arguments), watch.sinks, tree)
    watch.tell_end(is_good=end.exit_code == ExitCode.OK)
    if arguments.result_file is not None:
        write_result(arguments.result_file, end, folder.path)
    _show_outputs(screen, end, is_json=arguments.is_json)
    return end.exit_code


def _prepare(arguments: RunArguments) -> Prepared:
    given = read_given(arguments.assignments, file=arguments.inputs_file, environment=os.environ)
    registry = Registry(allows_plugins=not arguments.no_plugins, runs_local_checks=True)
    return prepare(arguments.file, registry=registry, given=given, executor=arguments.executor)


def _engine_options(arguments: RunArguments) -> EngineOptions:
    return EngineOptions(
        workers=arguments.workers or usable_cpus(),
        state_dir=arguments.state_dir,
        run_dir=arguments.run_dir,
        start_method=arguments.start_method,
        is_fail_fast=arguments.fail_fast,
        timeout_s=arguments.timeout_s,
        is_synced=not arguments.no_sync,
        trust_state=arguments.trust_state,
        recorded=_recorded(arguments),
    )


def _recorded(arguments: RunArguments) -> dict[str, object]:
    """Return the options that a resume keeps, and the folder to which relative paths are relative."""
    return {
        "folder": os.path.abspath(os.curdir) if os.path.exists(os.curdir) else None,  # noqa: PTH100, PTH110
        "executor": arguments.executor,
        "start_method": arguments.start_method,
        "fail_fast": arguments.fail_fast,
        "no_plugins": arguments.no_plugins,
    }


def _verbosity(arguments: RunArguments) -> Verbosity:
    if arguments.quiet:
        return Verbosity.QUIET
    return Verbosity.VERBOSE if arguments.verbose else Verbosity.NORMAL


def _show_outputs(screen: Screen, end: RunEnd, *, is_json: bool) -> None:
    if end.outputs_failure is not None:
        screen.tell(f"flowpar: the outputs cannot be made: {reason_of(end.outputs_failure)}", "error")
    if end.outputs is None or end.exit_code != ExitCode.OK:
        return
    if is_json:
        screen.show(f"{end.outputs}\n")
    elif outputs := json.loads(end.outputs):
        screen.show(readable(outputs))
