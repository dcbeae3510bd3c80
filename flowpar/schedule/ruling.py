"""Decisions of the engine: plain data only, of bounded size, in bounded time; the rest is a worker's.

    if, for_each, matrix ─► contexts of plain values ─► evaluate ─┬─► verdict, items
                                                                  └─► NOT_HERE

Nothing here runs code of the user's or opens a value of their classes. What evaluates is imported at the
first decision: many runs have nothing to decide, and it is a twentieth of what a start imports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from flowpar.core.errors import InternalError, NeedsWorker
from flowpar.core.outcome import Failure, FailureKind, TaskFailed
from flowpar.execute.expansion import Expansion
from flowpar.schedule.decision import NOT_HERE, NOTHING_KNOWN
from flowpar.schedule.job import bindings_of
from flowpar.schedule.opening import expansion_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.core.outcome import ValueRef
    from flowpar.data.store import ValueStore
    from flowpar.execute.recipe import Bindings, Shared, TaskView
    from flowpar.expr.template import Template
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.crew import OutputKey
    from flowpar.schedule.decision import Items, NotHere

_LARGEST_VALUE_BYTES = 1 << 20
_MOST_OUTPUTS = 1_000
T = TypeVar("T")


class OutputsReader(Protocol):
    """Where the managed outputs are looked up."""

    def fetch(self, keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
        """Return where outputs live."""
        ...


class WorkerEnvironment(Mapping[str, str]):
    """The environment of tasks, which only workers know: whoever reads it here is sent there."""

    def __getitem__(self, name: str) -> str:
        """Leave it to a worker."""
        raise NeedsWorker(f"env.{name} is read in a worker")

    def __iter__(self) -> Iterator[str]:
        """Leave it to a worker."""
        raise NeedsWorker("env is read in a worker")

    def __len__(self) -> int:
        """Leave it to a worker."""
        raise NeedsWorker("env is read in a worker")


class EngineDecisions:
    """Decides what is cheap and harmless here."""

    def __init__(self, shared: Shared, store: ValueStore, outputs: Callable[[], OutputsReader]) -> None:
        """Read values from `store`; `outputs` gives the managed ones, and is asked only where one is read."""
        self._shared = shared
        self._store = store
        self._outputs = outputs

    def judge(
        self, task: PlannedTask, views: Mapping[str, TaskView], *, run: Mapping[str, object] = NOTHING_KNOWN
    ) -> bool | Failure | NotHere:
        """Evaluate the `if` of a task."""
        condition = task.condition
        if condition is None:
            raise InternalError(f'task "{task.id}" has no condition')
        return self._judge(condition, bindings_of(task, views, run))

    def judge_item(self, task: PlannedTask, bindings: Bindings) -> bool | Failure | NotHere:
        """Evaluate the `if` of a task for one of its items."""
        condition = task.condition
        if condition is None:
            raise InternalError(f'task "{task.id}" has no condition')
        return self._judge(condition, bindings)

    def expand(
        self, task: PlannedTask, views: Mapping[str, TaskView], *, run: Mapping[str, object] = NOTHING_KNOWN
    ) -> Items | Failure | NotHere:
        """Evaluate the items of a fan-out."""
        if task.fan_out is None:
            raise InternalError(f'task "{task.id}" has no items')
        from flowpar.execute.decide import expand
        from flowpar.expr.evaluate import IN_ENGINE

        recipe = expansion_of(task, task.fan_out)
        return self._rule(lambda contexts: expand(recipe, contexts, limits=IN_ENGINE), bindings_of(task, views, run))

    def count_yielded(self, ref: ValueRef) -> int | None:
        """Return how many values were yielded of which this is the output; None where it is anything else."""
        try:
            return self._store.count(ref)
        except Exception:  # noqa: BLE001 - a damaged or planted file must not end the run
            return None

    def read_yielded(self, ref: ValueRef) -> Sequence[ValueRef] | Failure:
        """Return the values that a function has yielded, unopened."""
        try:
            return self._store.parts(ref)
        except Exception as error:  # noqa: BLE001 - the same
            return Failure(FailureKind.EXPRESSION, type(error).__name__, f"for_each: what was yielded is lost: {error}")

    def read_judged(self, ref: ValueRef) -> bool | Failure:
        """Return what a worker's Judge came to."""
        verdict = self._read(ref)
        return verdict if isinstance(verdict, bool | Failure) else _strange("if")

    def read_expanded(self, ref: ValueRef) -> Items | Failure:
        """Return what a worker's Expand came to."""
        found = self._read(ref)
        return found if isinstance(found, Failure) else Expansion.opened(found, ref)

    def read_rendered(self, ref: ValueRef) -> str | Failure:
        """Return what a worker's Render came to."""
        text = self._read(ref)
        return text if isinstance(text, str | Failure) else _strange("outputs")

    def _judge(self, condition: Template, bindings: Bindings) -> bool | Failure | NotHere:
        from flowpar.execute.decide import judge
        from flowpar.expr.evaluate import IN_ENGINE

        return self._rule(lambda contexts: judge(condition, contexts, limits=IN_ENGINE), bindings)

    def _rule(self, decide: Callable[[Mapping[str, object]], T], bindings: Bindings) -> T | Failure | NotHere:
        from flowpar.execute.contexts import build_contexts

        shared = self._shared if bindings.scope is None else bindings.scope.within(self._shared)
        contexts = build_contexts(shared, bindings, load=self._load, fetch=self._fetch, environment=WorkerEnvironment())
        try:
            return decide(contexts)
        except NeedsWorker:
            return NOT_HERE
        except TaskFailed as failed:
            return failed.failure

    def _load(self, ref: ValueRef) -> object:
        if ref.size_bytes > _LARGEST_VALUE_BYTES:
            raise NeedsWorker("a large value is read in a worker")
        return self._store.get_plain(ref)

    def _fetch(self, keys: Sequence[OutputKey]) -> Sequence[ValueRef | None]:
        if len(keys) > _MOST_OUTPUTS:
            raise NeedsWorker("many outputs are read in a worker")
        return self._outputs().fetch(keys)

    def _read(self, ref: ValueRef) -> object:
        """Return a value that a worker of ours made; its file may be lost all the same."""
        try:
            return self._store.get_plain(ref)
        except Exception as error:  # noqa: BLE001 - a damaged or planted file must not end the run
            message = f"what a worker decided cannot be read: {error}"
            return Failure(FailureKind.EXPRESSION, type(error).__name__, message)


def _strange(what: str) -> Failure:
    return Failure(FailureKind.EXPRESSION, "", f"{what}: what a worker decided is of the wrong kind")
