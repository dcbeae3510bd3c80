"""`--only`: a plan cut down to some tasks and all that they need.

    Plan + names ──select──► Selection ── plan     those tasks, what they need, and finally
                                       └─ outputs  that need a task left out, and so are left out, too

The tasks of `finally` stay, for they tidy up after whatever ran; a task that was left out is skipped in their eyes.
Of a sub-workflow whose items only the run knows, the template is cut down, for some items or for all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.errors import UsageError
from flowpar.core.frozen import dataclass, replace
from flowpar.core.part_name import canonical, matching
from flowpar.core.suggest import nearest
from flowpar.expr.references import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flowpar.expr.template import Template
    from flowpar.planning.model import Plan, PlannedTask

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
    in_file_order = sorted(plan.tasks, key=lambda task: task.index)
    picked = {task.id: task for task in _pick(in_file_order, only)}
    kept = picked.keys() | {task.id for task in plan.tasks if task.in_finally}
    layers = tuple(filter(None, (tuple(task for task in layer if task in kept) for layer in plan.layers)))
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    outputs = {name: template for name, template in plan.outputs.items() if tasks_in([template]) <= kept}
    tasks = (picked.get(task.id, task) for task in plan.tasks if task.id in kept)
    selected = replace(
        plan,
        tasks=tuple(replace(task, layer=layer_of[task.id]) for task in tasks),
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


def _pick(tasks: Sequence[PlannedTask], only: Sequence[str]) -> list[PlannedTask]:
    """Return what is left of some tasks, in their order."""
    by_id = {task.id: task for task in tasks}
    wanted: set[str] = set()
    cut: dict[str, PlannedTask] = {}
    for name in map(canonical, only):
        found = matching(name, by_id)
        holders = [] if found else [_of_items(cut.get(task.id, task), name) for task in tasks]
        late = [_kept_open(task, by_id) for task in holders if task is not None]
        if not found and not late:
            raise _unknown(name, tasks)
        for each in (by_id[found_name] for found_name in found):
            if each.in_finally or each.tidies:
                hint = "name the tasks that are to run before it"
                raise UsageError(f'--only names "{name}", which stands in finally and runs in any case', hint=hint)
        cut |= {task.id: task for task in late}
        wanted.update(found, (task.id for task in late))
    kept = _with_needs(by_id, wanted)
    # Who wants the whole of what was cut down for another name, has the whole.
    whole = {task.id for task in cut.values() if task.template is not None and task.template.whole in kept}
    left = {**by_id, **{name: task for name, task in cut.items() if name not in whole}}
    return list(_with_finally(list(left.values()), kept))


def _of_items(task: PlannedTask, name: str) -> PlannedTask | None:
    """Return a task with its template cut down to what is named in one item, or in all; None where nothing is."""
    template = task.template
    found = None if template is None else _pattern(template.whole).match(name)
    if template is None or found is None:
        return None
    inside = f"{template.whole}[*]{name[found.end() :]}"
    try:
        picked = tuple(_pick(template.tasks, [inside]))
    except UsageError:
        return None
    picks = (*(template.picks or ()), (found["item"], picked))
    return replace(task, template=replace(template, picks=picks))


def _kept_open(task: PlannedTask, by_id: Mapping[str, PlannedTask]) -> PlannedTask:
    """Let what the items will be given be kept by the task that makes them, where none waits for all of them."""
    whole = None if task.template is None else by_id.get(task.template.whole)
    return task if whole is None else replace(task, reads=task.reads | whole.reads - {task.id})


def _pattern(whole: str) -> re.Pattern[str]:
    own = re.escape(whole).replace(re.escape("[*]"), r"\[[^\[\]]+\]")
    return re.compile(own + r"(?:\[(?P<item>[^\[\]]+)\])?(?=/|$)")


def _unknown(name: str, tasks: Sequence[PlannedTask]) -> UsageError:
    ordinary = [task.id for task in tasks if not (task.in_finally or task.tidies)]
    near = nearest(name, ordinary)
    more = f" and {len(ordinary) - _MOST_NAMED} more" if len(ordinary) > _MOST_NAMED else ""
    hint = f'did you mean "{near}"?' if near else f"its tasks are {', '.join(ordinary[:_MOST_NAMED])}{more}"
    return UsageError(f'--only names "{name}", which is not a task of the workflow', hint=hint)


def _with_needs(tasks: dict[str, PlannedTask], wanted: Iterable[str]) -> set[str]:
    kept = set(wanted)
    waiting = list(kept)
    while waiting:
        fresh = [need for need in tasks[waiting.pop()].needs if need not in kept]
        kept.update(fresh)
        waiting += fresh
    return kept


def _with_finally(tasks: Sequence[PlannedTask], kept: set[str]) -> Iterator[PlannedTask]:
    """Give the tasks that are kept, and those that tidy up after sub-workflows of which a part is kept."""
    begun = {task.part_of for task in tasks if task.id in kept} - kept - {""}
    for task in tasks:
        if task.id in kept:
            yield task
        elif task.tidies in begun and task.kind == "finally":
            yield replace(
                task, needs=tuple(each.id for each in tasks if each.id in kept and each.part_of == task.part_of)
            )
        elif task.tidies in begun:
            yield task
