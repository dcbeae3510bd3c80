"""The rules one by one, where a golden pair would say little more than the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Find = Callable[..., list[str]]

STEPS = """
    from dataclasses import dataclass
    @dataclass
    class Book:
        title: str
    def books(path: str = "a") -> list[Book]: ...
    def maybe() -> int | None: ...
    def one(x: int = 0, **more: object) -> int: ...
    def untyped(x): ...
"""


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("5", None),
        ("${{ 5 }}", None),
        ("${{ inputs.any }}", None),
        ("${{ len(tasks.books.output) }}", None),
        ("${{ default(tasks.maybe.output, 1) }}", None),
        ("${{ tasks.untyped.output }}", None),
        ("${{ tasks.books.status }}", "this is str"),
        ("${{ tasks.maybe.output }}", "this is int | None; it may be None: give another value by default(…, …)"),
        ("2.5", "this is float"),
        ("true", "this is true"),
        ("x ${{ 1 }}", "this is str"),
    ],
)
def test_an_argument_is_held_against_its_annotation(messages: Find, argument: str, message: str | None) -> None:
    found = messages(
        f"""
        inputs: {{any: {{type: any}}}}
        tasks:
          books: {{python: "steps:books"}}
          maybe: {{python: "steps:maybe"}}
          untyped: {{python: "steps:untyped", with: {{x: 1}}}}
          one: {{python: "steps:one", with: {{x: "{argument}"}}}}
          use: {{python: "steps:untyped", with: {{x: "${{{{ inputs.any }}}}"}}}}
        """.replace('"5"', "5")
        .replace('"2.5"', "2.5")
        .replace('"true"', "true"),
        steps=STEPS,
    )

    expected = [] if message is None else [f'parameter "x" of "steps:one" wants int, {message}']
    assert found == expected


@pytest.mark.parametrize(
    ("outputs", "codes"),
    [
        ("${{ tasks.maybe-skipped.output }}", ["FP202"]),
        ("${{ tasks.below.output }}", ["FP202"]),
        ("${{ default(tasks.below.output, 0) }}", []),
        ("${{ tasks.below.output if tasks.below.status == 'succeeded' else 0 }}", []),
        ("${{ tasks.below.status == 'succeeded' and tasks.below.output > 0 }}", []),
        ("${{ tasks.below.status }}", []),
        ("${{ tasks.items.output }}", []),
        ("${{ tasks.may-fail.output }}", ["FP202"]),
        ("${{ tasks.always.output }}", []),
    ],
)
def test_outputs_are_read_whatever_was_skipped(findings: Find, outputs: str, codes: list[str]) -> None:
    found = findings(
        f"""
        inputs: {{on: true}}
        tasks:
          always: {{python: "steps:one"}}
          maybe-skipped: {{python: "steps:one", if: inputs.on}}
          below: {{python: "steps:one", needs: [maybe-skipped]}}
          items: {{python: "steps:one", for_each: [1, 2], if: each.item > 1}}
          may-fail: {{python: "steps:one", allow_failure: true}}
        outputs: {{x: "{outputs}"}}
        """,
        steps=STEPS,
    )

    assert [place.split()[1] for place in found] == codes


@pytest.mark.parametrize(
    ("task", "codes"),
    [
        ('with: {x: "${{ tasks.risky.output }}"}', ["FP202"]),
        ('with: {x: "${{ default(tasks.risky.output, 1) }}"}', []),
        ('with: {x: "${{ tasks.risky.output or 1 }}"}', ["FP202"]),
        ('if: tasks.risky.status == "succeeded", with: {x: "${{ tasks.risky.output }}"}', []),
        ("if: tasks.risky.output > 1", ["FP202"]),
        ('if: tasks.risky.error.kind == "timeout"', ["FP202"]),
        ("if: \"default(tasks.risky.error.kind, '') == 'timeout'\"", []),
        ('if: tasks.risky.error is not None and tasks.risky.error.kind == "timeout"', []),
        ('if: tasks.risky.error is not None, env: {X: "${{ tasks.risky.error.message }}"}', []),
        ('env: {X: "${{ tasks.risky.error.message }}"}', ["FP202"]),
        ('with: {x: "${{ tasks.risky.error is None }}"}', ["FP408"]),
        ('for_each: "${{ [tasks.risky.output] }}"', ["FP202"]),
        ('env: {X: "${{ tasks.risky.output }}"}', ["FP202"]),
    ],
)
def test_readers_of_a_task_that_may_fail_say_what_to_take_instead(findings: Find, task: str, codes: list[str]) -> None:
    found = findings(
        f"""
        tasks:
          risky: {{python: "steps:one", allow_failure: true}}
          reader: {{python: "steps:one", {task}}}
        """,
        steps=STEPS,
    )

    assert [place.split()[1] for place in found] == codes


@pytest.mark.parametrize(
    ("where", "codes"),
    [
        ("executor: thread, env: {A: b}", ["FP410"]),
        ("executor: thread, cwd: x", ["FP410"]),
        ("executor: thread", []),
        ("executor: inline, env: {A: b}", []),
        ("env: {A: b}", []),
    ],
)
def test_threads_share_their_surroundings(findings: Find, where: str, codes: list[str]) -> None:
    found = findings(f'tasks: {{a: {{python: "steps:one", {where}}}}}', steps=STEPS)

    assert [place.split()[1] for place in found] == codes


@pytest.mark.parametrize(
    ("items", "argument", "codes"),
    [
        ('"${{ tasks.books.output }}"', "${{ each.item.title }}", []),
        ('"${{ tasks.books.output }}"', "${{ each.item.titel }}", ["FP308"]),
        ('{book: "${{ tasks.books.output }}"}', "${{ each.book.title }}", []),
        ('{book: "${{ tasks.books.output }}"}', "${{ each.item }}", ["FP304"]),
        ("[1, 2]", "${{ each.item + each.index }}", []),
        ("[1, a]", "${{ each.item }}", []),
        ('"${{ range(3) }}"', "${{ each.item - 1 }}", []),
        ('"${{ 1 / }}"', "${{ each.item }}", ["FP301"]),
    ],
)
def test_items_have_the_type_of_the_list(findings: Find, items: str, argument: str, codes: list[str]) -> None:
    found = findings(
        f"""
        tasks:
          books: {{python: "steps:books"}}
          each-one: {{python: "steps:untyped", for_each: {items}, with: {{x: "{argument}"}}}}
        """,
        steps=STEPS,
    )

    assert [place.split()[1] for place in found] == codes


def test_the_output_of_a_fan_out_is_a_list(findings: Find) -> None:
    found = findings(
        """
        tasks:
          many: {python: "steps:one", matrix: {x: [1, 2]}, with: {x: "${{ matrix.x }}"}}
          use: {python: "steps:one", with: {x: "${{ tasks.many.output }}", y: "${{ tasks.many.items[0].status }}"}}
        """,
        steps=STEPS,
    )

    assert found == ["5:40 FP408"]


@pytest.mark.parametrize("key", ["timeout", "max_parallel", "grace"])
def test_settings_are_settled_before_there_are_items(findings: Find, key: str) -> None:
    found = findings(f'tasks: {{a: {{shell: echo, for_each: [1], {key}: "${{{{ each.item }}}}"}}}}')

    assert [place.split()[1] for place in found] == ["FP305"]


def test_a_flag_that_is_an_expression_is_not_always_the_same(findings: Find) -> None:
    assert findings("inputs: {on: true}\ntasks: {a: {shell: echo, if: inputs.on}}") == []


def test_a_variable_of_an_env_file_is_not_called_misspelt(findings: Find) -> None:
    text = 'env: {API_ROOT: x}\nenv_file: [.env]\ntasks: {a: {shell: echo, env: {X: "${{ env.API_ROTO }}"}}}'

    assert findings(text) == []


def test_an_expression_in_quotes_is_cut_by_nothing(findings: Find) -> None:
    text = """
        inputs: {paths: {type: mapping, default: {}}}
        tasks: {a: {shell: echo, env: {X: "${{ inputs.paths['a #1'] }}"}}}
    """

    assert findings(text) == []
