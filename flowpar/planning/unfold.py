"""Sub-workflows in a plan: their tasks become tasks of the run, with ids and needs of their own.

    train: {workflow: fit.yaml, with: …}     ──►     train/(inputs)   what `with` comes to, where tasks give it
                                                     train/split …    the tasks of fit.yaml, and of those that it calls
                                                     train            its outputs, when all of these are over

A task of a sub-workflow reads the other tasks of its file by the ids that it has there: its `Scope` says what
stands before them.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from flowpar.core.digest import digest
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.execute.recipe import INPUTS, Scope
from flowpar.expr.references import references
from flowpar.planning.dotenv import read_env_files
from flowpar.planning.ends import Ends
from flowpar.planning.expand import count_items
from flowpar.planning.fingerprint import Fingerprints
from flowpar.planning.instance import InputValues, Instance, declared_inputs, items_of, label
from flowpar.planning.model import Bound
from flowpar.planning.preload import is_at_home
from flowpar.planning.setting import SettingReader
from flowpar.planning.settled import Settled, name_of
from flowpar.planning.sub_finding import SubFindings
from flowpar.planning.template import ANY_ITEM, FINALLY, alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flowpar.core.diagnostics import Diagnostics
    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked, CheckedFanOut, CheckedTask
    from flowpar.planning.model import PlannedTask

    MakeTask = Callable[[CheckedTask, SettingReader], PlannedTask]


@dataclass(frozen=True, slots=True)
class Unfolder:
    """Makes the tasks of one document and of its sub-workflows; `make` plans a single task as its file has it."""

    checked: Checked
    reader: SettingReader
    make: MakeTask
    diagnostics: Diagnostics
    is_run: bool
    scope: Scope | None = None
    dynamic: frozenset[str] = frozenset()
    home: tuple[str, tuple[str, ...]] = ("", ())
    limits: dict[str, float] = field(default_factory=dict)
    in_finally: bool = False
    tidies: str = ""
    has_env: bool = False

    def tasks(self) -> Iterator[PlannedTask]:
        """Give all tasks in file order, those of a sub-workflow before the task that it is."""
        prints = Fingerprints(self.reader.settled.inputs, self.checked.env)
        for found in self.checked.tasks.values():
            self._check_settings(found)
            if found.sub is not None:
                yield from self._sub(found, found.sub, prints)
                continue
            task = self.make(found, self.reader)
            if self.scope is not None:
                task = self._findings.find_shared(found, task, self.scope, self.home)
            if self.is_run:
                task = replace(task, fingerprint=prints.of(found), code=prints.code_of(found))
            yield self._placed(task, found)

    def _placed(self, task: PlannedTask, found: CheckedTask) -> PlannedTask:
        """Return a task as a part of the run."""
        scope = self.scope
        if scope is None:
            return task
        templates = [*task.call.arguments.values(), *task.call.env.values()]
        templates += [each for each in (task.call.cwd, task.call.until) if each is not None]
        deciding = [] if task.condition is None else [task.condition]
        deciding += [] if task.fan_out is None else task.fan_out.lists
        reads, decides_on = task.reads, task.decides_on
        if self._reads_inputs([*templates, *self.checked.env.values()]):
            reads |= {INPUTS}
        if self._reads_inputs(deciding):
            decides_on |= {INPUTS}
        needs = {*found.needs, FINALLY} if found.in_finally else {*found.needs, *reads, *decides_on}
        if scope.has_entry and not needs:
            needs.add(INPUTS)
        fan_out = task.fan_out
        if fan_out is not None and fan_out.feeds:
            fan_out = replace(fan_out, feeds={name: scope.prefix + source for name, source in fan_out.feeds.items()})
        return replace(
            task,
            id=scope.prefix + task.id,
            part_of=scope.prefix.removesuffix("/"),
            needs=tuple(scope.prefix + need for need in sorted(needs)),
            reads=frozenset(scope.prefix + name for name in reads),
            decides_on=frozenset(scope.prefix + name for name in decides_on),
            fan_out=fan_out,
            scope=scope,
            in_finally=self.in_finally,
            tidies=self._tidied_by(found),
            preload=task.preload if is_at_home(scope, self.home, has_env=self.has_env) else (),
        )

    def _tidied_by(self, found: CheckedTask) -> str:
        """Return the task that ends the sub-workflow of whose `finally` a task is, or is a part of."""
        return self._prefix.removesuffix("/") if found.in_finally and self.scope is not None else self.tidies

    def _reads_inputs(self, templates: list[Template]) -> bool:
        return any(
            reference.context == "inputs" and (reference.name is None or reference.name in self.dynamic)
            for template in templates
            for reference in references(template)
        )

    def _sub(self, found: CheckedTask, sub: Checked, prints: Fingerprints) -> Iterator[PlannedTask]:
        """Give the tasks of a sub-workflow: once, or once for each item and then what has all their outputs."""
        self._findings.find_cycles(sub)
        self._findings.join_limits(self.limits, found, sub)
        if found.fan_out is None:
            yield from self._body(found, sub, prints, Instance(found.id))
            return
        items = items_of(found.fan_out, self.reader.settled, self._is_early)
        if items is None:
            yield from self._late(found, found.fan_out, sub, prints)
            return
        if isinstance(items, str):
            place = "key" if items.startswith("key: ") else "for_each"
            self._findings.find((found.home, found.id, place), "FP258", items)
            items = []
        yield from self._items(found, sub, prints, items)
        yield self._ends(found, sub).whole([label(bound) for bound in items])

    def _items(
        self, found: CheckedTask, sub: Checked, prints: Fingerprints, items: list[Bound]
    ) -> Iterator[PlannedTask]:
        """Give the tasks of all items, unless they are too many; items of theirs are counted as they come."""
        room = MOST_PART_TASKS
        if len(items) * _size_of(sub) > room:
            self._findings.find_too_many(found)
            return
        for bound in items:
            for each in self._body(found, sub, prints, Instance(f"{found.id}[{label(bound)}]", bound)):
                yield each
                room -= 1
            if room < 0:
                self._findings.find_too_many(found)
                return

    def _body(
        self, found: CheckedTask, sub: Checked, prints: Fingerprints, instance: Instance
    ) -> Iterator[PlannedTask]:
        """Give the tasks of a sub-workflow once, or of the first of its rounds with what makes further ones."""
        ends = self._ends_of(found, sub, instance)
        repeat = ends.task.repeat
        if repeat is None:
            yield from self._instance(found, sub, prints, instance)
            return
        for each in self._instance(found, sub, prints, replace(instance, id=f"{instance.id}@1")):
            yield replace(each, lap=1) if each.id == f"{self._prefix}{instance.id}@1/{INPUTS}" else each
        again = self._instance(found, sub, prints, replace(instance, id=f"{instance.id}@*"))
        yield from ends.rounds(self._prefix + instance.id, self._placed(ends.until(), found), list(again), repeat)

    def _ends_of(self, found: CheckedTask, sub: Checked, instance: Instance) -> Ends:
        """Return what makes the ends of a sub-workflow, or of one item of it."""
        ends = self._ends(found, sub)
        collects = found.fan_out is not None and self.reader.on_item_error(found) == "collect"
        task = replace(ends.task, condition_is_per_item=False, bound=instance.bound)
        return replace(ends, task=replace(task, allow_failure=True) if collects else task)

    def _instance(
        self, found: CheckedTask, sub: Checked, prints: Fingerprints, instance: Instance
    ) -> Iterator[PlannedTask]:
        """Give the tasks of a sub-workflow, what makes its inputs first, and what makes its outputs last."""
        ends = self._ends_of(found, sub, instance)
        declared = declared_inputs(sub)
        values = InputValues(found, self.checked, sub, self.reader.settled, instance.bound)
        known = values.known(declared, self._is_early, partial(self._findings.find, code="FP255"))
        settled = self._settled(sub, known or {})
        has_entry = known is None or bool(found.needs) or found.condition is not None
        scope = self._scope_of(sub, settled, instance, may_fail=ends.task.allow_failure, has_entry=has_entry)
        if has_entry:
            entry = self._placed(ends.entry(scope, values.fingerprint(prints, declared)), found)
            yield replace(entry, id=f"{scope.prefix}{INPUTS}", part_of=scope.prefix.removesuffix("/"))
        reader = self.reader
        if sub.document is not None and sub.workflow is not None:
            reader = SettingReader(sub.document, settled, self.limits)
        dynamic = frozenset(declared) if known is None else frozenset()
        inner = replace(self, checked=sub, reader=reader, scope=scope, dynamic=dynamic)
        inner = replace(inner, in_finally=ends.in_finally, tidies=ends.tidies)
        ids = [f"{scope.prefix}{INPUTS}"] if has_entry else []
        yield from inner.with_end(ends, ids)
        self._findings.add(reader.found)

    def with_end(self, ends: Ends, ids: list[str]) -> Iterator[PlannedTask]:
        """Give all tasks of a sub-workflow and what it ends with, when they and `ids` are over."""
        scope, last, last_ids = self.scope, [], []
        assert scope is not None  # noqa: S101 - a sub-workflow has one
        for each in self.tasks():
            is_top = "/" not in each.id.removeprefix(scope.prefix)
            if each.tidies == scope.prefix.removesuffix("/"):
                last.append(each)
                last_ids += [each.id] if is_top else []
            else:
                yield each
                ids += [each.id] if is_top else []
        if not last:
            yield ends.exit(scope, ids)
            return
        *before, end = ends.closing(scope, ids, last_ids)
        yield from (*before, *last, end)

    def _scope_of(
        self, sub: Checked, settled: Settled, instance: Instance, *, may_fail: bool, has_entry: bool
    ) -> Scope:
        return Scope(
            prefix=f"{self._prefix}{instance.id}/",
            workflow_name=name_of(sub),
            workflow_dir=str(sub.folder),
            python_path=sub.python_path,
            inputs=settled.inputs,
            env=sub.env,
            env_file=settled.env_file,
            has_entry=has_entry,
            may_fail=may_fail or (self.scope is not None and self.scope.may_fail),
            file=sub.path,
        )

    def _ends(self, found: CheckedTask, sub: Checked) -> Ends:
        in_finally = self.in_finally or (self.scope is None and found.in_finally)
        task, tidies = self.make(found, self.reader), self._tidied_by(found)
        return Ends(found, task, self.checked, sub, self.scope, self.is_run, in_finally, tidies)

    @property
    def _findings(self) -> SubFindings:
        return SubFindings(self.checked, self.diagnostics)

    @property
    def _prefix(self) -> str:
        return "" if self.scope is None else self.scope.prefix

    def _late(
        self, found: CheckedTask, fan_out: CheckedFanOut, sub: Checked, prints: Fingerprints
    ) -> Iterator[PlannedTask]:
        """Give the task that makes the items, which has the tasks of one as a template, and what has their outputs."""
        ends, whole = self._ends(found, sub), self._prefix + found.id
        any_item = Instance(f"{found.id}[*]", Bound({}, ANY_ITEM, fan_out.is_product))
        of_one = tuple(alone(each, f"{whole}[*]") for each in self._body(found, sub, prints, any_item))
        task = ends.task
        condition = None if task.condition_is_per_item else task.condition
        bare = replace(task, condition=condition, reads=task.decides_on, bound=None)
        fingerprint = prints.of(found) if self.is_run else ""
        if self.is_run and fan_out.key is not None:
            fingerprint = digest((fingerprint, prints.of_lists(found)))
        placed = self._placed(replace(bare, fingerprint=fingerprint), found)
        items = ends.items(replace(placed, reads=placed.reads | placed.decides_on), fan_out, of_one)
        yield items
        # It reads what the items will be given, so that this is kept until they are there.
        given = items.reads | frozenset(self._prefix + name for name in task.reads)
        yield replace(ends.whole(()), needs=(items.id,), reads=given | {items.id})

    def _is_early(self, template: Template) -> bool:
        """Whether all that a template reads is known before the run."""
        return all(
            reference.context in {"workflow", "each", "matrix"}
            or (reference.context == "inputs" and reference.name is not None and reference.name not in self.dynamic)
            for reference in references(template)
        )

    def _settled(self, sub: Checked, values: Mapping[str, object]) -> Settled:
        workflow = {"name": name_of(sub), "dir": str(sub.folder)}
        if not self.is_run:
            return Settled(values, workflow)
        files = read_env_files(sub)
        self._findings.add(files.diagnostics)
        return Settled(values, workflow, {**os.environ, **files.variables}, files.variables)

    def _check_settings(self, found: CheckedTask) -> None:
        """Find a setting that reads an input which only the run will know."""
        for name, template in found.settings.items():
            if self.scope is not None and self._reads_inputs([template]):
                message = f'"{name}" of task "{found.id}" reads an input that is only known when the run gets there'
                hint = "write the value itself there, or give that input something that is known before the run"
                self._findings.find((found.home, found.id, *name.split(".")), "FP257", message, hint=hint)


def _size_of(sub: Checked) -> int:
    """Return how many tasks a file comes to, items of its own sub-workflows included where they are written there."""
    nothing, size = Settled({}, {}), len(sub.tasks)
    for task in sub.tasks.values():
        if task.sub is not None:
            items = 1 if task.fan_out is None else count_items(task.fan_out, nothing)
            size += (1 if items is None else items) * _size_of(task.sub)
    return size
