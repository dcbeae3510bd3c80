"""What a run was made of, asked after it: its tasks with those that joined it, and the plugins that it used.

run folder ──plan that was kept, or its file where that is still the same──►  PastPlan, or None
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.errors import FlowparError
from flowpar.core.frozen import dataclass
from flowpar.engine.parts import all_tasks
from flowpar.planning.recall import recall
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.plugin.registry import TaskTypeSource
    from flowpar.record.settled import Settled

_LARGEST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class PastPlan:
    """The tasks of a run in the order of its plan; `plugins` are distributions and their versions."""

    description: str
    tasks: tuple[PlannedTask, ...]
    plugins: tuple[tuple[str, str], ...]


def past_plan(run_dir: Path, settled: Settled) -> PastPlan | None:
    """Return what a run was made of; None where its plan was not kept, and its file is not what it was."""
    found = _kept(run_dir) or _planned_anew(run_dir, settled.run.file)
    if found is None:
        return None
    plan, sources = found
    plugins = {(source.distribution, source.version) for source in sources if source.distribution != "flowpar"}
    return PastPlan(plan.description, tuple(all_tasks(plan, settled.tasks)), tuple(sorted(plugins)))


def _kept(run_dir: Path) -> tuple[Plan, Iterable[TaskTypeSource]] | None:
    recalled = recall(run_dir)
    if recalled is None:
        return None
    grounds = (recalled.grounds, *recalled.grounds.subs)
    return recalled.plan, [source for each in grounds for source in each.kinds.used.values()]


def _planned_anew(run_dir: Path, file: str) -> tuple[Plan, Iterable[TaskTypeSource]] | None:
    """Plan the workflow's file where its text is that of the copy in the run folder; nothing of it is run."""
    # Late: YAML and pydantic are for plans that were not kept, which are few.
    from flowpar.planning.planner import prepare

    try:
        if not _is_small(Path(file)) or Path(file).read_bytes() != (run_dir / "workflow.yaml").read_bytes():
            return None
        registry = Registry()
        plan = prepare(file, registry=registry, given=None).plan
        if plan is None:
            return None
        kinds = {task.kind for task in plan.tasks}
        return plan, [source for kind in kinds if (source := registry.find(kind)) is not None]
    except (OSError, ValueError, FlowparError):
        return None


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST_BYTES
