"""`--only`: a plan cut down to some tasks and all that they need.

    Plan + names ──select──► Selection ── plan     those tasks, what they need, and finally
                                       └─ outputs  that need a task left out, and so are left out, too

The tasks of `finally` stay, for they tidy up after whatever ran; a task that was left out is skipped in their eyes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.suggest import nearest
from flowpar.expr.references import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flowpar.expr.template import Template
    from flowpar.planning.model import Plan

_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """What is left of a plan, and the outputs that are not."""

    plan: Plan
    outputs: tuple[str, ...] = ()


def select(plan: Plan, only: Sequence[str]) -> Selection:
    """Cut a plan down to the tasks `only` and all that they need; raises UsageError for a name that is no task."""
    if not only:
        return Selection(plan)
    _check(plan, only)
    kept = _with_needs(plan, only) | {task.id for task in plan.tasks if task.in_finally}
    layers = tuple(filter(None, (tuple(task for task in layer if task in kept) for layer in plan.layers)))
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    outputs = {name: template for name, template in plan.outputs.items() if tasks_in([template]) <= kept}
    selected = replace(
        plan,
        tasks=tuple(replace(task, layer=layer_of[task.id]) for task in plan.tasks if task.id in kept),
        layers=layers,
        outputs=outputs,
        outputs_read=tasks_in(outputs.values()),
    )
    return Selection(selected, tuple(name for name in plan.outputs if name not in outputs))


def tasks_in(templates: Iterable[Template]) -> frozenset[str]:
    """Return the tasks that templates read."""
    return frozenset(
        reference.name
        for template in templates
        for reference in references(template)
        if reference.context == "tasks" and reference.name is not None
    )


def _check(plan: Plan, only: Sequence[str]) -> None:
    in_finally = {task.id: task.in_finally for task in sorted(plan.tasks, key=lambda task: task.index)}
    ordinary = [task for task, is_last in in_finally.items() if not is_last]
    for name in only:
        if name not in in_finally:
            near = nearest(name, ordinary)
            more = f" and {len(ordinary) - _MOST_NAMED} more" if len(ordinary) > _MOST_NAMED else ""
            hint = f'did you mean "{near}"?' if near else f"its tasks are {', '.join(ordinary[:_MOST_NAMED])}{more}"
            raise UsageError(f'--only names "{name}", which is not a task of the workflow', hint=hint)
        if in_finally[name]:
            hint = "name the tasks that are to run before it"
            raise UsageError(f'--only names "{name}", which stands in finally and runs in any case', hint=hint)


def _with_needs(plan: Plan, only: Sequence[str]) -> set[str]:
    needs = {task.id: task.needs for task in plan.tasks}
    kept, waiting = set(only), list(only)
    while waiting:
        fresh = [need for need in needs[waiting.pop()] if need not in kept]
        kept.update(fresh)
        waiting += fresh
    return kept
