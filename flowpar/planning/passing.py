"""What only passes on what others came to: where anything is known again, that is, too.

    the ends of sub-workflows, the lists of their items, what decides on another round; and the workflow's outputs

All of it is flowpar's own code over values, so nobody has to ask for it. What tidies up is done each time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.code.reached import Reached
from flowpar.execute.recipe import OUTPUTS, Call
from flowpar.planning.model import Caching, PlannedTask
from flowpar.planning.template import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flowpar.expr.template import Template
    from flowpar.planning.model import Plan

_MODULE = "flowpar.tasks.workflow:"
_VERSION = "1"


def passes_on(task: PlannedTask) -> bool:
    """Whether a task is one of flowpar's own, in a sub-workflow."""
    return task.call.target.startswith(_MODULE) or task.kind == "items"


def known_again(tasks: Sequence[PlannedTask]) -> Sequence[PlannedTask]:
    """Return tasks of which those that pass values on have a cache, where any other has one."""
    if all(task.cache is None for task in within(tasks)):
        return tasks
    return [_known(task) for task in tasks]


def task_of_outputs(plan: Plan) -> PlannedTask:
    """Return the task, which is none of the plan, that makes the workflow's outputs."""
    return PlannedTask(
        id=OUTPUTS,
        index=len(plan.tasks),
        kind="outputs",
        layer=len(plan.layers),
        executor="process",
        call=Call("", plan.outputs),
        decides_on=plan.outputs_read,
        cache=_caching_of_outputs(plan),
    )


def _caching_of_outputs(plan: Plan) -> Caching | None:
    """Return how the workflow's outputs are known again, None where nothing is, or they are others in each run."""
    found = [task.cache for task in within(plan.tasks) if task.cache is not None]
    if not found or _is_of_this_run(plan.outputs.values()):
        return None
    # Who gives a value may bring its class along, and with it a say in how it is written.
    packages = {package for each in found if each.reached is not None for package in each.reached.distributions}
    return Caching(f"outputs {_VERSION}", Reached("", distributions=tuple(sorted(packages))), is_implied=True)


def _known(task: PlannedTask) -> PlannedTask:
    template, rounds = task.template, task.rounds
    if template is not None:
        task = replace(task, template=template.mapped(_known))
    if rounds is not None:
        task = replace(task, rounds=replace(rounds, tasks=tuple(map(_known, rounds.tasks))))
    if not passes_on(task) or task.in_finally or task.tidies or _is_of_this_run(task.call.arguments.values()):
        return task
    return replace(task, cache=Caching(f"{task.call.target or task.kind} {_VERSION}", is_implied=True))


def _is_of_this_run(templates: Iterable[Template]) -> bool:
    from flowpar.expr.references import references  # late: only where something is known again

    return any(reference.context == "run" for each in templates for reference in references(each))
