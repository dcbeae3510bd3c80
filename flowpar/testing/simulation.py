"""A whole run in virtual time: the real loop with a fake crew, clock, sink and fake decisions.

    planned(...) ─► play(tasks, script) ─► Played(end, sink, crew, clock)

Nothing is started and nothing sleeps, so a run of many hours takes milliseconds.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.execute.base import Reported
from flowpar.execute.expansion import digest_of
from flowpar.execute.recipe import Call
from flowpar.execute.yielded import pack
from flowpar.planning.graph import build_graph, layers_of, weights_of
from flowpar.planning.model import Plan, PlannedTask
from flowpar.schedule.decision import NOT_HERE, NOTHING_KNOWN
from flowpar.schedule.loop import Loop
from flowpar.schedule.run import RunEnd, RunOptions
from flowpar.testing.clock import FakeClock
from flowpar.testing.crew import FakeCrew, Scripted
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.events import RunSink
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Bindings, TaskView
    from flowpar.expr.template import Template
    from flowpar.schedule.caching import Cache
    from flowpar.schedule.crew import Stop, StopRequests
    from flowpar.schedule.decision import Items, NotHere

_SEED = 7


@dataclass(frozen=True, slots=True)
class FakeItems:
    """So many items, all with the same names, bound to nothing that could be read, or to `values`."""

    count: int
    verdicts: Sequence[bool] | None = None
    names: Sequence[str] = ()
    keys: Sequence[str | float] | None = None
    values: Sequence[bytes] | None = None

    def item(self, index: int) -> Mapping[str, bytes]:
        """Return the names, bound to the value of the item where it has one."""
        return dict.fromkeys(self.names, b"" if self.values is None else self.values[index])

    def digest(self, index: int) -> str:
        """Return a digest of what the names are bound to, empty where that could not be read."""
        return digest_of(self.item(index))

    def moved(self, keys: Sequence[str | float]) -> FakeItems:
        """Return the same items where their keys stand now, and more of them where there are more keys."""
        told = dict(zip(self.keys or (), self.verdicts or (), strict=False))
        verdicts = None if self.verdicts is None else [told.get(key, True) for key in keys]
        return replace(self, count=len(keys), verdicts=verdicts, keys=keys)


@dataclass(slots=True)
class FakeDecisions:
    """Decides what it was told for each task; `at_worker` are decisions that only workers take.

    `yielded` has what functions yielded, and `late` the lists that tasks made, by the text of their output.
    """

    verdicts: Mapping[str, bool | Failure] = field(default_factory=dict)
    items: Mapping[str, Items | Failure] = field(default_factory=dict)
    at_worker: frozenset[str] = frozenset()
    yielded: Mapping[str, Sequence[ValueRef]] = field(default_factory=dict)
    late: Mapping[str, Items] = field(default_factory=dict)

    def judge(
        self,
        task: PlannedTask,
        views: Mapping[str, TaskView],  # noqa: ARG002 - the protocol's
        *,
        run: Mapping[str, object] = NOTHING_KNOWN,  # noqa: ARG002 - the same
    ) -> bool | Failure | NotHere:
        """Return the verdict of a task."""
        return NOT_HERE if task.id in self.at_worker else self.verdicts[task.id]

    def judge_item(self, task: PlannedTask, bindings: Bindings) -> bool | Failure | NotHere:
        """Return the verdict of an item, true unless the task's items say otherwise."""
        if task.id in self.at_worker:
            return NOT_HERE
        return self._verdict(task.id, bindings.index or 0)

    def expand(
        self,
        task: PlannedTask,
        views: Mapping[str, TaskView],  # noqa: ARG002 - the protocol's
        *,
        run: Mapping[str, object] = NOTHING_KNOWN,  # noqa: ARG002 - the same
    ) -> Items | Failure | NotHere:
        """Return the items of a task."""
        return NOT_HERE if task.id in self.at_worker else self.items[task.id]

    def count_yielded(self, ref: ValueRef) -> int | None:
        """Return how many values the task has yielded that the value is named after."""
        found = self.yielded.get(_text(ref))
        return None if found is None else len(found)

    def read_yielded(self, ref: ValueRef) -> Sequence[ValueRef] | Failure:
        """Return those values."""
        return self.yielded[_text(ref)]

    def read_judged(self, ref: ValueRef) -> bool | Failure:
        """Return the verdict of the task, or the item of it ("task/item"), that the value is named after."""
        task, _, item = _text(ref).partition("/")
        return self._verdict(task, int(item)) if item else self.verdicts[task]

    def _verdict(self, task: str, item: int) -> bool | Failure:
        found = self.items.get(task)
        if found is None or isinstance(found, Failure) or found.verdicts is None:
            return True
        return found.verdicts[item % len(found.verdicts)]

    def read_expanded(self, ref: ValueRef) -> Items | Failure:
        """Return the list that the value is, or the items of the task that it is named after."""
        text = _text(ref)
        return self.late[text] if text in self.late else self.items[text]

    def read_rendered(self, ref: ValueRef) -> str | Failure:
        """Return the text of the value."""
        return _text(ref)


@dataclass(slots=True)
class FakeStops:
    """Stops that a test asks for."""

    wanted: list[Stop] = field(default_factory=list)

    def ask(self, stop: Stop) -> None:
        """Ask for a stop."""
        self.wanted.append(stop)

    def take(self) -> Sequence[Stop]:
        """Return what was asked for since the last time."""
        taken, self.wanted = self.wanted, []
        return taken


@dataclass(frozen=True, slots=True)
class Played:
    """A run that is over, and all that was seen of it."""

    end: RunEnd
    sink: RecordingSink
    crew: FakeCrew
    clock: FakeClock


def value(text: str = "", *, is_last: bool = True) -> Success:
    """Return a success whose value is `text`, encoded as no real value is; `is_last` is for rounds of a repeat."""
    return Success(ValueRef(len(text), "none:", is_plain=True, inline=text.encode()), is_last=is_last)


def part_of(task: str, index: int) -> ValueRef:
    """Return a value that a task yields."""
    text = f"{task}#{index}".encode()
    return ValueRef(len(text), f"none:{task}#{index}", is_plain=True, inline=text)


def yielding(index: int, ref: ValueRef) -> Reported:
    """Return what an attempt tells of a value that it yields."""
    return Reported(0, "item", {"index": index, "value": pack(ref)})


def raised(kind: str = "ValueError", message: str = "no") -> Failure:
    """Return the failure of an attempt that raised."""
    return Failure(FailureKind.EXCEPTION, kind, message)


def drawn_as(task: str) -> str:
    """Return what a task of an item of a sub-workflow is called in the template that it was made from."""
    return re.sub(r"\[[^\[\]]*\]", "[*]", task)


def planned(task: str, *needs: str, **changes: object) -> PlannedTask:
    """Return a task that needs others; `changes` are further fields of `PlannedTask`."""
    plain = PlannedTask(task, 0, "python", 0, "process", Call("steps:run", {}), needs=needs)
    return replace(plain, **changes)  # type: ignore[arg-type]  # checked by the dataclass


def plan_of(
    tasks: Sequence[PlannedTask],
    *,
    outputs: Mapping[str, Template] | None = None,
    limits: Mapping[str, float] | None = None,
) -> Plan:
    """Return a plan of tasks that are given in file order."""
    graph = build_graph({task.id: task.needs for task in tasks})
    parts = [{task.id: task.needs for task in tasks if task.in_finally is late} for late in (False, True)]
    layers = tuple(layer for part in parts for layer in layers_of(build_graph(part)))
    order = [task for layer in layers for task in layer]
    layer_of = {task: number for number, layer in enumerate(layers) for task in layer}
    placed = {task.id: replace(task, index=index, layer=layer_of[task.id]) for index, task in enumerate(tasks)}
    return Plan(
        workflow="simulated",
        file="workflow.yaml",
        workflow_dir="/nowhere",
        description="",
        tasks=tuple(placed[task] for task in order),
        layers=layers,
        weights=weights_of(graph, order),
        inputs={},
        outputs=outputs or {},
        env={},
        env_file={},
        python_path=(),
        limits=limits or {},
    )


def play(
    plan: Plan | Sequence[PlannedTask],
    script: Callable[[Job], Scripted] = lambda _: Scripted(value()),
    *,
    workers: int = 2,
    decisions: FakeDecisions | None = None,
    options: RunOptions | None = None,
    stops: StopRequests | None = None,
    prepare: Callable[[FakeCrew], None] = lambda _: None,
    sink: RunSink | None = None,
    remove: Callable[[Sequence[ValueRef]], None] | None = None,
    cache: Cache | None = None,
) -> Played:
    """Run a plan, or tasks in file order, to its end; `prepare` may schedule actions of the crew."""
    clock, recording = FakeClock(), RecordingSink()
    crew = FakeCrew(script, clock, workers=workers)
    prepare(crew)
    loop = Loop(
        plan if isinstance(plan, Plan) else plan_of(plan),
        crew,
        sink or recording,
        clock,
        decisions=decisions or FakeDecisions(),
        options=options or RunOptions("run", "/nowhere/run", workers=workers),
        random=random.Random(_SEED).random,  # noqa: S311 - the same each time, and no secret
        stops=stops,
        remove=remove,
        cache=cache,
    )
    return Played(loop.run(), recording, crew, clock)


def _text(ref: ValueRef) -> str:
    return (ref.inline or b"").decode()
