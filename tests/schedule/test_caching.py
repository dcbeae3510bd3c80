"""Hits in the loop: what was made before is settled without an attempt, and everything else goes on as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.events import TaskEnded
from flowpar.core.frozen import dataclass
from flowpar.core.states import TaskState
from flowpar.data.cache_entry import Keeping
from flowpar.planning.model import Caching, FanOut
from flowpar.schedule.caching import Hit
from flowpar.testing.simulation import FakeDecisions, FakeItems, planned, play, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.execute.base import Completion
    from flowpar.execute.recipe import Bindings
    from flowpar.planning.model import PlannedTask


@dataclass(frozen=True, slots=True)
class FakeCache:
    """Has what some tasks and items came to."""

    kept: frozenset[tuple[str, int | None]]

    def find(
        self, task: PlannedTask, bindings: Bindings, *, number: Callable[[], int], may_hit: bool
    ) -> Hit | Keeping | None:
        del number
        if may_hit and (task.id, bindings.index) in self.kept:
            return Hit(value().value, "key", {}, ("before", task.id), 1.0)
        return Keeping("key", {}, "/nowhere")

    def heard(self, completion: Completion) -> Completion:
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
    wide = {each.id for each in tasks if each.fan_out is not None}

    played = play(
        tasks,
        decisions=FakeDecisions(items={name: FakeItems(counts[name]) for name in wide}),
        cache=FakeCache(kept),
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
