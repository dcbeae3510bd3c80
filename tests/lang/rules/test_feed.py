"""Which names of a `for_each` another fan-out feeds, and what makes a barrier of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.lang.checked import Checked

STEPS = """
    def one(x: int, more: object = None) -> int: ...
    def several() -> list[int]: ...
"""
SOURCE = """
    tasks:
      a: {python: "steps:one", for_each: [1, 2], with: {x: "${{ each.item }}"}}
      grid: {python: "steps:one", matrix: {x: [1, 2]}, with: {x: "${{ matrix.x }}"}}
      list: {python: "steps:several"}
      may_fail: {python: "steps:one", for_each: [1], with: {x: "${{ each.item }}"}, allow_failure: true}
"""


def feeds(checked: Callable[..., Checked], task: str) -> dict[str, str]:
    found = checked(SOURCE + f'      b: {{python: "steps:one", {task}}}\n', steps=STEPS).tasks["b"].fan_out
    assert found is not None
    return dict(found.feeds)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ('for_each: "${{ tasks.a.output }}", with: {x: "${{ each.item }}"}', {"item": "a"}),
        ('for_each: "${{tasks[\'a\'].output}}", with: {x: "${{ each.item }}"}', {"item": "a"}),
        ('for_each: {y: "${{ tasks.grid.output }}", w: [1, 2]}, with: {x: "${{ each.y }}"}', {"y": "grid"}),
        (
            (
                'for_each: {y: "${{ tasks.a.output }}", z: "${{ tasks.a.output }}", w: "${{ tasks.grid.output }}"}, '
                'with: {x: "${{ each.y }}"}'
            ),
            {"y": "a", "z": "a", "w": "grid"},
        ),
        ('for_each: "${{ tasks.a.output }}", needs: [a], with: {x: "${{ each.item }}"}', {"item": "a"}),
    ],
)
def test_a_list_that_is_just_the_output_of_a_fan_out_is_fed(
    checked: Callable[..., Checked], task: str, expected: dict[str, str]
) -> None:
    assert feeds(checked, task) == expected


@pytest.mark.parametrize(
    "task",
    [
        'for_each: "${{ tasks.list.output }}", with: {x: "${{ each.item }}"}',
        'for_each: "${{ sorted(tasks.a.output) }}", with: {x: "${{ each.item }}"}',
        'for_each: "${{ tasks.a.output[:] }}", with: {x: "${{ each.item }}"}',
        'for_each: "${{ tasks.a.output }}", with: {x: "${{ each.item }}", more: "${{ len(tasks.a.output) }}"}',
        'for_each: "${{ tasks.a.output }}", if: "len(tasks.a.items) > each.index", with: {x: 1}',
        'for_each: {y: "${{ tasks.a.output }}", z: "${{ tasks.a.output[1:] }}"}, with: {x: "${{ each.y }}"}',
        'matrix: {y: "${{ tasks.a.output }}"}, with: {x: "${{ matrix.y }}"}',
        'for_each: "${{ default(tasks.may_fail.output, []) }}", with: {x: "${{ each.item }}"}',
    ],
)
def test_whoever_reads_the_whole_waits_for_it(checked: Callable[..., Checked], task: str) -> None:
    assert feeds(checked, task) == {}
