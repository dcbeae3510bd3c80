"""A plan for a run: the one that was kept where it still stands, else a new one.

    kept file ─► grounds ─ hold? ─┬─ yes ─► Prepared          no YAML, pydantic or networkx is imported
                                  └─ no, or anything odd ─► prepare ─► Prepared ─► kept with the run that begins

A run looks below the state folder, by workflow and inputs; one that goes on looks in its own folder.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.core.collector import collector_paused
from flowpar.core.diagnostics import Diagnostics
from flowpar.core.digest import digest
from flowpar.lang.inputs import variable_of
from flowpar.lang.reading import label_sources
from flowpar.planning.env_values import with_values
from flowpar.planning.grounds import setting_of
from flowpar.planning.kept import Packed, pack
from flowpar.planning.prepared import Prepared
from flowpar.planning.secret import resolve
from flowpar.record.plans import PLAN, plan_of, read_plan, share_plan, take_plan, write_plan
from flowpar.report.jsonline import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flowpar.lang.inputs import GivenInputs
    from flowpar.planning.model import Plan
    from flowpar.plugin.registry import Registry
    from flowpar.record.folder import RunFolder


def ready(
    path: str, *, registry: Registry, given: GivenInputs, executor: str | None = None, state_dir: Path | None = None
) -> Prepared:
    """Return the plan of a new run; raises what `prepare` raises. Without `state_dir` no earlier one is looked for."""
    setting = setting_of(path, registry=registry, executor=executor)
    key = _digest_of_given(given)
    shelf = None
    if key and state_dir is not None:
        shelf = plan_of(state_dir, digest((path, str(given.folder))), digest((setting, key)))
        kept = _kept(shelf, path, registry, setting=setting, fits=lambda given_then, _: given_then == key)
        if kept is not None:
            return replace(kept, given=key, shelf=shelf)
    return replace(_new(path, registry, given, executor), given=key, shelf=shelf)


def ready_again(
    path: str, run_dir: Path, *, registry: Registry, given: GivenInputs, executor: str | None = None
) -> Prepared:
    """Return the plan of a run that goes on; raises what `prepare` raises."""
    recorded = "" if given.texts or given.values else _digest_or_nothing(given.recorded)
    if recorded:
        setting = setting_of(path, registry=registry, executor=executor)
        kept = _kept(
            run_dir / PLAN, path, registry, setting=setting, fits=lambda _, plan: _as_recorded(plan) == recorded
        )
        if kept is not None:
            return kept
    return _new(path, registry, given, executor)


def keep(prepared: Prepared, folder: RunFolder) -> None:
    """Keep a plan with the run that begins or goes on, and where runs to come look for it."""
    if prepared.is_kept:
        if prepared.shelf is not None:
            take_plan(prepared.shelf, folder)
        return
    content = pack(prepared)
    if content is None:
        return
    write_plan(folder, content)
    is_below = prepared.shelf is not None and folder.path.parent.parent == prepared.shelf.parent.parent.resolve()
    if prepared.shelf is not None and is_below:  # a run in a folder of its own leaves nothing elsewhere
        share_plan(folder, prepared.shelf)


def _new(path: str, registry: Registry, given: GivenInputs, executor: str | None) -> Prepared:
    # Late: YAML, pydantic and networkx take longer to import than all the rest, and a plan that was kept needs none.
    with collector_paused():
        from flowpar.planning.planner import prepare

    prepared = prepare(path, registry=registry, given=given, executor=executor)
    grounds = prepared.grounds
    if grounds is not None and grounds.hold(path, registry) is None:  # somebody is changing things
        return replace(prepared, grounds=None)
    return prepared


def _kept(
    file: Path, path: str, registry: Registry, *, setting: str, fits: Callable[[str, Plan], bool]
) -> Prepared | None:
    content = read_plan(file)
    if content is None:
        return None
    packed = Packed(content)
    head = packed.head()
    held = head[1].hold(path, registry) if head is not None and head[1].setting == setting else None
    rest = None if held is None else packed.rest()
    if head is None or held is None or rest is None or not fits(head[0], rest[1]):
        return None
    findings, plan = rest
    sources = {**label_sources(findings), **held.sources}
    plan = with_values(plan, held.env_file, held.env_files)
    secrets = resolve(plan.secrets, env_file=held.env_file, inputs=plan.inputs)
    if secrets.diagnostics:
        return Prepared(path, None, Diagnostics([*findings, *secrets.diagnostics]), sources)
    return Prepared(path, plan, Diagnostics(list(findings)), sources, head[1], is_kept=True, secrets=secrets)


def _as_recorded(plan: Plan) -> str:
    """Return the digest of a plan's inputs as a journal gives them back, "" where it cannot."""
    try:
        return _digest_or_nothing(json.loads(encode(plan.inputs)))
    except ValueError:  # a number of more digits than are read
        return ""


def _digest_of_given(given: GivenInputs) -> str:
    """Return the digest of what was given, "" where that is too deep for one."""
    variables: Mapping[str, str] = {
        name: text for name, text in given.environment.items() if name.startswith(variable_of(""))
    }
    return _digest_or_nothing((given.texts, given.values, variables, str(given.folder), given.recorded))


def _digest_or_nothing(value: object) -> str:
    try:
        return digest(value)
    except RecursionError:
        return ""
