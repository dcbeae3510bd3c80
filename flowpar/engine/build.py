"""One run from its parts: folder, journal, sinks, crew and loop, put together and taken apart again.

    plan + options ─► folder ─► journal + sinks ─► crew ─► loop ─► RunEnd ─► outputs.json
    an earlier run  ─────┘

This is the only place that knows all of them.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from flowpar import __version__
from flowpar.core.clock import SystemClock
from flowpar.core.errors import InternalError, PluginError
from flowpar.core.events import RunNoted
from flowpar.core.frozen import replace
from flowpar.core.span import trace_of
from flowpar.data.removal import Removal
from flowpar.data.spool import FOLDER as SPOOLS
from flowpar.data.store import ValueStore
from flowpar.engine.brought import bringing_to, brought_by
from flowpar.engine.keeping import keep_prepared
from flowpar.engine.pools import most_light, pools_of
from flowpar.engine.refill import recorded_outputs
from flowpar.engine.signals import StopSignals
from flowpar.execute.crew import Crew
from flowpar.execute.leftover import end_leftovers
from flowpar.planning.preload import preload_of
from flowpar.planning.template import within
from flowpar.record.commit import commit_of
from flowpar.record.folder import RunFolder
from flowpar.record.journal import Journal
from flowpar.record.lock import Lock
from flowpar.record.reading import JOURNAL
from flowpar.report.fanout import FanoutSink
from flowpar.schedule.job import share
from flowpar.schedule.loop import Loop
from flowpar.schedule.ruling import EngineDecisions
from flowpar.schedule.run import RunEnd, RunOptions
from flowpar.schedule.start import Start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.events import EventSink
    from flowpar.core.outcome import ValueRef
    from flowpar.engine.earlier import EarlierRun
    from flowpar.engine.options import EngineOptions
    from flowpar.execute.guard import Tree
    from flowpar.execute.outputs import Refill
    from flowpar.planning.model import Plan
    from flowpar.planning.prepared import Prepared
    from flowpar.planning.secret import Secrets
    from flowpar.schedule.caching import Cache

    MakeSinks = Callable[[RunFolder], Sequence[EventSink]]

# Of values that nobody will read any more: a resume with --from, or of a workflow that was edited, may want them.
_KEPT_BYTES = 256 << 20


def run_workflow(
    prepared: Prepared, options: EngineOptions, make_sinks: MakeSinks, tree: Tree | None
) -> tuple[RunEnd, RunFolder]:
    """Run a workflow that is prepared and return how that ended, and where.

    `make_sinks` gets the run's folder and gives who is told beside the journal; they are closed at
    the end. `tree` is what `split` returned. Raises FlowparError where the machine gives out.
    """
    plan = prepared.selected or prepared.plan
    if plan is None:
        raise InternalError("a workflow with errors is not run")
    folder = RunFolder.create(
        options.state_dir,
        plan.workflow,
        run_dir=options.run_dir,
        trust_state=options.trust_state,
        is_synced=options.is_synced,
    )
    with Lock.take(folder.path):
        keep_prepared(folder, prepared, plan)
        journal = Journal(folder.path / JOURNAL, is_synced=options.is_synced)
        secrets = prepared.secrets
        end = _record(plan, options, journal, folder, make_sinks=make_sinks, tree=tree, secrets=secrets)
    return end, folder


def resume_workflow(
    prepared: Prepared,
    options: EngineOptions,
    make_sinks: MakeSinks,
    tree: Tree | None,
    *,
    earlier: EarlierRun,
    start: Start,
) -> RunEnd:
    """Go on with a run that is open, from what stands of it, and return how that ended."""
    plan, folder = prepared.selected or prepared.plan, earlier.folder
    if plan is None:
        raise InternalError("a workflow with errors is not run")
    end_leftovers(folder.run_id)
    journal = Journal.reopen(folder.path / JOURNAL, earlier.end, is_synced=options.is_synced)
    folder.clear_leftovers()
    keep_prepared(folder, prepared, plan)
    secrets = prepared.secrets
    return _record(plan, options, journal, folder, make_sinks=make_sinks, tree=tree, secrets=secrets, start=start)


def _record(
    plan: Plan,
    options: EngineOptions,
    journal: Journal,
    folder: RunFolder,
    *,
    make_sinks: MakeSinks,
    tree: Tree | None,
    secrets: Secrets,
    start: Start | None = None,
) -> RunEnd:
    """Run a plan, and tell the journal and all others what happens."""
    sinks, masker = [journal, *make_sinks(folder)], secrets.masker
    sink = FanoutSink(sinks, masker=masker, flush=journal.flush, begin_commit=journal.begin_commit)
    with ExitStack() as stack:
        stack.callback(sink.close)
        refill = partial(recorded_outputs, journal, folder.path)
        found = start or Start()
        end = _run(plan, options, sink, folder, tree=tree, refill=refill, secrets=secrets, start=found)
        # All that is kept there is recorded now; where the run was cut off, it is what a resume needs.
        folder.remove(SPOOLS)
        if end.outputs is not None:
            folder.write("outputs.json", f"{end.outputs}\n".encode())
    return end


def _run(
    plan: Plan,
    options: EngineOptions,
    sink: FanoutSink,
    folder: RunFolder,
    *,
    tree: Tree | None,
    refill: Refill,
    secrets: Secrets,
    start: Start,
) -> RunEnd:
    with StopSignals() as stops, ExitStack() as stack:
        stack.callback(folder.remove, "scratch")  # when no task is left
        crew = Crew.open(
            tree=tree,
            workers=options.workers,
            start_method=options.start_method,
            run_dir=folder.path,
            wake_fd=stops.wake_fd,
            masker=secrets.masker,
            light=most_light(plan),
            preload=preload_of(plan),
        )
        stack.callback(crew.close)
        _listen(crew, sink, refill)
        _bring(crew, options, folder, plan=plan, is_new=start.again is None)
        loop = Loop(
            plan,
            crew,
            sink,
            SystemClock(),
            decisions=_decisions(plan, folder, crew),
            options=_run_options(options, folder, crew, plan=plan, secrets=secrets, start=start),
            random=_draw,
            stops=stops,
            remove=_removal(options, folder, stack),
            cache=_cache(plan, options, folder, crew, secrets=secrets, sink=sink, stops=stops, stack=stack),
        )
        gc.freeze()  # the plan lives as long as the run: looking through it again and again finds nothing
        return loop.run()


def _draw() -> float:
    from random import random  # late: only a retry with jitter asks

    return random()  # noqa: S311 - nothing is kept secret by it


def _decisions(plan: Plan, folder: RunFolder, crew: Crew) -> EngineDecisions:
    run_dir = os.fspath(folder.path)
    shared = share(plan, folder.run_id, run_dir, address=crew.outputs_address, key=crew.outputs_key)
    return EngineDecisions(shared, ValueStore(run_dir), lambda: crew.outputs)


def _cache(
    plan: Plan,
    options: EngineOptions,
    folder: RunFolder,
    crew: Crew,
    *,
    secrets: Secrets,
    sink: FanoutSink,
    stops: StopSignals,
    stack: ExitStack,
) -> Cache | None:
    """Return the cache of a run, None where no task has one or it is not wanted."""
    if not options.cache.is_on or all(task.cache is None for task in within(plan.tasks)):
        return None
    # Late: a run without a cache has no use for SQLite.
    from flowpar.engine.caching import open_cache

    limit, is_synced = options.values_limit, options.syncs_values
    shared = replace(
        share(plan, folder.run_id, os.fspath(folder.path)),
        secrets=secrets.values,
        values_limit=limit,
        syncs_values=is_synced,
    )
    cache = open_cache(options, shared, lambda: crew.outputs, tell=partial(_note, sink), wake=stops.wake)
    if cache is not None:
        stack.callback(cache.close)
    return cache


def _removal(
    options: EngineOptions, folder: RunFolder, stack: ExitStack
) -> Callable[[Sequence[ValueRef]], None] | None:
    """Return what takes values that nobody will read; None for those of --only, as others may be asked for next."""
    if options.keeps_values:
        return None
    removal = Removal(ValueStore(folder.path), kept_bytes=_KEPT_BYTES if options.values_limit is None else 0)
    stack.callback(removal.close)
    return removal.remove


def _listen(crew: Crew, sink: FanoutSink, refill: Refill) -> None:
    """Note what those who are no part of the loop have to say, and let the outputs outlive their process."""
    note = partial(_note, sink)
    crew.outputs.insure(refill, note)
    crew.tell_by(note)


def _note(sink: FanoutSink, message: str, text: str = "") -> None:
    sink.emit(RunNoted(SystemClock().now(), message, text))


def _bring(crew: Crew, options: EngineOptions, folder: RunFolder, *, plan: Plan, is_new: bool) -> None:
    """Let the crew have executors of plugins; a run that begins needs all that it names, one that goes on may not."""
    there = bringing_to(folder.path, crew.slots, executor=options.executor, allows_plugins=options.allows_plugins)
    crew.bring_by(there)
    for name, task in brought_by(plan).items() if is_new else ():
        try:
            crew.hire(name)
        except PluginError as error:
            raise PluginError(f'task "{task}" can\'t be run: {error.message}', hint=error.hint) from error


def _run_options(
    options: EngineOptions, folder: RunFolder, crew: Crew, *, plan: Plan, secrets: Secrets, start: Start
) -> RunOptions:
    return RunOptions(
        run_id=folder.run_id,
        run_dir=os.fspath(folder.path),
        workers=crew.slots,
        is_fail_fast=options.is_fail_fast,
        timeout_s=options.timeout_s,
        versions=_versions(plan),
        recorded=options.recorded,
        start=start,
        secrets=secrets.values,
        values_limit=options.values_limit,
        syncs_values=options.syncs_values,
        trace_id=trace_of(folder.run_id, os.environ) if options.is_traced else "",
        is_audited=options.is_audited,
        code=_code(plan, options),
        pools=pools_of(plan, slots=crew.slots, light=crew.light),
    )


def _code(plan: Plan, options: EngineOptions) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the files that the code of cached tasks stands in, with their stamps."""
    if not options.cache.is_on or all(task.cache is None for task in within(plan.tasks)):
        return {}
    # Late: a run without a cache has no use for it.
    from flowpar.engine.code_state import code_state

    return code_state(plan)


def _versions(plan: Plan) -> dict[str, str]:
    """Return what runs, where, and the commit that the workflow is at, if it is in a checkout."""
    system = os.uname()
    commit = commit_of(os.path.abspath(plan.workflow_dir))  # noqa: PTH100 - of a text
    return {
        "flowpar": __version__,
        "python": sys.version.split()[0],
        "platform": f"{system.sysname} {system.release} {system.machine}",
        **({"commit": commit} if commit else {}),
    }
