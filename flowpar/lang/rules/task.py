"""One task: its references, expressions, target, arguments and settings, read and checked in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.code.signature import Signature
from flowpar.core.frozen import dataclass, replace
from flowpar.core.types import ANY
from flowpar.expr.template import Constant
from flowpar.lang.checked import CheckedTask, Executors, Mention, NeededAt, Place
from flowpar.lang.rules.caching import read_caching, warn_of_passing_values
from flowpar.lang.rules.call import environment_of, read_call
from flowpar.lang.rules.condition import proven_by, read_condition
from flowpar.lang.rules.fanout import read_fan_out
from flowpar.lang.rules.feed import feeds_of
from flowpar.lang.rules.final import find_too_early, is_in_reach
from flowpar.lang.rules.item_key import read_item_key
from flowpar.lang.rules.lint import warn_of_implied_needs, warn_of_item_keys
from flowpar.lang.rules.resource import PREFIX, check_pools, resources_of_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.expr.template import Template
    from flowpar.lang.checked import CheckedCache, CheckedCall, CheckedFanOut
    from flowpar.lang.model import TaskModel, Workflow
    from flowpar.lang.rules.fanout import FanOut
    from flowpar.lang.rules.findings import Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import Surroundings, View
    from flowpar.lang.rules.setting import Settings
    from flowpar.lang.rules.target import Targets


_USUAL = Constant("all_success")
_NONE: frozenset[str] = frozenset()  # one for all: an empty one of their own takes 100,000 tasks 40 MB


@dataclass(frozen=True, slots=True)
class TaskRules:
    """Checks the tasks of one workflow; what it finds goes to `reading.findings`."""

    workflow: Workflow
    reading: Reading
    surroundings: Surroundings
    targets: Targets
    settings: Settings

    def check(self, task: str, index: int) -> tuple[CheckedTask, list[Mention]]:
        """Return a task, as far as it is right, and what its expressions mention."""
        model = self.workflow.tasks[task]
        path: Path = (model.home, task)
        surroundings = self.surroundings.over() if model.in_finally else self.surroundings
        fan_out, view = self._items(path, model, surroundings)
        condition = None
        if model.condition is not None:
            condition = read_condition(self.reading, (*path, "if"), model.condition, view)
            view = replace(view, present=proven_by(condition))
        deciding = self.reading.take_mentions()
        call, cache, working = self._working(path, model, view)
        settings = self._with_kinds_own(path, model, self.settings.of(path, model))
        mentions = [*deciding, *working, *self.reading.take_mentions()]
        checked = CheckedTask(
            task,
            index,
            model.kind,
            call,
            self._needs(task, model, mentions),
            reads=self._tasks_in(working),
            decides_on=self._tasks_in(deciding),
            condition=condition,
            condition_is_per_item=any(_is_per_item(mention) for mention in deciding),
            fan_out=None if fan_out is None else self._fed(fan_out.checked, model, mentions, settings),
            settings=settings,
            executors=self._executors(model),
            description=model.description or self.workflow.defaults.description or "",
            in_finally=model.in_finally,
            batch=self.workflow.defaults.batch if model.batch is None else model.batch,
            cache=cache,
            sub=None if self.targets.subs is None else self.targets.subs.checked(model),
        )
        warn_of_item_keys(self.reading.findings, path, model)
        warn_of_implied_needs(self.reading.findings, path, model, mentions)
        self._check_thread(path, model, checked)
        self._check_batch(path, model, checked)
        return checked, mentions

    def _items(self, path: Path, model: TaskModel, surroundings: Surroundings) -> tuple[FanOut | None, View]:
        """Read the items of a task, and return what its other values may read."""
        fan_out, view = None, surroundings.running()
        if model.for_each is not None or model.matrix is not None:
            fan_out = read_fan_out(self.reading, path, model, surroundings.spreading())
        elif self._is_written((*path, "for_each")) or self._is_written((*path, "matrix")):
            view = surroundings.without_items()
        if fan_out is not None:
            view = surroundings.of_items(fan_out.context, fan_out.types)
        if model.key is None:
            return fan_out, view
        key = read_item_key(self.reading, (*path, "key"), model.key, view, has_items=fan_out is not None)
        if fan_out is None:
            return None, view
        return replace(fan_out, checked=replace(fan_out.checked, key=key)), view.keyed()

    def _fed(
        self, fan_out: CheckedFanOut, model: TaskModel, mentions: Sequence[Mention], settings: Mapping[str, Template]
    ) -> CheckedFanOut:
        # Another rule asks how the whole of what it needs has ended; a key, what all the other keys are.
        waits = model.in_finally or settings.get("run_if", _USUAL) != _USUAL or fan_out.key is not None
        feeds = {} if fan_out.is_product or waits else feeds_of(fan_out.names, mentions, self._gives_items)
        return replace(fan_out, feeds=feeds) if feeds else fan_out

    def _gives_items(self, task: str) -> bool:
        """Whether a task has items one by one, and all of them where those that need it run."""
        model, defaults = self.workflow.tasks[task], self.workflow.defaults
        may_fail = defaults.allow_failure if model.allow_failure is None else model.allow_failure
        gives = model.for_each is not None or model.matrix is not None or self._yields(model)
        return not may_fail and model.kind != "workflow" and gives

    def _yields(self, model: TaskModel) -> bool:
        if model.repeat is not None:  # the rounds yield one list each
            return False
        source, found = self.targets.sources.get(model.kind), self.targets.find(model)
        if source is not None and source.options.streams:
            return True
        return isinstance(found, Signature) and found.is_generator and not found.is_async

    def _working(
        self, path: Path, model: TaskModel, view: View
    ) -> tuple[CheckedCall, CheckedCache | None, list[Mention]]:
        """Read what an attempt is made of, and what of that it reads itself."""
        call = self._call(path, model, view)
        cache = read_caching(
            self.reading, self.targets, path, model, call=call, defaults=self.workflow.defaults, view=view
        )
        working = self.reading.take_mentions()
        if cache is not None:
            warn_of_passing_values(self.reading.findings, working)
        return call, cache, working

    def _call(self, path: Path, model: TaskModel, view: View) -> CheckedCall:
        """Read what a worker reads: the call and its surroundings, and whether another round follows."""
        output = ANY if model.repeat is None else self.targets.output_of(model)
        view = view if model.repeat is None else view.repeated(output)
        call = read_call(self.reading, self.targets, path, model, view=view)
        env, cwd = environment_of(self.reading, path, model, self.workflow.defaults, view=view)
        until = None
        if model.repeat is not None:
            until = read_condition(self.reading, (*path, "repeat", "until"), model.repeat.until, view.asking(output))
        if not env and cwd is None and until is None:
            return call
        return replace(call, env={**env, **call.env}, cwd=cwd, until=until)

    def _task_meant(self, need: str) -> str | None:
        """Return the task that `tasks.a`, `a[0]` or a misspelt id was meant to name."""
        plain = need.removeprefix("tasks.").partition(".output")[0].partition("[")[0]
        return plain if plain in self.workflow.tasks else self.surroundings.tasks.names.nearest(need)

    def _needs(self, task: str, model: TaskModel, mentions: Iterable[Mention]) -> NeededAt:
        """Gather what a task needs, each once, by the first place that says so."""
        places: dict[str, Place | Mention] = {}
        for position, need in enumerate(model.needs):
            path = (model.home, task, "needs", position)
            if need not in self.workflow.tasks:
                near = self._task_meant(need)
                hint = f'did you mean "{near}"?' if near is not None else None
                message = f'task "{task}" needs "{need}", which is not a task'
                self.reading.findings.error("FP201", path, message, hint=hint)
            elif is_in_reach(self.reading.findings, self.workflow, (task, need), path):
                places.setdefault(need, Place(path))
        for mention in mentions:
            name = mention.reference.name
            if mention.reference.context != "tasks" or name is None or name not in self.workflow.tasks:
                continue
            if self.workflow.tasks[name].in_finally is model.in_finally:
                places.setdefault(name, mention)
            elif not model.in_finally:
                find_too_early(self.reading.findings, f'task "{task}"', mention)
        return NeededAt(self.reading.findings.document, places)

    def _tasks_in(self, mentions: Iterable[Mention]) -> frozenset[str]:
        names = [m.reference.name for m in mentions if m.reference.context == "tasks"]
        if not names:
            return _NONE
        return frozenset(name for name in names if name is not None and name in self.workflow.tasks)

    def _executors(self, model: TaskModel) -> Executors:
        source = self.targets.sources.get(model.kind)
        of_kind = None if source is None else source.options.executor
        return Executors(model.executor, self.workflow.defaults.executor, of_kind)

    def _with_kinds_own(self, path: Path, model: TaskModel, settings: Mapping[str, Template]) -> Mapping[str, Template]:
        """Add what the task type asks for, as far as neither the task nor `defaults` says how much."""
        of_kind = resources_of_kind(self.targets.sources.get(model.kind))
        own = {name: template for name, template in of_kind.items() if name not in settings}
        if not own:
            return settings
        asked = {name.removeprefix(PREFIX): template.value for name, template in own.items()}
        check_pools(self.reading.findings, path, asked, self.workflow.limits, place=(*path, model.kind))
        return {**own, **settings}

    def _is_written(self, place: Path) -> bool:
        return self.reading.findings.document.node(place) is not None

    def _check_batch(self, path: Path, model: TaskModel, checked: CheckedTask) -> None:
        """Find a `batch` for items that don't have processes of their own, or can't share one."""
        if model.batch is None:
            return
        executor = checked.executors.chosen()
        if executor == "pool":
            message = '"batch" is for items in processes of their own, and the workers of a pool stay as they are'
            self.reading.findings.key_error("FP213", (*path, "batch"), message, hint="leave it out")
        elif executor != "process":
            message = f'"batch" is for items in processes of their own, and the executor of the task is "{executor}"'
            self.reading.findings.key_error("FP213", (*path, "batch"), message, hint="leave one of the two out")
        elif "resources.memory" in checked.settings:
            message = '"batch" lets items share a process, and "memory" bounds that of each'
            self.reading.findings.key_error("FP213", (*path, "batch"), message, hint="leave one of the two out")

    def _check_thread(self, path: Path, model: TaskModel, checked: CheckedTask) -> None:
        """Find a python task that wants surroundings of its own, which threads share."""
        if checked.executors.chosen() != "thread":
            return
        if model.kind != "shell" and "resources.memory" in checked.settings:
            homes = [path] if model.resources is not None else [path, ("defaults",)]
            written = [place for place in ((*home, "resources", "memory") for home in homes) if self._is_written(place)]
            message = '"memory" can\'t be bounded for a task in a thread: all threads of a process share it'
            place = written[0] if written else (*path, model.kind)
            self.reading.findings.key_error("FP410", place, message, hint='take the executor "process"')
        if model.kind != "python":
            return
        for key, is_set in (("env", bool(checked.call.env)), ("cwd", checked.call.cwd is not None)):
            if is_set:
                home = path if getattr(model, key) is not None else ("defaults",)
                message = f'"{key}" can\'t be set for a python task in a thread: all threads of a process share it'
                hint = 'take the executor "process", or pass the value by "with"'
                self.reading.findings.key_error("FP410", (*home, key), message, hint=hint)


def _is_per_item(mention: Mention) -> bool:
    return mention.reference.context in {"each", "matrix"} and mention.path[-1] == "if"
