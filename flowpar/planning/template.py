"""Tasks of a sub-workflow that is run for each item of a list which only the run knows: planned once, made for each.

    train/(items)  ── its output: the items ──►  train[0]/… , train[1]/… , … , then train

The ids of a template have `train[*]` in front of them, an item's the number, or its key where it has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.frozen import dataclass, replace
from flowpar.execute.recipe import Call
from flowpar.expr.template import Expression, ListTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flowpar.execute.recipe import Expand
    from flowpar.planning.model import Bound, PlannedTask

ITEMS = "(items)"
OUTPUTS = "(outputs)"
FINALLY = "(finally)"
ANY_ITEM = -1
GIVE_ON = "flowpar.tasks.workflow:pass_on"
GATHER_ITEMS = "flowpar.tasks.workflow:gather_items"


@dataclass(frozen=True, slots=True)
class Template:
    """What a task makes of the items of a sub-workflow, which `recipe` gives; `whole` has all their outputs.

    `picks` are there where not all is to run: tasks for the item of a label, or for all items. The label of an
    item is its number, or what its key is written as.
    """

    whole: str
    tasks: tuple[PlannedTask, ...]
    recipe: Expand
    picks: tuple[tuple[str | None, tuple[PlannedTask, ...]], ...] | None = None

    def instance(self, label: str, bound: Bound | None = None, *, mark: str = "") -> Iterator[PlannedTask]:
        """Give the tasks of one item, in plan order; `bound` is what it is bound to, and `mark` a digest of that."""
        old, new = f"{self.whole}[*]", f"{self.whole}[{label}]"
        tasks = self.tasks
        if self.picks is not None:
            picked = {task.id: task for item, some in self.picks if item in {None, label} for task in some}
            tasks = tuple(picked.get(task.id, task) for task in tasks if task.id in picked)
        for task in tasks:
            made = renamed(task, old, new, bound)
            yield marked(made, mark) if mark else made

    @property
    def parts(self) -> tuple[PlannedTask, ...]:
        """All tasks that some item may have; one that is picked for several items is there for each of them."""
        return self.tasks if self.picks is None else tuple(task for _, some in self.picks for task in some)

    def mapped(self, change: Callable[[PlannedTask], PlannedTask]) -> Template:
        """Return a template of other tasks, made of each of these."""
        picks = None if self.picks is None else tuple((item, tuple(map(change, some))) for item, some in self.picks)
        return replace(self, tasks=tuple(map(change, self.tasks)), picks=picks)

    def exit_of(self, label: str) -> str:
        """Return the id of the task that has the outputs of one item."""
        return f"{self.whole}[{label}]"

    def entry_of(self, label: str) -> str:
        """Return the id of the task that knows what one item is bound to; "" where none has to."""
        found = (task.id for task in self.tasks if task.bound is not None and task.bound.index == ANY_ITEM)
        return next((self.exit_of(label) + name.removeprefix(f"{self.whole}[*]") for name in found), "")


def within(tasks: Iterable[PlannedTask]) -> Iterator[PlannedTask]:
    """Give tasks, and after each those of the items that it may make, however deep.

    A further round of a sub-workflow has the tasks that its first has, and these are in the plan.
    """
    for task in tasks:
        yield task
        if task.template is not None:
            yield from within(task.template.parts)


def alone(task: PlannedTask, inside: str) -> PlannedTask:
    """Return a task without needs outside of its item: those were met before there were items."""
    needs = tuple(need for need in task.needs if need.startswith(inside))
    return replace(task, needs=needs, run_if=task.run_if if needs else "all_success")


def gathered(whole: PlannedTask, prefix: str, exits: list[str]) -> PlannedTask:
    """Return the task of a whole that has the outputs of all its items."""
    texts = [f'default(tasks["{name.removeprefix(prefix)}"].output, None)' for name in exits]
    call = Call(GATHER_ITEMS, {"items": ListTemplate(tuple(Expression(text, text) for text in texts))})
    return replace(whole, call=call, needs=(*whole.needs, *exits), reads=whole.reads.union(exits))


def marked(task: PlannedTask, mark: str) -> PlannedTask:
    """Return a task that is another one where its item is bound to something else."""
    template, rounds = task.template, task.rounds
    if template is not None:
        template = template.mapped(lambda each: marked(each, mark))
    if rounds is not None:
        rounds = replace(rounds, tasks=tuple(marked(each, mark) for each in rounds.tasks))
    fingerprint = digest((task.fingerprint, mark)) if task.fingerprint else ""
    return replace(task, fingerprint=fingerprint, template=template, rounds=rounds)


def renamed(task: PlannedTask, old: str, new: str, bound: Bound | None = None) -> PlannedTask:
    """Return a task with `new` in the place of `old` in front of its id and of those that it names."""

    def named(name: str) -> str:
        return new + name.removeprefix(old) if name == old or name.startswith((f"{old}/", f"{old}@")) else name

    scope, fan_out, template, bounds = task.scope, task.fan_out, task.template, task.bounds
    if fan_out is not None and fan_out.feeds:
        fan_out = replace(fan_out, feeds={name: named(source) for name, source in fan_out.feeds.items()})
    if template is not None:
        made = template.mapped(lambda each: renamed(each, old, new))
        template = replace(made, whole=named(template.whole))
    rounds = task.rounds
    if rounds is not None:
        own = tuple(renamed(each, old, new, bound) for each in rounds.tasks)
        rounds = replace(rounds, whole=named(rounds.whole), tasks=own)
    call = task.call
    if call.target == GIVE_ON:
        prefix = "" if scope is None else scope.prefix
        call = _reading(call, old.removeprefix(prefix), new.removeprefix(prefix))
    is_begun_by_item = task.bound is not None and task.bound.index == ANY_ITEM and bound is not None
    return replace(
        task,
        id=named(task.id),
        call=call,
        needs=tuple(map(named, task.needs)),
        reads=frozenset(map(named, task.reads)),
        decides_on=frozenset(map(named, task.decides_on)),
        scope=None if scope is None else replace(scope, prefix=named(scope.prefix.removesuffix("/")) + "/"),
        fan_out=fan_out,
        template=template,
        bound=bound if is_begun_by_item else task.bound,
        part_of=named(task.part_of),
        tidies=named(task.tidies),
        previous=named(task.previous),
        rounds=rounds,
        bounds=None if bounds is None else replace(bounds, of=named(bounds.of)),
    )


def _reading(call: Call, old: str, new: str) -> Call:
    """Return the call that gives on what a task made which has another name now."""
    texts = {name: each.text for name, each in call.arguments.items() if isinstance(each, Expression)}
    named = {name: text.replace(f'"{old}@', f'"{new}@').replace(f'"{old}"', f'"{new}"') for name, text in texts.items()}
    return replace(call, arguments={**call.arguments, **{name: Expression(text, text) for name, text in named.items()}})
