"""Tasks that join the run while it goes on: those of a sub-workflow, for each of the items that a task has made.

    train/(items) ended ─► its items ─► the tasks of each ─► frontier, ledger ─► train waits for them

A run that goes on knows how far each of them came before.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.part_name import MOST_PART_TASKS, label_of
from flowpar.core.states import RunStatus
from flowpar.planning.model import Bound
from flowpar.planning.rounds import passed_on
from flowpar.planning.template import gathered
from flowpar.schedule.crew import Stop
from flowpar.schedule.desk import lane_of, lay_feeds
from flowpar.schedule.ledger import NOT_BEGUN, Record
from flowpar.schedule.restore import restore
from flowpar.schedule.rounds import out_of_rounds
from flowpar.schedule.start import Begun, Fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.planning.model import PlannedTask
    from flowpar.planning.rounds import Rounds
    from flowpar.planning.template import Template
    from flowpar.schedule.decision import Decisions, Items
    from flowpar.schedule.desk import Desk
    from flowpar.schedule.parts import Parts
    from flowpar.schedule.start import Start


def _bounds_of(template: Template, items: Items) -> Mapping[str, Bound]:
    """Return by its label what each item is bound to; where no task knows that, it is of no account what it is."""
    is_matrix, has_entry = template.recipe.is_product, bool(template.entry_of(""))
    if items.keys is None:
        return {str(index): Bound(items.item(index), index, is_matrix) for index in range(items.count)}
    return {
        label_of(key): Bound(items.item(index), index, is_matrix, key, items.digest(index) if has_entry else "")
        for index, key in enumerate(items.keys)
    }


def _beside(template: Template, count: int) -> str:
    """Return what there is in the place of an item that is missing."""
    if not count:
        return ", which has no items"
    if template.recipe.key is not None:
        return ", whose one item has another key" if count == 1 else f", and none of its {count} items has that key"
    return f", which has {count} item{'' if count == 1 else 's'}, counted from 0"


class Joining:
    """Lets tasks join; a part of the loop."""

    def __init__(self, desk: Desk, decisions: Decisions, start: Start, parts: Parts) -> None:
        """Work on `desk`; `start` is from where the run goes on."""
        self._parts = parts
        self._desk = desk
        self._decisions = decisions
        self._start = start

    def join(self, record: Record, template: Template) -> None:
        """Let the tasks of all items join that a task has made."""
        whole = self._desk.ledger.records.get(template.whole)
        if record.output is None or (whole is not None and whole.state.is_final):
            return
        items = self._decisions.read_expanded(record.output)
        if whole is None:
            self._join_some(record, template, items)
            return
        if isinstance(items, Failure):
            whole.verdict = items
            return
        if items.count * len(template.tasks) > MOST_PART_TASKS:
            each = f"{len(template.tasks)} tasks each"
            message = f"its {items.count:,} items have {each}, over {MOST_PART_TASKS:,} together"
            whole.verdict = Failure(FailureKind.EXPRESSION, "", f"{message}; let a for_each in its file go over them")
            return
        bounds = _bounds_of(template, items)
        self._forget_changed(template, bounds)
        tasks = [task for label, bound in bounds.items() for task in template.instance(label, bound, mark=bound.mark)]
        exits = [template.exit_of(label) for label in bounds]
        scope = whole.task.scope
        whole.task = gathered(whole.task, "" if scope is None else scope.prefix, exits)
        self._add(tasks, whole.rank, whole.task.id, exits)

    def follow(self, record: Record, rounds: Rounds) -> None:
        """Let another round join, where the one before did not come to what was wanted."""
        lap, whole = record.task.lap, self._desk.ledger.records.get(rounds.whole)
        following = f"{rounds.exit_of(lap + 1)}/"
        is_known = any(name.startswith(following) for name in self._start.tasks)
        if whole is None or whole.state.is_final or not (record.goes_on or is_known):
            return
        repeat = rounds.repeat
        if lap >= repeat.rounds and not is_known:
            whole.verdict = None if repeat.takes_last else out_of_rounds(repeat.rounds)
            return
        scope, exits = whole.task.scope, [rounds.exit_of(lap + 1), rounds.until_of(lap + 1)]
        whole.task = passed_on(whole.task, "" if scope is None else scope.prefix, exits)
        if repeat.delay_s and not is_known:
            self._parts.delay(exits[0], repeat.delay_s)
        self._add(list(rounds.instance(lap + 1)), whole.rank, whole.task.id, exits)

    def _join_some(self, record: Record, template: Template, items: Items | Failure) -> None:
        """Let those tasks join that were asked for, of some items or of all."""
        if isinstance(items, Failure):
            reason = f'the items of "{template.whole}" can\'t be read: {items.message}'
            self._desk.want(Stop(reason, RunStatus.FAILED, ExitCode.TASK_FAILED))
            return
        bounds = _bounds_of(template, items)
        missing = [item for item, _ in template.picks or () if item is not None and item not in bounds]
        if missing:
            reason = f'--only names item {missing[0]} of "{template.whole}"{_beside(template, len(bounds))}'
            self._desk.want(Stop(reason, RunStatus.FAILED, ExitCode.USAGE))
            return
        self._forget_changed(template, bounds)
        made = (task for label, bound in bounds.items() for task in template.instance(label, bound, mark=bound.mark))
        tasks = list(islice(made, MOST_PART_TASKS + 1))
        if len(tasks) > MOST_PART_TASKS:
            wanted = f'--only names over {MOST_PART_TASKS:,} tasks of "{template.whole}"'
            self._desk.want(Stop(f"{wanted}; name fewer of its items", RunStatus.FAILED, ExitCode.USAGE))
            return
        self._add(tasks, record.rank, "", [])

    def _forget_changed(self, template: Template, bounds: Mapping[str, Bound]) -> None:
        """Let items run anew that have a key which they had before, and are bound to something else than then."""
        start, changed = self._start, set()
        for label, bound in bounds.items():
            begun = start.tasks.get(template.entry_of(label)) if bound.mark else None
            whole = None if begun is None else begun.whole
            if whole is not None and Fingerprint.parse(whole.fingerprint).item not in {"", bound.mark}:
                changed.add(label)
        if changed:
            label_in = re.compile(re.escape(template.whole) + r"\[([^\[\]]+)\]")
            named = {name: label_in.match(name) for name in start.tasks}
            anew = {name for name, found in named.items() if found is not None and found[1] in changed}
            tasks = {
                name: Begun(tried=each.tried, marks=each.marks) if name in anew else each
                for name, each in start.tasks.items()
            }
            self._start = replace(start, tasks=tasks)

    def _add(self, tasks: Sequence[PlannedTask], rank: tuple[int, float, int], before: str, exits: list[str]) -> None:
        """Let tasks join that go before another one, which awaits their `exits`."""
        desk = self._desk
        _, weight, place = rank
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
            before=before,
            awaited=exits,
        )
        restore(desk, records)
