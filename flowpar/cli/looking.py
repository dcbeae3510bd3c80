"""A task or item of an earlier run that somebody wants to look at: found, and made ready to be shown or run again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.errors import StateError, UsageError
from flowpar.core.frozen import dataclass
from flowpar.core.mask import Masker
from flowpar.core.part_name import split_item
from flowpar.core.source import Source
from flowpar.engine.again import Place, again, find_place
from flowpar.execute.replay import Replay
from flowpar.lang.inputs import GivenInputs
from flowpar.lang.reading import read_source
from flowpar.planning.recall import recall
from flowpar.planning.secret import resolve
from flowpar.plugin.registry import Registry
from flowpar.record.history import find_run
from flowpar.record.lock import holder
from flowpar.record.resume import read_settled
from flowpar.report.excerpt import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.planning.model import Plan
    from flowpar.record.reading import JournalEnd
    from flowpar.record.settled import Settled
    from flowpar.report.screen import Screen


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: a place in a run, with all that is there to say of it."""

    run_dir: Path
    settled: Settled
    plan: Plan
    place: Place
    secrets: Mapping[str, str]
    end: JournalEnd

    def replay(self, **ways: object) -> Replay:
        """Return what a process is told that makes the attempt again."""
        found = again(self.plan, self.settled, self.run_dir, self.place, secrets=self.secrets)
        run = self.settled.run.run_id
        name = found.place.name
        return Replay(found.job, name, run, expand=found.expand, fed=found.fed, gone=found.gone, ways=ways)


def look_back(screen: Screen, state_dir: Path, run: str, text: str, *, is_to_run: bool = True) -> Look:
    """Find what is meant; what stands in the way is raised, what should be known is told on the screen."""
    target = split_item(text)
    if target is None:
        raise UsageError(f'"{text}" is neither TASK nor TASK[ITEM]')
    run_dir = find_run(state_dir, run).resolve()
    settled, end = read_settled(run_dir, is_salvaged=True)
    if end.damaged_at is not None:
        screen.tell(f"flowpar: the journal is corrupt at record {end.damaged_at}: this is what is before it", "warning")
    plan, text = _plan_of(screen, settled, run_dir)
    place = find_place(plan, settled, *target)
    if is_to_run and place.standing.state is None and holder(run_dir) is not None:
        raise UsageError(f'"{place.name}" still runs', hint="wait for its end: flowpar logs shows what it prints")
    if is_to_run:
        _tell_changes(screen, settled, text)
    secrets = _secrets(screen, plan)
    return Look(run_dir, settled, plan, place, secrets, end)


def _plan_of(screen: Screen, settled: Settled, run_dir: Path) -> tuple[Plan, str]:
    """Return the plan of a run, and the digest of the text that it was made of, "" where it is made anew."""
    recalled = recall(run_dir)
    if recalled is not None:
        plan, problems = recalled.with_env_files()
        for problem in problems:
            screen.tell(f"flowpar: {problem}", "warning")
        return plan, recalled.grounds.text
    return _planned_anew(screen, settled), ""


def _planned_anew(screen: Screen, settled: Settled) -> Plan:
    """Plan a workflow once more whose run kept none: a secret would be in it, or a plugin's own check has its say."""
    # Late: YAML, pydantic and networkx take longer to import than all the rest.
    from flowpar.planning.planner import prepare

    run, executor = settled.run, settled.run.options.get("executor")
    prepared = prepare(
        _file_of(settled),
        registry=Registry(allows_plugins=run.options.get("no_plugins") is not True, runs_local_checks=True),
        given=GivenInputs(recorded=run.inputs),
        executor=executor if isinstance(executor, str) else None,
        needs_secrets=False,
    )
    if prepared.plan is None:
        screen.tell(render(prepared.diagnostics, prepared.sources, is_coloured=screen.has_colors))
        message = f"run {run.run_id} has kept no plan, and none can be made of its workflow as it is now"
        raise StateError(message, hint="mend the workflow, and ask again")
    return prepared.plan


def _file_of(settled: Settled) -> str:
    run = settled.run
    return os.path.join(str(run.options.get("folder") or ""), run.file)  # noqa: PTH118 - texts of a journal


def _tell_changes(screen: Screen, settled: Settled, text: str) -> None:
    source = read_source(_file_of(settled))
    if text and (not isinstance(source, Source) or digest(source.text) != text):
        told = "the workflow has changed since: this is the task that ran, with the code of now"
        screen.tell(f"flowpar: {told}", "warning")


def _secrets(screen: Screen, plan: Plan) -> Mapping[str, str]:
    """Read the secrets of a run from where they come; of one that can't be had, say so and go on."""
    found = resolve(plan.secrets, env_file=plan.env_file, inputs=plan.inputs)
    for each in found.diagnostics:
        screen.tell(f"flowpar: {each.message}", "warning")
    if found.diagnostics:
        found = resolve(plan.secrets, env_file=plan.env_file, inputs=plan.inputs, are_needed=False)
    screen.hide(Masker(found.values.values()))
    return found.values
