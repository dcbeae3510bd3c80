"""Values of env files in a plan with sub-workflows: taken out of what is kept, and put back when it is taken again.

    plan ──without_values──► kept        kept + {file: variables} ──with_values──► plan

They may be secrets, so no file of ours holds them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.execute.recipe import Scope
    from flowpar.planning.model import Plan, PlannedTask


def without_values(plan: Plan) -> Plan:
    """Return a plan without any value of an env file."""
    files = {scope.file for task in plan.tasks for scope in _scopes_of(task) if scope.env_file}
    plan = replace(plan, env_file={})
    return _Refit({file: {} for file in files}).plan(plan) if files else plan


def with_values(plan: Plan, variables: Mapping[str, str], files: Mapping[str, Mapping[str, str]]) -> Plan:
    """Return a plan with the variables of its env files; `files` has them for each sub-workflow."""
    known = {file: found for file, found in files.items() if found}
    plan = replace(plan, env_file=variables)
    return _Refit(known).plan(plan) if known else plan


class _Refit:
    """Gives scopes other values; tasks of one sub-workflow have one scope, before and after."""

    def __init__(self, files: Mapping[str, Mapping[str, str]]) -> None:
        self._files = files
        self._made: dict[int, Scope] = {}

    def plan(self, plan: Plan) -> Plan:
        return replace(plan, tasks=tuple(map(self._task, plan.tasks)))

    def _task(self, task: PlannedTask) -> PlannedTask:
        scope, template, rounds = task.scope, task.template, task.rounds
        if scope is None and template is None and rounds is None:
            return task
        if rounds is not None:
            rounds = replace(rounds, tasks=tuple(map(self._task, rounds.tasks)))
        if template is not None:
            template = template.mapped(self._task)
        return replace(task, scope=None if scope is None else self._scope(scope), template=template, rounds=rounds)

    def _scope(self, scope: Scope) -> Scope:
        if scope.file not in self._files:
            return scope
        if id(scope) not in self._made:
            self._made[id(scope)] = replace(scope, env_file=self._files[scope.file])
        return self._made[id(scope)]


def _scopes_of(task: PlannedTask) -> Iterable[Scope]:
    if task.scope is not None:
        yield task.scope
    for made in (task.template, task.rounds):
        for each in () if made is None else made.tasks:
            yield from _scopes_of(each)
