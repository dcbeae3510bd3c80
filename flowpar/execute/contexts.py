"""What expressions can read: `inputs`, `env`, `secrets`, `tasks`, `each`, …; loaded when it is read.

    Shared + Bindings ─► build_contexts ─► evaluate(template, contexts)

Worker and engine use the same: they differ in `load`, which in the engine decodes plain data only
and raises NeedsWorker for anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass
from flowpar.core.outcome import ValueRef
from flowpar.execute.expansion import load_item
from flowpar.execute.recipe import INPUTS
from flowpar.expr.failure import EvaluationError, Missing

if TYPE_CHECKING:
    from flowpar.execute.recipe import Bindings, FailureView, Shared, TaskView

OutputKey = tuple[str, int | None]
Load = Callable[[ValueRef], object]
Fetch = Callable[[Sequence[OutputKey]], Sequence[ValueRef | None]]

_HAS_OUTPUT = frozenset({"succeeded", "cached"})
# A request takes as long as the looking up of a hundred outputs.
_MOST_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class ItemView:
    """`tasks.x.items[i]`."""

    status: str
    error: FailureView | None


class _Managed:
    """Looks up outputs of tasks without items: with the one that is read those that may be read next."""

    def __init__(self, views: Mapping[str, TaskView], fetch: Fetch) -> None:
        self.fetch = fetch
        self._views = views
        self._waiting: dict[str, None] | None = None
        self._found: dict[str, ValueRef | None] = {}

    def __call__(self, task: str) -> ValueRef | None:
        """Return the reference of an output, None where there is none; each is asked for once."""
        if task not in self._found:
            self._look_up(task)
        return self._found.pop(task)

    def _look_up(self, task: str) -> None:
        if self._waiting is None:
            views = self._views.items()
            self._waiting = {name: None for name, view in views if view.is_managed and view.item_states is None}
        self._waiting.pop(task, None)
        tasks = [task, *islice(self._waiting, _MOST_AT_ONCE - 1)]
        for each in tasks[1:]:
            del self._waiting[each]
        self._found.update(zip(tasks, self.fetch([(each, None) for each in tasks]), strict=True))


class _Task:
    """`tasks.x`; its output is loaded once, when it is first read."""

    def __init__(self, name: str, view: TaskView, load: Load, managed: _Managed, *, prefix: str = "") -> None:
        self._name = name
        self._id = prefix + name
        self._view = view
        self._load = load
        self._managed = managed
        self._loaded: list[object] = []

    @property
    def status(self) -> str:
        """Return the name of the task's state."""
        return self._view.status

    @property
    def error(self) -> FailureView | None:
        """Return why the task failed, None where it did not."""
        return self._view.error

    @property
    def items(self) -> list[ItemView]:
        """Return how each item of a fan-out ended: none of one that was skipped, or failed before it had any."""
        errors = self._view.item_errors
        return [ItemView(state, errors.get(index)) for index, state in enumerate(self._view.item_states or ())]

    @property
    def output(self) -> object:
        """Return the output; Missing where there is none."""
        if not self._loaded:
            self._loaded.append(self._open())
        return self._loaded[0]

    def _open(self) -> object:
        view = self._view
        if view.output is not None:
            return self._value(view.output, "")
        if view.item_outputs is not None:
            return self._values(view.item_outputs)
        if not view.is_managed:
            raise Missing(f'task "{self._name}" has no output: it is {view.status}')
        if view.item_states is None:
            return self._value(self._managed(self._id), "")
        return self._gather(view.item_states)

    def _gather(self, states: Sequence[str]) -> list[object]:
        there = [index for index, state in enumerate(states) if state in _HAS_OUTPUT]
        refs: list[ValueRef | None] = [None] * len(states)
        for index, ref in zip(there, self._managed.fetch([(self._id, index) for index in there]), strict=True):
            if ref is None:
                raise EvaluationError(f'the output of task "{self._name}" (item {index}) is no longer there')
            refs[index] = ref
        return self._values(refs)

    def _values(self, refs: Sequence[ValueRef | None]) -> list[object]:
        return [None if ref is None else self._value(ref, f" (item {index})") for index, ref in enumerate(refs)]

    def _value(self, ref: ValueRef | None, place: str) -> object:
        if ref is None:
            raise EvaluationError(f'the output of task "{self._name}"{place} is no longer there')
        return _loaded(ref, f'task "{self._name}"{place}', self._load)


def _loaded(ref: ValueRef, owner: str, load: Load) -> object:
    try:
        return load(ref)
    except (NeedsWorker, EvaluationError, MemoryError):
        raise
    except Exception as error:  # decoding runs code of the user's classes
        what = f"the output of {owner} cannot be read"
        raise EvaluationError(f"{what}: {type(error).__name__}: {error}") from error


class _Tasks(Mapping[str, _Task]):
    """`tasks`."""

    def __init__(self, views: Mapping[str, TaskView], load: Load, fetch: Fetch, *, prefix: str = "") -> None:
        managed = _Managed(views, fetch)
        names = {name.removeprefix(prefix): view for name, view in views.items()}
        self._tasks = {name: _Task(name, view, load, managed, prefix=prefix) for name, view in names.items()}

    def __getitem__(self, name: str) -> _Task:
        return self._tasks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)


class _Inputs(Mapping[str, object]):
    """`inputs` of a sub-workflow that other tasks give; loaded when one of them is first read."""

    def __init__(self, made: _Task) -> None:
        self._made = made

    def _values(self) -> Mapping[str, object]:
        values = self._made.output
        return values if isinstance(values, Mapping) else {}

    def __getitem__(self, name: str) -> object:
        return self._values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())


class _Contexts(dict[str, object]):
    """The contexts by name; the last round's output is loaded when it is first read."""

    def __init__(self, contexts: Mapping[str, object], previous: ValueRef | None, load: Load) -> None:
        super().__init__(contexts)
        self._previous = previous
        self._load = load

    def __missing__(self, name: str) -> object:
        if name != "previous":
            raise KeyError(name)
        self[name] = None if self._previous is None else _loaded(self._previous, "the last round", self._load)
        return self[name]


def with_output(contexts: Mapping[str, object], output: object) -> Mapping[str, object]:
    """Return contexts in which an `until` is asked of an output."""
    if not isinstance(contexts, _Contexts):
        return {**contexts, "output": output}
    contexts["output"] = output
    return contexts


class _Each(Mapping[str, object]):
    """`each` or `matrix`: the values of one item, decoded when they are read."""

    def __init__(self, items: Mapping[str, bytes], load: Load, told: Mapping[str, object]) -> None:
        self._items = items
        self._load = load
        self._loaded = {name: value for name, value in told.items() if value is not None and name not in items}

    def __getitem__(self, name: str) -> object:
        if name not in self._loaded:
            self._loaded[name] = load_item(self._items[name], self._load)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._items, **self._loaded})

    def __len__(self) -> int:
        return len({**self._items, **self._loaded})


def build_contexts(
    shared: Shared, bindings: Bindings, *, load: Load, fetch: Fetch, environment: Mapping[str, str]
) -> Mapping[str, object]:
    """Return the contexts of one attempt; nothing is loaded until an expression reads it.

    `environment` is that of the task before its own `env`. `fetch` looks up managed outputs.
    """
    tasks = _Tasks(bindings.tasks, load, fetch, prefix="" if bindings.scope is None else bindings.scope.prefix)
    contexts: dict[str, object] = {
        "inputs": _Inputs(tasks[INPUTS]) if INPUTS in tasks else shared.inputs,
        "env": environment,
        "secrets": shared.secrets,
        "tasks": tasks,
        "run": {"id": shared.run_id, "dir": shared.run_dir, **bindings.run},
        "workflow": {"name": shared.workflow_name, "dir": shared.workflow_dir},
    }
    if bindings.each or bindings.index is not None:
        names = {} if bindings.is_matrix else bindings.each
        contexts["each"] = _Each(names, load, {"index": bindings.index, "key": bindings.key})
    if bindings.is_matrix:
        contexts["matrix"] = _Each(bindings.each, load, {})
    return _Contexts(contexts, bindings.previous, load) if bindings.round else contexts
