"""From a file to a frozen plan: check, inputs, graph, settings.

    path ─ check ─► Checked ─┬─ given inputs ─► settled ─► settings
                             └─ needs ─► graph ─► layers, weights ─► Plan
                                           └─► cycles ─► findings

pydantic ends before the plan and networkx in it: who runs a plan needs neither.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostics
from flowpar.core.errors import UsageError
from flowpar.execute.recipe import Call
from flowpar.lang.check import check
from flowpar.planning.expand import count_items
from flowpar.planning.fingerprint import Fingerprints
from flowpar.planning.graph import build_graph, find_cycles, layers_of, weights_of
from flowpar.planning.grounds import grounds_of, setting_of
from flowpar.planning.model import Caching, FanOut, Plan, PlannedTask
from flowpar.planning.passing import known_again
from flowpar.planning.preload import preload_for
from flowpar.planning.prepared import Prepared
from flowpar.planning.secret import Secrets, sources_of
from flowpar.planning.select import tasks_in
from flowpar.planning.setting import SettingReader
from flowpar.planning.settled import name_of, settle
from flowpar.planning.template import within
from flowpar.planning.unfold import Unfolder
from flowpar.planning.warm import executor_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from networkx import DiGraph

    from flowpar.core.source import Span
    from flowpar.lang.checked import Checked, CheckedFanOut, CheckedTask
    from flowpar.lang.inputs import GivenInputs
    from flowpar.plugin.registry import Registry

_GRACE_S = 5.0
_NOWHERE: Mapping[str, Span] = {}


def prepare(
    path: str | os.PathLike[str],
    *,
    registry: Registry,
    given: GivenInputs | None,
    executor: str | None = None,
    needs_secrets: bool = True,
    is_strict: bool = False,
) -> Prepared:
    """Check a workflow and plan its run.

    Without `given` the plan is for looking at: inputs have their defaults, and what depends on one
    that has none is left out. Who looks at one with inputs given needs no secrets for it (`needs_secrets` is off), and
    yet is not shown those that can be had.
    `executor` is the command line's; with `is_strict` what can't be checked is a finding, too.
    Raises PluginError for a task type that can't be used, and
    UsageError where `executor` is not for one of the tasks.
    """
    # Asked first: who changes something while the plan is made must not be taken to have changed it before.
    setting = "" if given is None else setting_of(os.fspath(path), registry=registry, executor=executor)
    checked = check(path, registry=registry, is_strict=is_strict)
    diagnostics = Diagnostics(list(checked.diagnostics.found))
    plan, grounds, secrets = None, None, Secrets()
    if checked.document is not None:
        needs = {task.id: task.needs for task in checked.tasks.values()}
        graph = build_graph(needs)
        diagnostics.extend(find_cycles(graph, needs, checked.document.source.path))
        settled = None if diagnostics.has_errors else settle(checked, given, diagnostics, needs_secrets=needs_secrets)
        if settled is not None and not diagnostics.has_errors:
            limits = checked.workflow.limits if checked.workflow else {}
            reader = SettingReader(checked.document, settled, limits)
            plan = _plan(checked, graph, reader, executor)
            plan = _whole(plan, checked, reader, executor, diagnostics=diagnostics, is_run=given is not None)
            diagnostics.extend(reader.found)
            _refuse_threads(plan, executor)
            grounds = None if settled.env is None else grounds_of(checked, settled.env, setting)
            secrets = settled.secrets
    if diagnostics.has_errors:
        plan, grounds = None, None
    return Prepared(os.fspath(path), plan, diagnostics, checked.sources, grounds, secrets=secrets)


def _refuse_threads(plan: Plan, executor: str | None) -> None:
    """Refuse a `--executor thread` under which a task would not get what it asks for; `check` knows the rest."""
    for task in within(plan.tasks):
        if executor != "thread" or task.executor != "thread":
            continue
        wanted = {"memory": task.kind != "shell" and "memory" in task.resources}
        if task.kind == "python":
            wanted |= {"env": bool(task.call.env), "cwd": task.call.cwd is not None}
        for key in (key for key, is_set in wanted.items() if is_set):
            what = f'"{key}"' if key == "memory" else f'an "{key}"'
            raise UsageError(
                f'task "{task.id}" can\'t run in a thread: it has {what} of its own, and threads share theirs',
                hint="name its executor in the workflow, or leave out --executor thread",
            )


def _plan(checked: Checked, graph: DiGraph[str], reader: SettingReader, executor: str | None) -> Plan:
    """Return the plan of a sound document without cycles."""
    has_final = any(task.in_finally for task in checked.tasks.values())
    # A second graph of 100,000 tasks would take 100 MB.
    layers = _layers(checked.tasks.values()) if has_final else layers_of(graph)
    order = {task: place for place, task in enumerate(task for layer in layers for task in layer)}
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    settled = reader.settled
    tasks = [_task(checked.tasks[task], reader, executor, layer=layer_of[task], order=order) for task in order]
    streaming = _streaming(tasks)
    return Plan(
        workflow=name_of(checked),
        file=checked.path,
        workflow_dir=str(checked.folder),
        description=checked.workflow.description if checked.workflow else "",
        tasks=tuple(_streamed(task) if task.id in streaming else task for task in tasks),
        layers=layers,
        weights=weights_of(graph, tuple(order)),
        inputs=settled.inputs,
        outputs=checked.outputs,
        env=checked.env,
        env_file=settled.env_file,
        python_path=checked.python_path,
        outputs_read=tasks_in(checked.outputs.values()),
        secrets=sources_of(checked),
        limits=reader.limits,
    )


def _layers(tasks: Iterable[CheckedTask | PlannedTask]) -> tuple[tuple[str, ...], ...]:
    """Return tasks by layers, those of `finally` after all others."""
    parts: tuple[dict[str, Iterable[str]], ...] = ({}, {})
    for task in tasks:
        parts[task.in_finally][task.id] = task.needs
    return tuple(layer for part in parts for layer in layers_of(build_graph(part)))


def _streaming(tasks: Iterable[PlannedTask]) -> set[str]:
    """Return the tasks that others take item by item."""
    return {source for task in tasks if task.fan_out is not None for source in task.fan_out.feeds.values()}


def _has_subs(checked: Checked) -> bool:
    return any(task.sub is not None for task in checked.tasks.values())


def _whole(
    plan: Plan,
    checked: Checked,
    reader: SettingReader,
    executor: str | None,
    *,
    diagnostics: Diagnostics,
    is_run: bool,
) -> Plan:
    """Return a plan with the fingerprints that a run needs, and with the tasks of its sub-workflows."""
    if not _has_subs(checked):
        return _with_fingerprints(plan, checked) if is_run else plan

    def make(task: CheckedTask, of_file: SettingReader) -> PlannedTask:
        return _task(task, of_file, executor, layer=0, order=dict.fromkeys(task.needs, 0))

    limits, home = dict(plan.limits), (plan.workflow_dir, plan.python_path)
    has_env = bool(plan.env or plan.env_file)
    unfolder = Unfolder(checked, reader, make, diagnostics, is_run, home=home, limits=limits, has_env=has_env)
    tasks = list(unfolder.tasks())
    return plan if diagnostics.has_errors else _with_tasks(replace(plan, limits=limits), known_again(tasks))


def _with_tasks(plan: Plan, tasks: Sequence[PlannedTask]) -> Plan:
    """Return a plan of other tasks, which are in file order, each in its place."""
    layers = _layers(tasks)
    order = {task: place for place, task in enumerate(task for layer in layers for task in layer)}
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    streaming = _streaming(tasks)
    placed = {
        task.id: replace(
            _streamed(task) if task.id in streaming else task,
            index=index,
            layer=layer_of[task.id],
            needs=tuple(sorted(task.needs, key=order.__getitem__)),
        )
        for index, task in enumerate(tasks)
    }
    graph = build_graph({task.id: task.needs for task in tasks})
    weights = weights_of(graph, tuple(order))
    return replace(plan, tasks=tuple(placed[task] for task in order), layers=layers, weights=weights)


def _task(
    task: CheckedTask, reader: SettingReader, executor: str | None, *, layer: int, order: Mapping[str, int]
) -> PlannedTask:
    call, resources = task.call, reader.resources(task)
    executor = executor_for(task.executors.chosen(executor), task.kind, resources)
    threads = max(1, int(resources["cpu"])) if "cpu" in resources else 0
    return PlannedTask(
        id=task.id,
        index=task.index,
        kind=task.kind,
        layer=layer,
        executor=executor,
        call=Call(call.target, call.arguments, call.env, call.cwd, threads=threads, until=call.until),
        needs=tuple(sorted(task.needs, key=order.__getitem__)),
        reads=task.reads,
        decides_on=task.decides_on,
        run_if=reader.run_if(task),
        condition=task.condition,
        condition_is_per_item=task.condition_is_per_item,
        fan_out=None if task.fan_out is None else _fan_out(task, task.fan_out, reader),
        retry=reader.retry(task),
        repeat=reader.repeat(task),
        timeout_s=reader.timeout_s(task),
        grace_s=reader.grace_s(task, _GRACE_S),
        allow_failure=reader.allow_failure(task),
        description=task.description,
        resources=resources,
        resources_at=reader.spans_of(task, resources) if resources else _NOWHERE,
        resources_in=reader.document.source.path if resources else "",
        priority=reader.priority(task),
        in_finally=task.in_finally,
        batch=None if task.fan_out is None or "memory" in resources else task.batch,
        preload=preload_for(task, executor, resources),
        cache=_caching(task, reader),
    )


def _caching(task: CheckedTask, reader: SettingReader) -> Caching | None:
    """Return what says that an attempt was made before, None where that does not count."""
    found, is_on, ttl_s = task.cache, reader.is_cached(task), reader.ttl_s(task)
    if found is None or not is_on:
        return None
    return Caching(
        found.code,
        found.reached,
        found.files,
        found.outputs,
        found.env,
        found.version,
        ttl_s=ttl_s,
        named_by=found.named_by,
    )


def _streamed(task: PlannedTask) -> PlannedTask:
    """Return a task whose function tells at once what it yields; that of a fan-out gives each item as a whole."""
    return task if task.fan_out is not None else replace(task, call=replace(task.call, streams=True))


def _with_fingerprints(plan: Plan, checked: Checked) -> Plan:
    prints = Fingerprints(plan.inputs, plan.env)
    tasks = ((task, checked.tasks[task.id]) for task in plan.tasks)
    return replace(
        plan,
        tasks=tuple(
            replace(
                task,
                fingerprint=prints.of(found, task.run_if),
                code=prints.code_of(found),
                fan_out=task.fan_out and replace(task.fan_out, fingerprint=prints.of_lists(found)),
            )
            for task, found in tasks
        ),
    )


def _fan_out(task: CheckedTask, fan_out: CheckedFanOut, reader: SettingReader) -> FanOut:
    return FanOut(
        names=fan_out.names,
        is_product=fan_out.is_product,
        include=fan_out.include,
        exclude=fan_out.exclude,
        max_parallel=reader.max_parallel(task),
        on_item_error=reader.on_item_error(task),
        items=count_items(fan_out, reader.settled),
        feeds=fan_out.feeds,
        key=fan_out.key,
    )
