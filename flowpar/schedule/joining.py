"""Tasks that join the run while it goes on: those of a sub-workflow, for each of the items that a task has made.

    train/(items) ended ─► its items ─► the tasks of each ─► frontier, ledger ─► train waits for them

A run that goes on knows how far each of them came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind
from flowpar.planning.model import Bound
from flowpar.planning.template import gathered
from flowpar.schedule.desk import lane_of, lay_feeds
from flowpar.schedule.ledger import NOT_BEGUN, Record
from flowpar.schedule.restore import restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.planning.model import PlannedTask
    from flowpar.planning.template import Template
    from flowpar.schedule.decision import Decisions
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.start import Start

MOST_TASKS = 100_000


class Joining:
    """Lets tasks join; a part of the loop."""

    def __init__(self, desk: Desk, decisions: Decisions, start: Start) -> None:
        """Work on `desk`; `start` is from where the run goes on."""
        self._desk = desk
        self._decisions = decisions
        self._start = start

    def join(self, record: Record, template: Template) -> None:
        """Let the tasks of all items join that a task has made."""
        whole = self._desk.ledger[template.whole]
        if whole.state.is_final or record.output is None:
            return
        items = self._decisions.read_expanded(record.output)
        if isinstance(items, Failure):
            whole.verdict = items
            return
        if items.count * len(template.tasks) > MOST_TASKS:
            message = f"its {items.count:,} items have {len(template.tasks)} tasks each, over {MOST_TASKS:,} together"
            whole.verdict = Failure(FailureKind.EXPRESSION, "", f"{message}; let a for_each in its file go over them")
            return
        tasks: list[PlannedTask] = []
        for index in range(items.count):
            tasks += template.instance(index, Bound(items.item(index), index, template.recipe.is_product))
        self._add(tasks, whole, [template.exit_of(index) for index in range(items.count)])

    def _add(self, tasks: Sequence[PlannedTask], whole: Record, exits: list[str]) -> None:
        desk, scope = self._desk, whole.task.scope
        whole.task = gathered(whole.task, "" if scope is None else scope.prefix, exits)
        _, weight, place = whole.rank
        records = [
            Record(
                task,
                (-task.priority, weight - 1.0, place),
                self._start.tasks.get(task.id, NOT_BEGUN),
                lane=lane_of(task, desk.pools),
            )
            for task in tasks
        ]
        desk.ledger.join(records, read_by_whole=exits)
        desk.frontier.join(
            {task.id: task.needs for task in tasks},
            lay_feeds(desk.ledger, records),
            {task.id: task.run_if for task in tasks if task.run_if != "all_success"},
            before=whole.task.id,
            awaited=exits,
        )
        restore(desk, records)
