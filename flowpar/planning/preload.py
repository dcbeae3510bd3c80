"""Which tasks may be forked from a template that has imported their packages, and what it imports.

    task ─ finds around it what the template found? ─► its packages, else none
    plan ─ more than one attempt in sight? ──────────► Preload

A package may look at its environment, its folder, its share of the machine as it is imported. A task that has any
of these to itself imports its packages itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.control import Preload
from flowpar.planning.template import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.execute.recipe import Scope
    from flowpar.lang.checked import CheckedTask
    from flowpar.planning.model import Plan, PlannedTask


def preload_for(task: CheckedTask, executor: str, resources: Mapping[str, float]) -> tuple[str, ...]:
    """Return what a task would have imported for it."""
    if not task.preload or executor != "process" or (task.batch is not None and task.fan_out is not None):
        return ()
    has_own = bool(task.call.env) or task.call.cwd is not None or "gpu" in resources
    return () if has_own or resources.get("cpu", 1.0) > 1.0 else task.preload


def is_at_home(scope: Scope, home: tuple[str, tuple[str, ...]], *, has_env: bool) -> bool:
    """Whether the tasks of a sub-workflow find around them what those of the run do; `has_env` is the run's."""
    return (scope.workflow_dir, scope.python_path) == home and not (has_env or scope.env or scope.env_file)


def preload_of(plan: Plan) -> Preload | None:
    """Return what a template is to import for a run, None where one would not be worth it."""
    loading = list(_loading(plan.tasks))
    has_many = len(loading) > 1 or any(is_many for _, is_many in loading)
    if not has_many:
        return None
    modules = tuple(dict.fromkeys(module for task, _ in loading for module in task.preload))
    return Preload(modules, tuple(dict.fromkeys((plan.workflow_dir, *plan.python_path))))


def _loading(tasks: tuple[PlannedTask, ...]) -> Iterator[tuple[PlannedTask, bool]]:
    """Give the tasks that have something imported for them, and whether each has more than one attempt in sight."""
    for task in tasks:
        if task.preload and task.template is None:
            yield task, _is_many(task)
        items = () if task.template is None else task.template.parts
        further = () if task.rounds is None else task.rounds.tasks
        yield from ((each, True) for each in within((*items, *further)) if each.preload and each.template is None)


def _is_many(task: PlannedTask) -> bool:
    """Whether a task has more than one attempt, as far as that is known; a retry may never come."""
    return task.repeat is not None or (task.fan_out is not None and task.fan_out.items != 1)
