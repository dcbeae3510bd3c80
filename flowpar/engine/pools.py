"""What the tasks of a run share out: the workers, the machine, and the workflow's own limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.process import AHEAD
from flowpar.planning.capacity import Capacity, pools_asked
from flowpar.planning.template import within
from flowpar.schedule.resources import LIGHT, MOST_LIGHT, Pools, may_go_ahead, request_of

if TYPE_CHECKING:
    from flowpar.planning.model import Plan


def most_light(plan: Plan) -> int:
    """Return how many processes may run beside the workers' own, for tasks that ask for less than one cpu."""
    is_light = any(task.resources and LIGHT in dict(request_of(task)) for task in within(plan.tasks))
    return MOST_LIGHT if is_light else 0


def pools_of(plan: Plan, *, slots: int, light: int) -> Pools | None:
    """Return the pools of a run, None where no task asks for anything."""
    asked = pools_asked(plan)
    if not asked:
        return None
    capacity = Capacity.of_machine(slots, asked)
    totals: dict[str, float] = {"cpu": slots, LIGHT: light, **plan.limits}
    if capacity.memory_bytes is not None:
        totals["memory"] = capacity.memory_bytes
    if "gpu" in asked:
        totals["gpu"] = len(capacity.devices)
    return Pools(totals, devices=capacity.devices, ahead=AHEAD if may_go_ahead(within(plan.tasks)) else 0)
