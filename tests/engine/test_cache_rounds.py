"""Rounds, sub-workflows and the workflow's outputs that were made before are not made again, by real runs."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from flowpar.core.events import RunNoted, TaskStarted
from flowpar.testing.fixtures import run_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.testing.fixtures import RunWorkflow, WorkflowRun

__all__ = ["run_workflow"]
pytestmark = pytest.mark.timeout(180)
STEPS = """
from dataclasses import dataclass


@dataclass
class State:
    at: int


def step(before, by: int) -> State:
    return State((0 if before is None else before.at) + by)


def double(n: int) -> int:
    return 2 * n
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> Path:
    """Return a folder with a step and a function."""
    (tmp_path / "steps.py").write_text(STEPS)
    return tmp_path


def rounds(run: WorkflowRun) -> list[tuple[int | None, int]]:
    """Return of which items and rounds attempts began."""
    return [(each.subject.item, each.subject.round) for each in run.events if isinstance(each, TaskStarted)]


def attempts(run: WorkflowRun) -> list[str]:
    return [event.subject.task for event in run.events if isinstance(event, TaskStarted)]


REPEAT = """
    flowpar: 1
    tasks:
      climb:
        python: steps:step
        with: {before: "${{ previous }}", by: 2}
        repeat: {until: output.at >= 6, max: 9}
        cache: true
    outputs: {all: "${{ tasks.climb.output.at }}"}
"""


def test_each_round_is_known_by_the_one_before(run_workflow: RunWorkflow) -> None:
    first, second = run_workflow(REPEAT), run_workflow(REPEAT)

    assert (first.outputs, rounds(first)) == ({"all": 6}, [(None, 1), (None, 2), (None, 3)])
    assert (second.outputs, rounds(second), second.states) == ({"all": 6}, [], {"climb": "cached"})


def test_rounds_that_were_too_few_are_gone_on_from(run_workflow: RunWorkflow) -> None:
    few = REPEAT.replace("max: 9", "max: 2")

    failed, again = run_workflow(few), run_workflow(few)
    taken = run_workflow(few.replace("max: 2", "max: 2, on_max: succeed"))
    more, over = run_workflow(REPEAT), run_workflow(REPEAT)

    assert (len(rounds(failed)), rounds(again), failed.states, again.states) == (
        2,
        [],
        {"climb": "failed"},
        {"climb": "failed"},
    )
    assert (taken.outputs, rounds(taken)) == ({"all": 4}, [])
    assert (more.outputs, rounds(more), more.states) == ({"all": 6}, [(None, 3)], {"climb": "succeeded"})
    assert (over.outputs, rounds(over)) == ({"all": 6}, [])


def test_items_that_repeat_are_known_one_by_one(run_workflow: RunWorkflow) -> None:
    items = """
        flowpar: 1
        tasks:
          climb:
            python: steps:step
            for_each: [2, 3]
            with: {before: "${{ previous }}", by: "${{ each.item }}"}
            repeat: {until: output.at >= 6, max: 2}
            on_item_error: collect
            cache: true
        outputs: {all: "${{ [None if x is None else x.at for x in tasks.climb.output] }}"}
    """
    first, second = run_workflow(items), run_workflow(items)
    more = run_workflow(items.replace("[2, 3]", "[3, 6]"))

    assert (first.outputs, len(rounds(first))) == ({"all": [None, 6]}, 4)
    assert (second.outputs, rounds(second)) == ({"all": [None, 6]}, [])
    assert (more.outputs, rounds(more)) == ({"all": [6, 6]}, [(1, 1)])


def test_a_poll_is_not_cached_by_defaults(run_workflow: RunWorkflow) -> None:
    poll = """
        flowpar: 1
        defaults: {cache: true}
        tasks:
          wait:
            shell: {run: "echo . >> seen; wc -l < seen", capture: json}
            repeat: {until: output >= 2, max: 9}
    """
    assert [len(rounds(run_workflow(poll))) for _ in range(2)] == [2, 1]


PARTS = """
    flowpar: 1
    defaults: {cache: true}
    tasks:
      list:
        python: {script: "output = [1, 2, 3]"}
      each:
        workflow: part.yaml
        for_each: ${{ tasks.list.output }}
        key: each.item
        with: {n: "${{ each.item }}"}
      climb:
        workflow: climb.yaml
        with: {n: "${{ default(previous.n, 1) }}"}
        repeat: {until: output.n >= 8, max: 9}
    outputs:
      all: ${{ [part.y for part in tasks.each.output] + [tasks.climb.output.n] }}
"""
PART = """
    flowpar: 1
    defaults: {cache: true}
    inputs: {n: {type: integer}}
    tasks:
      double: {python: steps:double, with: {n: "${{ inputs.n }}"}}
    outputs: {NAME: "${{ tasks.double.output }}"}
"""


def test_what_passes_values_on_in_sub_workflows_is_known_too(run_workflow: RunWorkflow, project: Path) -> None:
    (project / "part.yaml").write_text(dedent(PART.replace("NAME", "y")))
    (project / "climb.yaml").write_text(dedent(PART.replace("NAME", "n")))

    first, second = run_workflow(PARTS), run_workflow(PARTS)
    (project / "steps.py").write_text(STEPS.replace("2 * n", "2 * n + 1"))
    third = run_workflow(PARTS)

    assert first.outputs == second.outputs == {"all": [2, 4, 6, 8]}
    assert attempts(second) == []
    assert not [event for event in second.events if isinstance(event, RunNoted)]
    assert third.outputs == {"all": [3, 5, 7, 15]}
    # What is given to the first round and to the items is as it was.
    assert {"list", "each/(items)", "climb@1/(inputs)"}.isdisjoint(attempts(third))


def test_outputs_are_made_anew_where_the_class_of_a_value_is_another(run_workflow: RunWorkflow, project: Path) -> None:
    text = """
        flowpar: 1
        tasks:
          made:
            python: {script: "from steps import State; output = State(3)"}
            cache: {version: 1}
          other: {python: steps:double, with: {n: 1}, cache: true}
        outputs: {all: "${{ tasks.made.output }}", n: "${{ tasks.other.output }}"}
    """
    first, second = run_workflow(text), run_workflow(text)
    (project / "steps.py").write_text(STEPS.replace("    at: int\n", "    at: int\n    of: int = 7\n"))
    third = run_workflow(text)

    assert first.outputs == second.outputs == {"all": {"at": 3}, "n": 2}
    assert third.outputs == {"all": {"at": 3, "of": 7}, "n": 2}
