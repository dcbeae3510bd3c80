"""Which tasks may be forked from a template that has imported their packages, and what it imports.

    task ─ finds around it what the template found? ─► its packages, else none
    plan ─ more than one attempt in sight? ──────────► Preload

A package may look at its environment, its folder, its share of the machine as it is imported. A task that has any
of these to itself imports its packages itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.control import Preload

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
    tasks = list(_loading(plan.tasks))
    has_many = len(tasks) > 1 or any(_is_many(task) for task in tasks)
    if not has_many:
        return None
    modules = tuple(dict.fromkeys(module for task in tasks for module in task.preload))
    return Preload(modules, tuple(dict.fromkeys((plan.workflow_dir, *plan.python_path))))


def _loading(tasks: tuple[PlannedTask, ...]) -> Iterator[PlannedTask]:
    for task in tasks:
        if task.template is not None:
            yield from _loading(task.template.tasks)
        elif task.preload:
            yield task


def _is_many(task: PlannedTask) -> bool:
    """Whether a task has more than one attempt, as far as that is known; a retry may never come."""
    is_repeated = task.repeat is not None or (task.bound is not None and task.bound.index < 0)
    return is_repeated or (task.fan_out is not None and task.fan_out.items != 1)
