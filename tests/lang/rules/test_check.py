"""A whole workflow through the front door."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.core.types import INT
from flowpar.expr.template import Constant, Expression

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.lang.checked import Checked

    Check = Callable[..., Checked]

STEPS = """
    def load(path: str = "a") -> list[int]: ...
    def one(x: int) -> int: ...
    def total(xs: list[int | None]) -> int: ...
"""
FAN_OUT = """
    tasks:
      load: {python: "steps:load"}
      one:
        python: steps:one
        for_each: {x: "${{ tasks.load.output }}"}
        if: each.x > 1
        with: {x: "${{ each.x }}"}
      total:
        python: steps:total
        needs: [load]
        with: {xs: "${{ tasks.one.output }}"}
"""


def test_check_imports_nothing_and_writes_nothing(checked: Check, tmp_path: Path) -> None:
    hostile = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    before = set(sys.modules)

    found = checked('tasks: {a: {python: "pack.steps:f"}}', pack__init=hostile, pack__steps=hostile + "def f(): ...\n")

    assert not list(found.diagnostics)
    assert not {name for name in set(sys.modules) - before if name.startswith("pack")}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["__init__.py", "pack", "steps.py", "workflow.yaml"]


def test_a_reference_is_a_need_and_each_need_counts_once(checked: Check) -> None:
    found = checked(FAN_OUT, steps=STEPS)

    assert not list(found.diagnostics)
    assert [list(task.needs) for task in found.tasks.values()] == [[], ["load"], ["load", "one"]]
    assert found.tasks["one"].decides_on == {"load"}
    assert found.tasks["one"].reads == set()
    assert found.tasks["total"].reads == {"one"}


def test_a_need_knows_the_place_of_its_reference(checked: Check) -> None:
    task = checked(FAN_OUT, steps=STEPS).tasks["total"]

    assert (task.needs["load"].line, task.needs["load"].column) == (12, 13)
    assert (task.needs["one"].line, task.needs["one"].column) == (13, 21)
    assert "elsewhere" not in task.needs


def test_a_diamond_of_many_edges_has_each_once(checked: Check) -> None:
    names = [f"m{n}" for n in range(5_000)]
    middle = "\n".join(f"  {name}: {{shell: echo, needs: [top, top]}}" for name in names)
    text = f"tasks:\n  top: {{shell: echo}}\n{middle}\n  end: {{shell: echo, needs: [{', '.join(names)}]}}\n"

    found = checked(text)

    assert not list(found.diagnostics)
    assert sum(len(task.needs) for task in found.tasks.values()) == 10_000


def test_templates_are_handed_on(checked: Check) -> None:
    found = checked(FAN_OUT, steps=STEPS)

    one = found.tasks["one"]
    assert one.call.target == "steps:one"
    assert one.call.arguments == {"x": Expression(" each.x ", " each.x ")}
    assert one.condition == Expression("each.x > 1", "each.x > 1")
    assert one.condition_is_per_item
    assert one.fan_out is not None
    assert list(one.fan_out.names) == ["x"]
    assert one.call.signature is not None
    assert one.call.signature.returns == INT


def test_the_short_form_of_a_kind_gives_its_first_parameter(checked: Check) -> None:
    task = checked("tasks: {a: {shell: echo 1}}").tasks["a"]

    assert task.call.target == "flowpar.tasks.shell:shell"
    assert task.call.arguments == {"run": Constant("echo 1")}


def test_a_setting_of_a_task_replaces_the_default_whole(checked: Check) -> None:
    found = checked(
        """
        defaults: {timeout: 10m, retry: {attempts: 3, delay: 2s}, executor: thread}
        tasks:
          a: {shell: echo}
          b: {shell: echo, timeout: 1s, retry: 1, executor: inline}
        """
    )

    a, b = found.tasks["a"], found.tasks["b"]
    assert (a.settings["timeout"], a.settings["retry.delay"]) == (Constant(600.0), Constant(2.0))
    assert (b.settings["timeout"], b.settings["retry.attempts"]) == (Constant(1.0), Constant(2))
    assert b.settings["retry.delay"] == Constant(0.0)
    assert [task.executors.chosen() for task in (a, b)] == ["thread", "inline"]
    assert [task.executors.chosen("process") for task in (a, b)] == ["process", "inline"]


def test_findings_of_all_rules_come_at_once_and_in_file_order(findings: Callable[..., list[str]]) -> None:
    found = findings(
        """
        inputs: {top: {type: integer, default: ten}}
        tasks:
          a: {python: "steps:lod", needs: [bb]}
          b: {python: "steps:one", with: {x: "${{ inputs.tpo }}", y: 1}}
          c: {shell: "echo '${{ inputs.top }}'", tiemout: 5}
        outputs: {x: "${{ tasks.d.output }}"}
        """,
        steps=STEPS,
    )

    assert [place.split()[1] for place in found] == [
        "FP501", "FP403", "FP201", "FP304", "FP406", "FP409", "FP121", "FP304",
    ]  # fmt: skip


def test_the_source_of_a_function_comes_along_for_the_excerpt(checked: Check) -> None:
    found = checked('tasks: {a: {python: "steps:one", with: {z: 1}}}', steps=STEPS)

    label = next(iter(found.diagnostics)).labels[0]
    assert found.sources[label.file].line(label.span.line).strip() == "def one(x: int) -> int: ..."


def test_a_broken_python_file_is_a_finding_with_its_place(checked: Check) -> None:
    found = list(checked('tasks: {a: {python: "steps:one"}}', steps="x = 1\ndef one(:\n").diagnostics)

    assert [finding.code for finding in found] == ["FP404"]
    assert [(label.span.line, label.span.column) for label in found[0].labels] == [(2, 9)]


def test_a_local_plugin_is_checked_like_any_kind(messages: Callable[..., list[str]]) -> None:
    found = messages(
        """
        plugins: [./kinds.py]
        tasks:
          a: {greet: Ada}
          b: {greet: {nmae: Ada}}
          c: {greet: {name: [Ada]}}
        """,
        kinds="""
            from flowpar.plugin import task_type
            @task_type
            def greet(name: str, *, loud: bool = False) -> str: ...
        """,
    )

    wrong = (
        'parameter "name" of "greet" wants str, this is list[str]; one item of such a list would do: with a for_each '
    )
    assert found == ['"greet" has no parameter "nmae"; did you mean "name"?', f"{wrong}the task runs for each of them"]


@pytest.mark.parametrize("plugin", ["./gone.py", "./broken.py", "gone.module"])
def test_a_plugin_that_cannot_be_read_is_one_finding_and_not_one_for_each_of_its_tasks(
    messages: Callable[..., list[str]], plugin: str
) -> None:
    found = messages(
        f"""
        plugins: [{plugin}]
        tasks:
          a: {{greet: Ada}}
          b: {{greet: Bob, needs: [a]}}
          c: {{shel: ls}}
          d: {{shell: ls, grett: Ada}}
        """,
        broken="def greet(:\n",
    )

    assert len(found) == 3
    assert found[0].startswith(f'plugin {"module" if plugin == "gone.module" else "file"} "{plugin}" ')
    assert found[1].startswith('task "c" has the unknown kind "shel"; did you mean "shell"?')
    assert found[2].startswith('task "d" has the unknown key "grett"')


def test_python_path_leads_to_modules(findings: Callable[..., list[str]]) -> None:
    text = """
        python_path: [lib]
        tasks: {a: {python: "deep:f"}, b: {python: "deeper:f"}}
    """

    assert findings(text, lib__deep="def f(): ...") == ["4:44 FP402"]
