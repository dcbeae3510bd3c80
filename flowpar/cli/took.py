"""How long the tasks of a workflow took in earlier runs, as far as that is quickly known."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.core.errors import FlowparError
from flowpar.record.folder import check_state
from flowpar.report.estimate import Expected

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.cost import Costs
    from flowpar.planning.model import Plan


def costs_of(plan: Plan, state_dir: Path, *, trust_state: bool = False, most_bytes: int | None = None) -> Costs:
    """Return what tasks of the workflow of that name took in earlier runs, as far as these can be read."""
    return costs_of_workflow(plan.workflow, state_dir, trust_state=trust_state, most_bytes=most_bytes)


def costs_of_workflow(
    workflow: str, state_dir: Path, *, trust_state: bool = False, most_bytes: int | None = None
) -> Costs:
    """Return the same of a workflow by its name."""
    # Late: where there is nothing to choose between nobody asks, and needs no SQLite.
    from flowpar.planning.cost import Costs
    from flowpar.record.index import RunIndex

    with suppress(FlowparError):
        if (state_dir / "runs").is_dir():
            check_state(state_dir, trust_state=trust_state)
            return Costs.of(RunIndex(state_dir).durations(workflow, most_bytes=most_bytes))
    return Costs({})


def expected_by(costs: Costs, *, path_s: float = 0.0) -> Expected:
    """Return what a view has to know of them."""
    items = {task: took.items for task, took in costs.known.items() if took.items is not None}
    return Expected(costs.attempt_s, costs.knows, items, path_s)
