"""From a file to a frozen plan: check, inputs, graph, settings.

    path ─ check ─► Checked ─┬─ given inputs ─► settled ─► settings
                             └─ needs ─► graph ─► layers, weights ─► Plan
                                           └─► cycles ─► findings

pydantic ends before the plan and networkx in it: who runs a plan needs neither.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostics
from flowpar.execute.recipe import Call
from flowpar.expr.references import references
from flowpar.lang.check import check
from flowpar.planning.expand import count_items
from flowpar.planning.graph import build_graph, find_cycles, layers_of, weights_of
from flowpar.planning.model import FanOut, Plan, PlannedTask
from flowpar.planning.setting import SettingReader
from flowpar.planning.settled import name_of, settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.source import Source
    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked, CheckedFanOut, CheckedTask
    from flowpar.lang.inputs import GivenInputs
    from flowpar.lang.node import Document
    from flowpar.plugin.registry import Registry

_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow that was read: its plan, or the findings why there is none; `sources` by path as messages show it."""

    path: str
    plan: Plan | None
    diagnostics: Diagnostics
    sources: Mapping[str, Source]


def prepare(
    path: str | os.PathLike[str], *, registry: Registry, given: GivenInputs | None, executor: str | None = None
) -> Prepared:
    """Check a workflow and plan its run.

    Without `given` the plan is for looking at: inputs have their defaults, and what depends on one
    that has none is left out.
    `executor` is the command line's. Raises PluginError for a task type that can't be used.
    """
    checked = check(path, registry=registry)
    diagnostics = Diagnostics(list(checked.diagnostics.found))
    needs = {task.id: task.needs for task in checked.tasks.values()}
    if checked.document is not None:
        diagnostics.extend(find_cycles(needs, checked.document.source.path))
    plan = None
    if checked.document is not None and not diagnostics.has_errors:
        plan = _plan(checked, checked.document, given, diagnostics, executor=executor)
    return Prepared(os.fspath(path), None if diagnostics.has_errors else plan, diagnostics, checked.sources)


def _plan(
    checked: Checked, document: Document, given: GivenInputs | None, diagnostics: Diagnostics, *, executor: str | None
) -> Plan | None:
    """Return the plan of a sound document, or None where an input or an env file is wrong."""
    settled = settle(checked, given, diagnostics)
    if diagnostics.has_errors or checked.workflow is None:
        return None
    graph = build_graph({task.id: task.needs for task in checked.tasks.values()})
    layers = layers_of(graph)
    order = {task: place for place, task in enumerate(task for layer in layers for task in layer)}
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    reader = SettingReader(document, settled)
    tasks = tuple(_task(checked.tasks[task], reader, executor, layer=layer_of[task], order=order) for task in order)
    diagnostics.extend(reader.found)
    return Plan(
        workflow=name_of(checked),
        file=checked.path,
        workflow_dir=str(checked.folder),
        description=checked.workflow.description,
        tasks=tasks,
        layers=layers,
        weights=weights_of(graph, tuple(order)),
        inputs=settled.inputs,
        outputs=checked.outputs,
        env=checked.env,
        env_file=settled.env_file,
        python_path=checked.python_path,
        outputs_read=_tasks_in(checked.outputs),
    )


def _task(
    task: CheckedTask, reader: SettingReader, executor: str | None, *, layer: int, order: Mapping[str, int]
) -> PlannedTask:
    call = task.call
    return PlannedTask(
        id=task.id,
        index=task.index,
        kind=task.kind,
        layer=layer,
        executor=task.executors.chosen(executor),
        call=Call(call.target, call.arguments, call.env, call.cwd),
        needs=tuple(sorted(task.needs, key=order.__getitem__)),
        reads=task.reads,
        decides_on=task.decides_on,
        condition=task.condition,
        condition_is_per_item=task.condition_is_per_item,
        fan_out=None if task.fan_out is None else _fan_out(task, task.fan_out, reader),
        retry=reader.retry(task),
        timeout_s=reader.timeout_s(task),
        grace_s=reader.grace_s(task, _GRACE_S),
        allow_failure=reader.allow_failure(task),
        description=task.description,
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
    )


def _tasks_in(templates: Mapping[str, Template]) -> frozenset[str]:
    return frozenset(
        reference.name
        for template in templates.values()
        for reference in references(template)
        if reference.context == "tasks" and reference.name is not None
    )
