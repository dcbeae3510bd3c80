"""A plan is cut down to some tasks, all that they need, and finally."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import UsageError
from flowpar.expr.parse import parse_text
from flowpar.planning.select import select
from flowpar.testing.simulation import plan_of, planned

if TYPE_CHECKING:
    from flowpar.planning.model import Plan

IDS = {"tasks": ("a", "b", "c", "d", "tidy")}


def plan() -> Plan:
    tasks = [planned("a"), planned("b", "a"), planned("c"), planned("d", "b", "c"), planned("tidy", in_finally=True)]
    outputs = {
        "from_b": parse_text("${{ tasks.b.output }}", IDS),
        "from_c": parse_text("${{ [tasks.b.output, tasks.c.output] }}", IDS),
    }
    return plan_of(tasks, outputs=outputs)


def test_a_task_brings_all_that_it_needs_and_finally_and_leaves_out_outputs_of_others() -> None:
    found = select(plan(), ["b"])

    assert [(task.id, task.layer) for task in found.plan.tasks] == [("a", 0), ("b", 1), ("tidy", 2)]
    assert found.plan.layers == (("a",), ("b",), ("tidy",))
    assert list(found.plan.outputs) == ["from_b"]
    assert found.plan.outputs_read == {"b"}
    assert found.outputs == ("from_c",)


def test_no_names_leave_a_plan_as_it_is() -> None:
    whole = plan()

    assert select(whole, []).plan is whole


@pytest.mark.parametrize(
    ("name", "told"),
    [("bb", 'did you mean "b"?'), ("zebra", "its tasks are a, b, c, d"), ("tidy", "stands in finally")],
)
def test_a_name_that_is_none_of_them_is_refused(name: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        select(plan(), [name])

    assert told in f"{error.value.message}; {error.value.hint}"


@given(st.data())
def test_what_is_left_needs_nothing_that_is_not(data: st.DataObject) -> None:
    names = [f"t{number}" for number in range(data.draw(st.integers(1, 12)))]
    needs = {
        name: data.draw(st.lists(st.sampled_from(names[:place]), max_size=3)) if place else []
        for place, name in enumerate(names)
    }
    only = data.draw(st.lists(st.sampled_from(names), min_size=1))

    found = select(plan_of([planned(name, *dict.fromkeys(needs[name])) for name in names]), only).plan

    left = {task.id for task in found.tasks}
    assert set(only) <= left
    assert all(set(task.needs) <= left for task in found.tasks)
    needed = {need for task in found.tasks for need in task.needs}
    assert left == needed | set(only)
    assert [task.id for layer in found.layers for task in found.tasks if task.id in layer] == [
        t.id for t in found.tasks
    ]
