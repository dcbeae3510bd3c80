"""How long tasks take by earlier runs, and the paths that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.recipe import Expand
from flowpar.planning.cost import Costs
from flowpar.planning.model import FanOut
from flowpar.planning.template import Template
from flowpar.testing.simulation import plan_of, planned


@dataclass(frozen=True)
class Took:
    duration_s: float
    items: int | None = None
    item_s: float | None = None


@given(st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 20))), min_size=1, max_size=20))
def test_a_path_is_as_long_as_a_task_and_the_longest_path_after_it(drawn: list[tuple[float, set[int]]]) -> None:
    tasks = [planned(f"t{n}", *(f"t{need}" for need in needs if need < n)) for n, (_, needs) in enumerate(drawn)]
    costs = Costs.of({f"t{n}": Took(seconds) for n, (seconds, _) in enumerate(drawn)})

    weights = costs.timed(plan_of(tasks), 2).weights

    for number, task in enumerate(tasks):
        after = [weights[each.id] for each in tasks if task.id in each.needs]
        assert weights[task.id] == drawn[number][0] + max(after, default=0.0)


def test_what_no_run_has_is_as_long_as_the_others_and_a_plan_of_nothing_known_stays_as_it_is() -> None:
    plan = plan_of([planned("a"), planned("b", "a"), planned("c", "b")])

    assert Costs.of({"elsewhere": Took(9.0)}).timed(plan, 2) is plan
    costs = Costs.of({"a": Took(1.0), "b": Took(3.0), "elsewhere": Took(2.0)})
    assert costs.timed(plan, 2).weights == {"c": 2.0, "b": 5.0, "a": 6.0}
    assert [costs.knows(task) for task in "abc"] == [True, True, False]
    assert costs.timed(plan, 2).expected_s == 2.0


def test_items_go_side_by_side_as_far_as_they_may() -> None:
    costs = Costs.of({"many": Took(30.0, items=10, item_s=3.0)})

    assert costs.whole_s(planned("many", fan_out=FanOut({})), 4) == 9.0
    assert costs.whole_s(planned("many", fan_out=FanOut({}, max_parallel=2)), 4) == 15.0
    assert costs.whole_s(planned("many", fan_out=FanOut({}, items=4)), 4) == 3.0


def test_a_new_item_of_a_sub_workflow_takes_what_others_took() -> None:
    costs = Costs.of({"w[0]/fit": Took(2.0), "w[1]/fit": Took(4.0), "w[1]": Took(1.0), "w": Took(1.0)})
    template = Template("w", (planned("w[*]/fit"), planned("w[*]", "w[*]/fit")), Expand({}))

    assert costs.attempt_s("w[7]/fit") == 3.0
    assert costs.labels_of("w") == ["1"]
    weights = costs.timed(plan_of([planned("w/(items)", template=template), planned("w", "w/(items)")]), 2).weights
    assert weights["w/(items)"] == weights["w"] + costs.guess_s + 4.0
