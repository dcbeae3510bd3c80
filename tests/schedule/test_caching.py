"""Hits in the loop: what was made before is settled without an attempt, and everything else goes on as ever."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import ExitCode
from flowpar.core.events import TaskEnded
from flowpar.core.frozen import dataclass, field
from flowpar.core.states import RunStatus, TaskState
from flowpar.data.cache_entry import Keeping
from flowpar.planning.model import Caching, FanOut
from flowpar.schedule.caching import Hit, Later
from flowpar.schedule.crew import Stop
from flowpar.testing.simulation import FakeDecisions, FakeItems, FakeStops, planned, play, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask
    from flowpar.schedule.caching import Found
    from flowpar.testing.crew import FakeCrew


@dataclass(slots=True)
class FakeCache:
    """Has what some tasks and items came to; says of those that are `slow` so many seconds later."""

    kept: frozenset[tuple[str, int | None]]
    slow: Mapping[tuple[str, int | None], float] = field(default_factory=dict)
    most_waiting: int = 0
    _crew: FakeCrew | None = None
    _waiting: dict[Later, Found] = field(default_factory=dict)
    _over: list[Later] = field(default_factory=list)

    def serve(self, crew: FakeCrew) -> None:
        self._crew = crew

    def find(self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool) -> Found | Later:
        del number
        key, found = (task.id, bindings.index), Keeping("key", {}, "/nowhere")
        told = Hit(value().value, "key", {}, ("before", task.id), 1.0) if may_hit and key in self.kept else found
        if self._crew is None or key not in self.slow:
            return told
        later = Later()
        self._waiting[later] = told
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        self._crew.at(self._crew.clock.monotonic() + self.slow[key], partial(self._over.append, later))
        return later

    def found(self) -> Sequence[tuple[Later, Found]]:
        over = [(later, self._waiting.pop(later)) for later in self._over if later in self._waiting]
        self._over.clear()
        return over

    def drop(self) -> None:
        self._waiting.clear()

    def heard(self, task: str, completion: Completion) -> Completion:
        del task
        return completion


def test_items_of_which_few_are_out_at_once_go_on_from_one_that_was_kept() -> None:
    task = planned("t", cache=Caching(), fan_out=FanOut({}, max_parallel=1))
    kept = frozenset({("t", 0), ("t", 2)})

    played = play([task], decisions=FakeDecisions(items={"t": FakeItems(4)}), cache=FakeCache(kept))

    submitted = [job.item for _, job in played.crew.submitted if job.task == "t"]
    assert (submitted, played.end.states["t"]) == ([1, 3], TaskState.SUCCEEDED)


def cached(name: str, *needs: str, items: bool = False) -> PlannedTask:
    fan_out = FanOut({}) if items else None
    return planned(name, *needs, cache=Caching(), fan_out=fan_out)


@given(st.data())
def test_each_task_ends_once_and_what_was_kept_is_never_submitted(data: st.DataObject) -> None:
    names = [f"t{number}" for number in range(data.draw(st.integers(1, 7)))]
    tasks: list[PlannedTask] = []
    every: list[tuple[str, int | None]] = []
    counts: dict[str, int] = {}
    for number, name in enumerate(names):
        needs = data.draw(st.sets(st.sampled_from(names[:number]), max_size=2)) if number else set()
        is_wide = data.draw(st.booleans())
        counts[name] = data.draw(st.integers(0, 5)) if is_wide else 0
        tasks.append(cached(name, *sorted(needs), items=is_wide))
        every += [(name, item) for item in range(counts[name])] if is_wide else [(name, None)]
    kept = frozenset(key for key in every if data.draw(st.booleans()))
    slow = {key: data.draw(st.floats(0.0, 3.0)) for key in every if data.draw(st.booleans())}
    cache = FakeCache(kept, slow)
    wide = {each.id for each in tasks if each.fan_out is not None}

    played = play(
        tasks,
        decisions=FakeDecisions(items={name: FakeItems(counts[name]) for name in wide}),
        cache=cache,
        prepare=cache.serve,
        workers=data.draw(st.integers(1, 3)),
    )

    ended = [(event.subject.task, event.subject.item) for event in played.sink.of(TaskEnded)]
    assert sorted(ended, key=repr) == sorted([*every, *((name, None) for name in wide)], key=repr)
    submitted = {(job.task, job.item) for _, job in played.crew.submitted if job.task != "outputs"}
    assert submitted == set(every) - kept
    for name in names:
        own = {key for key in every if key[0] == name}
        is_cached = bool(own) and own <= kept
        assert played.end.states[name] is (TaskState.CACHED if is_cached else TaskState.SUCCEEDED)


def test_other_tasks_run_while_a_look_up_waits_for_the_disk() -> None:
    tasks = [cached("slow"), planned("plain"), planned("after", "plain"), planned("below", "slow")]
    cache = FakeCache(frozenset({("slow", None)}), {("slow", None): 100.0})

    played = play(tasks, cache=cache, prepare=cache.serve, workers=1)

    ended = {event.subject.task: event.at - played.sink.events[0].at for event in played.sink.of(TaskEnded)}
    assert ended == {"plain": 1.0, "after": 2.0, "slow": 100.0, "below": 101.0}
    assert played.end.states["slow"] is TaskState.CACHED


def test_a_run_that_is_stopped_waits_for_no_look_up() -> None:
    tasks = [cached("slow"), cached("items", items=True), planned("below", "slow")]
    cache = FakeCache(frozenset(), {("slow", None): 1e6, ("items", 0): 1e6, ("items", 1): 0.5})
    stops = FakeStops()
    stop = Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True)

    def prepare(crew: FakeCrew) -> None:
        cache.serve(crew)
        crew.at(crew.clock.monotonic() + 3.0, partial(stops.ask, stop))

    played = play(
        tasks, decisions=FakeDecisions(items={"items": FakeItems(2)}), cache=cache, prepare=prepare, stops=stops
    )

    assert played.end.duration_s == 3.0
    assert set(played.end.states.values()) == {TaskState.CANCELLED}
    assert [(job.task, job.item) for _, job in played.crew.submitted] == [("items", 1)]


@pytest.mark.parametrize("count", [500, 10_000])
def test_of_many_slow_look_ups_some_wait_at_once_and_all_have_their_turn(count: int) -> None:
    cache = FakeCache(frozenset(), {("t", item): 0.01 * (item % 7) for item in range(count)})
    tasks = [cached("t", items=True), planned("plain")]

    played = play(tasks, decisions=FakeDecisions(items={"t": FakeItems(count)}), cache=cache, prepare=cache.serve)

    submitted = sorted(job.item for _, job in played.crew.submitted if job.task == "t" and job.item is not None)
    assert (submitted, cache.most_waiting) == (list(range(count)), 64)
    assert set(played.end.states.values()) == {TaskState.SUCCEEDED}
