"""The tasks that a sub-workflow begins and ends with: its inputs, its outputs, and the list of those of all its items.

    train/(inputs)   what `with` comes to             train/(items)   the items, where only the run knows them
    train            the outputs; of items, the list  train[2]        the outputs of one item
    train/(outputs)  the outputs, before `finally`    train/(finally) the turn of its tasks, which costs no process

Each is planned from the workflow's task, without what holds for the sub-workflow as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.frozen import dataclass, replace
from flowpar.execute.recipe import INPUTS, Call, Expand
from flowpar.expr.references import references
from flowpar.expr.template import Constant, Expression, MapTemplate
from flowpar.planning.fingerprint import Fingerprints
from flowpar.planning.instance import declared_inputs, read_by
from flowpar.planning.model import Bounds, Retry
from flowpar.planning.rounds import ANY_LAP, UNTIL, Rounds, passed_on
from flowpar.planning.template import FINALLY, GIVE_ON, ITEMS, OUTPUTS, alone, gathered
from flowpar.planning.template import Template as TaskTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.execute.recipe import Scope
    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked, CheckedFanOut, CheckedTask
    from flowpar.planning.model import PlannedTask, Repeat

_MODULE = "flowpar.tasks.workflow"


@dataclass(frozen=True, slots=True)
class Ends:
    """Makes the ends of one sub-workflow that the task `found` of the document `caller` is, in the scope `outer`.

    `task` is how a single task of this kind would be planned.
    """

    found: CheckedTask
    task: PlannedTask
    caller: Checked
    sub: Checked
    outer: Scope | None
    is_run: bool
    in_finally: bool = False
    tidies: str = ""

    @property
    def prefix(self) -> str:
        """What stands before the ids of the caller's tasks."""
        return "" if self.outer is None else self.outer.prefix

    def entry(self, scope: Scope, fingerprint: str) -> PlannedTask:
        """Return the task that makes the inputs; it has what the workflow's task needs, and its condition."""
        given = MapTemplate(tuple(self.found.call.arguments.items()))
        folders = {"given_in": Constant(str(self.caller.folder)), "declared_in": Constant(str(self.sub.folder))}
        arguments: dict[str, Template] = {"given": given, "declared": Constant(declared_inputs(self.sub)), **folders}
        return replace(
            self._bare,
            kind="inputs",
            call=Call(f"{_MODULE}:take_inputs", arguments),
            allow_failure=False,
            fingerprint=fingerprint if self.is_run else "",
            is_spared=scope.may_fail,
        )

    def until(self) -> PlannedTask:
        """Return the task that decides whether another round follows, without what is known of the round."""
        call = Call(GIVE_ON, {}, until=self.task.call.until)
        return replace(self._bare, kind="until", call=call, allow_failure=False, condition=None, run_if="all_success")

    def rounds(self, whole: str, until: PlannedTask, again: list[PlannedTask], repeat: Repeat) -> Iterator[PlannedTask]:
        """Give what follows on the first round, and the task that has the outputs of the last one."""
        may_fail = self.task.allow_failure or (self.outer is not None and self.outer.may_fail)

        def asked(lap: str) -> PlannedTask:
            made = replace(until, id=f"{whole}@{lap}/{UNTIL}", needs=(), part_of=whole, is_spared=may_fail)
            made = passed_on(made, self.prefix, [f"{whole}@{lap}"])
            return replace(made, call=replace(made.call, until=until.call.until))

        tasks = []
        for task in (*again, asked("*")):
            is_of_round = task.id in {f"{whole}@*/{INPUTS}", f"{whole}@*/{UNTIL}"}
            task = replace(alone(task, f"{whole}@*"), lap=ANY_LAP if is_of_round else task.lap)  # noqa: PLW2901 - one task
            tasks.append(replace(task, condition=None) if is_of_round else task)
        first = replace(asked("1"), lap=1, rounds=Rounds(whole, repeat, tuple(tasks)))
        yield first
        end = replace(
            self._last,
            id=whole,
            needs=(),
            reads=frozenset(),
            bound=None,
            fingerprint=digest((self.found.id, "rounds")) if self.is_run else "",
            scope=self.outer,
            bounds=replace(self._bounds, timeout_s=None),
        )
        yield passed_on(end, self.prefix, [f"{whole}@1", first.id])

    def exit(self, scope: Scope, ids: Sequence[str]) -> PlannedTask:
        """Return the task that makes the outputs, when those of `ids` are over."""
        reads = {scope.prefix + name for name in read_by(self.sub.outputs, "tasks")}
        reads |= self._inputs_read(scope, *self.sub.outputs.values())
        call = Call(f"{_MODULE}:gather", {"outputs": MapTemplate(tuple(self.sub.outputs.items()))})
        fingerprint = ""
        if self.is_run:
            found = replace(self.found, call=replace(self.found.call, arguments=call.arguments), condition=None)
            fingerprint = Fingerprints(scope.inputs, self.sub.env).of(found)
        end = replace(
            self._last,
            id=scope.prefix.removesuffix("/"),
            call=call,
            needs=tuple(ids),
            reads=frozenset(reads),
            bound=None,
            fingerprint=fingerprint,
            scope=scope,
            bounds=self._bounds,
        )
        if self.task.repeat is None:
            return end
        # One round of several: what holds for an item holds for all of them together.
        whole, bounds = end.id.rpartition("@")[0], Bounds(self.task.timeout_s)
        return replace(end, part_of=whole, bounds=bounds, allow_failure=False, is_spared=scope.may_fail)

    def closing(self, scope: Scope, ids: Sequence[str], last_ids: Sequence[str]) -> Iterator[PlannedTask]:
        """Give the tasks around those of `finally`, and then the one that ends the sub-workflow when they are over."""
        part = scope.prefix.removesuffix("/")
        end = self.exit(scope, ids)
        outputs = replace(end, id=f"{scope.prefix}{OUTPUTS}", part_of=part, bounds=None, allow_failure=False)
        yield replace(outputs, is_spared=scope.may_fail)
        yield replace(
            self._last,
            id=f"{scope.prefix}{FINALLY}",
            kind="finally",
            call=Call("", {}),
            needs=(outputs.id,),
            reads=frozenset(),
            bound=None,
            scope=scope,
            part_of=part,
            tidies=part,
        )
        made = Expression(f'tasks["{OUTPUTS}"].output', f'tasks["{OUTPUTS}"].output')
        yield replace(
            end,
            call=Call(GIVE_ON, {"outputs": made}),
            needs=(outputs.id, *last_ids),
            reads=frozenset({outputs.id}) | self._inputs_read(scope),
        )

    def _inputs_read(self, scope: Scope, *templates: Template) -> frozenset[str]:
        """Return what made the inputs, where templates or the environment read some."""
        found = (reference for each in (*templates, *self.sub.env.values()) for reference in references(each))
        reads = scope.has_entry and any(reference.context == "inputs" for reference in found)
        return frozenset({f"{scope.prefix}{INPUTS}"}) if reads else frozenset()

    def whole(self, labels: Sequence[str]) -> PlannedTask:
        """Return the task that has the outputs of all items, of which these are the labels."""
        needs = () if labels else tuple(self.prefix + need for need in self.found.needs)
        bounds = Bounds(on_item_error=self._bounds.on_item_error)
        fingerprint = digest((len(labels), self.found.id, *self._named(labels))) if self.is_run else ""
        whole = replace(
            self._last,
            id=self.prefix + self.found.id,
            needs=needs,
            reads=frozenset(),
            fan_out=None,
            fingerprint=fingerprint,
            scope=self.outer,
            bounds=bounds,
        )
        return gathered(whole, self.prefix, [f"{whole.id}[{label}]" for label in labels])

    def _named(self, labels: Sequence[str]) -> Sequence[str]:
        """Return the labels where they say more than their number."""
        return () if self.found.fan_out is None or self.found.fan_out.key is None else labels

    def items(self, placed: PlannedTask, fan_out: CheckedFanOut, of_one: tuple[PlannedTask, ...]) -> PlannedTask:
        """Return the task that makes the items, of each of which it has the tasks; `placed` waits for what it needs."""
        recipe = Expand(fan_out.names, fan_out.is_product, fan_out.include, fan_out.exclude, key=fan_out.key)
        whole = self.prefix + self.found.id
        return replace(
            placed,
            id=f"{whole}/{ITEMS}",
            kind="items",
            executor="process",
            call=Call("", {}),
            fan_out=None,
            condition_is_per_item=False,
            allow_failure=False,
            is_spared=self.task.allow_failure,
            timeout_s=None,
            resources={},
            template=TaskTemplate(whole, of_one, recipe),
        )

    @property
    def _bounds(self) -> Bounds:
        fan_out = self.task.fan_out
        if fan_out is None:
            return Bounds(self.task.timeout_s)
        whole = self.prefix + self.found.id
        return Bounds(self.task.timeout_s, whole, fan_out.max_parallel, fan_out.on_item_error)

    @property
    def _bare(self) -> PlannedTask:
        """Return a task without what holds for the whole."""
        bare = replace(
            self.task, executor="process", fan_out=None, timeout_s=None, resources={}, retry=Retry(), repeat=None
        )
        return replace(bare, in_finally=self.in_finally, tidies=self.tidies)

    @property
    def _last(self) -> PlannedTask:
        """Return a task that waits for others, however these end."""
        return replace(
            self._bare,
            decides_on=frozenset(),
            run_if="all_done",
            condition=None,
            condition_is_per_item=False,
            part_of=self.prefix.removesuffix("/"),
        )
