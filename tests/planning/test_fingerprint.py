"""What makes another task of a task, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.model import PlannedTask

STEPS = (
    "def add(x: int, y: int = 0) -> int:\n    return x + y\n\ndef plus(x: int, y: int = 0) -> int:\n    return x + y\n"
)
WORKFLOW = """flowpar: 1
name: sums
inputs: {n: 1, other: 2}
env: {ROOT: here}
tasks:
  one:
    python: steps:add
    with: {x: "${{ inputs.n }}", y: 3}
  each:
    for_each: {i: [1, 2, 3]}
    if: ${{ each.i > 0 }}
    python: steps:add
    with: {x: "${{ each.i }}"}
    env: {WHO: me}
    retry: 2
  told:
    shell: echo "$WHO"
    env: {WHO: "${{ tasks.one.output }}"}
"""


def tasks_of(folder: Path, workflow: str = WORKFLOW, *, steps: str = STEPS, **inputs: str) -> dict[str, PlannedTask]:
    (folder / "steps.py").write_text(steps)
    file = folder / "workflow.yaml"
    file.write_text(workflow)
    prepared = prepare(file, registry=Registry(allows_plugins=False), given=GivenInputs(texts=inputs))
    assert prepared.plan is not None, [finding.message for finding in prepared.diagnostics]
    return {task.id: task for task in prepared.plan.tasks}


def changed(folder: Path, workflow: str, **inputs: str) -> set[str]:
    before, after = tasks_of(folder), tasks_of(folder, workflow, **inputs)
    return {name for name, task in after.items() if task.fingerprint != before[name].fingerprint}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("y: 3", "y: 4", {"one"}),
        ('with: {x: "${{ inputs.n }}", y: 3}', 'with: {y: 3, x: "${{ inputs.n }}"}', set()),
        ('with: {x: "${{ inputs.n }}", y: 3}', 'with: {y: 3, x: "${{ inputs.other }}"}', {"one"}),
        ('python: steps:add\n    with: {x: "${{ inputs', 'python: steps:plus\n    with: {x: "${{ inputs', {"one"}),
        ("[1, 2, 3]", "[1, 2, 3, 4]", {"each"}),
        ("each.i > 0", "each.i > 1", {"each"}),
        ("WHO: me", "WHO: you", {"each"}),
        ('echo "$WHO"', 'echo "${WHO}"', {"told"}),
        ("{ROOT: here}", "{ROOT: there}", {"one", "each", "told"}),
        ("retry: 2", "retry: 5\n    timeout: 3s\n    max_parallel: 1\n    allow_failure: true", set()),
        ("name: sums", "name: sums  # of numbers", set()),
        ("other: 2", "other: 7", set()),
        ("n: 1,", "n: 5,", {"one"}),
    ],
)
def test_an_edit_makes_another_task_of_what_it_is_about(old: str, new: str, expected: set[str], tmp_path: Path) -> None:
    assert WORKFLOW.count(old) == 1

    assert changed(tmp_path, WORKFLOW.replace(old, new)) == expected


def test_an_input_counts_for_the_tasks_that_read_it(tmp_path: Path) -> None:
    assert changed(tmp_path, WORKFLOW, n="8") == {"one"}
    assert changed(tmp_path, WORKFLOW, other="8") == set()


def test_the_file_of_a_function_is_its_code_and_not_the_task(tmp_path: Path) -> None:
    before, after = tasks_of(tmp_path), tasks_of(tmp_path, steps=f"{STEPS}# better\n")

    assert {name for name, task in after.items() if task.fingerprint != before[name].fingerprint} == set()
    assert {name for name, task in after.items() if task.code != before[name].code} == {"one", "each"}
    assert before["told"].code == ""


def test_a_plan_to_look_at_has_none(tmp_path: Path) -> None:
    tasks_of(tmp_path)

    plan = prepare(tmp_path / "workflow.yaml", registry=Registry(allows_plugins=False), given=None).plan

    assert plan is not None
    assert {task.fingerprint for task in plan.tasks} == {""}
