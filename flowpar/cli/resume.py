"""`flowpar resume`: go on with a run that failed or was cut off, from what stands of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowpar.cli import options
from flowpar.cli.audited import tell_audit
from flowpar.cli.running import START_METHODS, RunArguments, refuse_unknown, run_options, selected, show_outputs, timed
from flowpar.cli.watch import Watch
from flowpar.core.errors import ExitCode
from flowpar.core.part_name import split_item
from flowpar.engine.build import resume_workflow
from flowpar.engine.earlier import earlier_run
from flowpar.engine.result import write_result
from flowpar.lang.inputs import read_given
from flowpar.planning.capacity import fitted
from flowpar.planning.ready import ready_again
from flowpar.plugin.registry import Registry
from flowpar.report.screen import system_screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.engine.earlier import EarlierRun
    from flowpar.execute.guard import Tree
    from flowpar.planning.prepared import Prepared

_EXAMPLES = options.examples(
    "flowpar resume",
    "flowpar resume 20261122-1015",
    "flowpar resume last --from train[3]",
    "flowpar resume last -i top=5",
)


def _read_targets(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[tuple[str, str | None], ...]:
    targets = []
    for text in given:
        found = split_item(text)
        if found is None:
            raise click.BadParameter(f'"{text}" is neither TASK nor TASK[ITEM]', context, parameter)
        targets.append(found)
    return tuple(targets)


@click.command("resume", epilog=_EXAMPLES)
@options.run_argument(is_required=False)
@click.option(
    "--from",
    "redo",
    multiple=True,
    metavar="TASK[ITEM]",
    callback=_read_targets,
    help="Run this again though it is done, and what is below it; may be repeated.",
)
@click.option("--salvage", is_flag=True, help="Go on with what is good of a damaged journal.")
@run_options
@click.pass_obj
def command(
    tree: Tree | None, /, *, run: str | None, redo: tuple[tuple[str, str | None], ...], salvage: bool, **given: Any
) -> int:
    """Go on with a run that failed or was cut off: what is done stays done.

    RUN is an id, the beginning of one, `last`, or the path of a run folder; without it, the newest
    run. The workflow is read as it is now: a task that changed runs again, with what is below it.
    """
    arguments = RunArguments(**given)
    screen = system_screen(arguments.color)
    watch = Watch(screen, arguments.log_format, arguments.verbosity, tree=tree, is_resumed=True)
    with earlier_run(
        arguments.state_dir, run or "last", is_salvaged=salvage, trust_state=arguments.trust_state
    ) as earlier:
        arguments = _with_recorded(arguments, earlier.settled.run.options)
        prepared = _prepare(earlier, arguments)
        screen.hide(prepared.secrets.masker)
        watch.tell_findings(prepared)
        plan = prepared.plan
        if plan is None:
            return ExitCode.USAGE
        refuse_unknown(prepared, arguments.refresh)
        prepared, left_out = selected(prepared, arguments.only)
        prepared = timed(prepared, arguments, watch)
        resumption = earlier.resumption(prepared.selected or plan, redo)
        watch.tell_resumption(earlier, resumption)
        # What is asked for by name is made anew, whatever the cache has.
        arguments = replace(arguments, refresh=(*arguments.refresh, *(task for task, _ in redo)))
        options_now, start = arguments.engine_options(), resumption.start
        watch.tell_also(arguments.sinks, prepared.selected or prepared.plan, allows_plugins=not arguments.no_plugins)
        with watch.way_on():
            end = resume_workflow(prepared, options_now, watch.sinks, tree, earlier=earlier, start=start)
    watch.tell_end(is_good=end.exit_code == ExitCode.OK, has_hints=arguments.has_hints)
    tell_audit(screen, earlier.folder.path, plan, is_audited=arguments.audit)
    if arguments.result_file is not None:
        write_result(arguments.result_file, end, earlier.folder.path)
    show_outputs(screen, end, earlier.folder.path, is_json=arguments.is_json, left_out=left_out)
    return end.exit_code


def _prepare(earlier: EarlierRun, arguments: RunArguments) -> Prepared:
    given = read_given(arguments.assignments, file=arguments.inputs_file)
    given = replace(given, recorded=earlier.settled.run.inputs)
    registry = Registry(allows_plugins=not arguments.no_plugins, runs_local_checks=True)
    prepared = ready_again(
        earlier.workflow_file, earlier.folder.path, registry=registry, given=given, executor=arguments.executor_name
    )
    return fitted(prepared, arguments.slots)


def _with_recorded(arguments: RunArguments, recorded: Mapping[str, object]) -> RunArguments:
    """Return the options with those of the run's beginning where nothing else is said now."""
    executor = recorded.get("executor")
    start_methods = [name for name in START_METHODS if name == recorded.get("start_method")]
    only, limit = recorded.get("only"), recorded.get("values_limit")
    cache_dir, cache_limit = recorded.get("cache_dir"), recorded.get("cache_limit")
    return replace(
        arguments,
        only=arguments.only or (tuple(map(str, only)) if isinstance(only, list) else ()),
        executor=arguments.executor or (executor if isinstance(executor, str) else None),
        start_method=arguments.start_method or next(iter(start_methods), None),
        no_plugins=arguments.no_plugins or recorded.get("no_plugins") is True,
        values_limit=arguments.values_limit or (limit if isinstance(limit, int) else None),
        no_cache=arguments.no_cache or recorded.get("no_cache") is True,
        cache_dir=arguments.cache_dir or (Path(cache_dir) if isinstance(cache_dir, str) else None),
        cache_limit=arguments.cache_limit or (cache_limit if isinstance(cache_limit, int) else None),
        sync_values=arguments.sync_values or recorded.get("sync_values") is True,
    )
