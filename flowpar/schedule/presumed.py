"""What a prediction takes for granted where only the run would know: conditions hold, items are as many as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.planning.template import within
from flowpar.schedule.decision import NOTHING_KNOWN
from flowpar.schedule.virtual import named_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.core.outcome import Failure, ValueRef
    from flowpar.execute.recipe import Bindings, TaskView
    from flowpar.planning.cost import Costs
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.decision import Items, NotHere


@dataclass(frozen=True, slots=True)
class Presumed:
    """So many items, bound to nothing."""

    count: int
    names: tuple[str, ...] = ()
    keys: Sequence[str | float] | None = None
    verdicts: Sequence[bool] | None = None

    def item(self, index: int) -> Mapping[str, bytes]:  # noqa: ARG002 - the protocol's
        """Return the names."""
        return dict.fromkeys(self.names, b"")

    def digest(self, index: int) -> str:  # noqa: ARG002 - the same
        """Return nothing: nobody asks whether an item is what it was."""
        return ""


class Presumptions:
    """Decides for a prediction; implements `Decisions`."""

    def __init__(self, tasks: Iterable[PlannedTask], costs: Costs) -> None:
        """Know the plan, and what earlier runs had."""
        self._costs = costs
        self._counts: dict[str, int] = {}
        self._keyed: dict[str, bool] = {}
        for task in within(tasks):
            if task.fan_out is not None:
                for source in task.fan_out.feeds.values():
                    self._counts.setdefault(source, costs.items_of(task))
            if task.template is not None:
                self._keyed[task.id] = task.template.recipe.key is not None

    def judge(
        self,
        task: PlannedTask,  # noqa: ARG002 - the protocol's
        views: Mapping[str, TaskView],  # noqa: ARG002 - the same
        *,
        run: Mapping[str, object] = NOTHING_KNOWN,  # noqa: ARG002 - the same
    ) -> bool | Failure | NotHere:
        """Take it that a condition holds."""
        return True

    def judge_item(self, task: PlannedTask, bindings: Bindings) -> bool | Failure | NotHere:  # noqa: ARG002 - the same
        """Take it that it holds for each item."""
        return True

    def expand(
        self,
        task: PlannedTask,
        views: Mapping[str, TaskView],  # noqa: ARG002 - the same
        *,
        run: Mapping[str, object] = NOTHING_KNOWN,  # noqa: ARG002 - the same
    ) -> Items | Failure | NotHere:
        """Return as many items as are known."""
        return Presumed(self._costs.items_of(task), () if task.fan_out is None else tuple(task.fan_out.names))

    def count_yielded(self, ref: ValueRef) -> int | None:
        """Return how many values a function yields."""
        return self._counts.get(_name(ref))

    def read_yielded(self, ref: ValueRef) -> Sequence[ValueRef] | Failure:
        """Return that many values."""
        return [named_after(f"{_name(ref)}#{index}") for index in range(self._counts.get(_name(ref), 0))]

    def read_judged(self, ref: ValueRef) -> bool | Failure:  # noqa: ARG002 - the same
        """Take it that a condition holds."""
        return True

    def read_expanded(self, ref: ValueRef) -> Items | Failure:
        """Return the items of a sub-workflow."""
        task = _name(ref)
        labels = self._costs.labels_of(task.rpartition("/")[0])
        return Presumed(len(labels), keys=labels if self._keyed.get(task) else None)

    def read_rendered(self, ref: ValueRef) -> str | Failure:  # noqa: ARG002 - the same
        """Return no outputs."""
        return "{}"


def _name(ref: ValueRef) -> str:
    return (ref.inline or b"").decode()
