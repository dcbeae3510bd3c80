"""A run that is predicted goes as the scheduler would let it go."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.recipe import Expand
from flowpar.expr.template import Constant
from flowpar.planning.cost import Costs
from flowpar.planning.model import Bounds, FanOut, Repeat
from flowpar.planning.template import Template
from flowpar.schedule.predict import Prediction, predict
from flowpar.schedule.resources import LIGHT, Pools
from flowpar.testing.simulation import plan_of, planned


@dataclass(frozen=True)
class Took:
    duration_s: float
    items: int | None = None
    item_s: float | None = None


def predicted(tasks: list[object], took: dict[str, Took], workers: int, pools: Pools | None = None) -> Prediction:
    costs, plan = Costs.of(took), plan_of(tasks)  # type: ignore[arg-type]  # planned() gives them
    return predict(costs.timed(plan, workers), costs, workers, pools=pools)


@given(
    st.lists(st.tuples(st.floats(0.5, 100), st.sets(st.integers(0, 20))), min_size=1, max_size=20), st.integers(1, 4)
)
def test_no_run_is_shorter_than_its_path_or_its_work_nor_longer_than_a_list_schedule_may_be(
    drawn: list[tuple[float, set[int]]], workers: int
) -> None:
    tasks = [planned(f"t{n}", *(f"t{need}" for need in needs if need < n)) for n, (_, needs) in enumerate(drawn)]
    took = {f"t{n}": Took(seconds) for n, (seconds, _) in enumerate(drawn)}

    found = predicted(list(tasks), took, workers)

    path_s, work_s = max(Costs.of(took).timed(plan_of(tasks), workers).weights.values()), sum(s for s, _ in drawn)
    assert max(path_s, work_s / workers) <= found.makespan_s + 1e-6
    assert found.makespan_s <= path_s + work_s / workers + 1e-6
    assert abs(found.work_s - work_s) < 1e-6
    assert found.ends.keys() == took.keys()


def test_the_longest_path_goes_first_in_seconds_and_not_in_tasks() -> None:
    tasks: list[object] = [planned("a"), planned("b", "a"), planned("c", "b"), planned("long")]
    took = {"a": Took(1.0), "b": Took(1.0), "c": Took(1.0), "long": Took(9.0)}

    found = predicted(tasks, took, 1)

    assert found.starts["long"] == 0.0
    assert found.makespan_s == 12.0


def test_items_are_as_many_as_before_and_no_more_at_once_than_may() -> None:
    took = {"many": Took(9.0, items=6, item_s=2.0), "after": Took(1.0)}
    after = planned("after", "many")

    assert predicted([planned("many", fan_out=FanOut({"x": Constant([])})), after], took, 3).makespan_s == 5.0
    bounded = planned("many", fan_out=FanOut({"x": Constant([])}, max_parallel=1))
    assert predicted([bounded, after], took, 3).makespan_s == 13.0


def test_fed_items_start_as_those_that_feed_them_end() -> None:
    took = {"first": Took(8.0, items=4, item_s=2.0), "second": Took(8.0, items=4, item_s=2.0)}
    first = planned("first", fan_out=FanOut({"x": Constant([])}))
    second = planned("second", "first", fan_out=FanOut({"x": Constant([])}, feeds={"x": "first"}))

    found = predicted([first, second], took, 4)

    assert found.makespan_s == 4.0
    assert predicted([first, second], took, 3).starts["second"] == 2.0


def test_what_a_function_yields_is_as_many_as_before() -> None:
    took = {"source": Took(3.0), "each": Took(6.0, items=3, item_s=2.0)}
    each = planned("each", "source", fan_out=FanOut({"x": Constant([])}, feeds={"x": "source"}))

    assert predicted([planned("source"), each], took, 3).makespan_s == 5.0


def test_a_sub_workflow_has_the_items_that_it_had() -> None:
    own = (
        planned("w[*]/fit", part_of="w[*]"),
        planned("w[*]", "w[*]/fit", kind="workflow", bounds=Bounds(1.0, "w", 2)),
    )
    items = planned("w/(items)", kind="items", template=Template("w", own, Expand({})))
    whole = planned("w", "w/(items)", kind="workflow", run_if="all_done", bounds=Bounds())
    names = {f"w[{n}]": Took(1.0) for n in range(4)} | {f"w[{n}]/fit": Took(4.0) for n in range(4)}

    found = predicted([items, whole], {"w/(items)": Took(1.0), "w": Took(1.0), **names}, 4)

    assert found.makespan_s == 12.0


def test_nothing_is_ended_before_its_time_and_what_asks_is_told_yes() -> None:
    task = planned("t", timeout_s=1.0, condition=Constant(value=True), repeat=Repeat(9))

    assert predicted([task], {"t": Took(5.0)}, 1).makespan_s == 5.0


def test_what_tasks_share_is_shared() -> None:
    tasks: list[object] = [planned(f"t{n}", resources={"api": 1}) for n in range(3)]
    pools = Pools({"cpu": 3, LIGHT: 0, "api": 1})

    assert predicted(tasks, {f"t{n}": Took(2.0) for n in range(3)}, 3, pools).makespan_s == 6.0


def test_threads_take_no_worker() -> None:
    tasks: list[object] = [planned("thread", executor="thread"), planned("process")]

    assert predicted(tasks, {"thread": Took(2.0), "process": Took(2.0)}, 1).makespan_s == 2.0
