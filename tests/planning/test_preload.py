"""Which tasks are forked from a template, and what it imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.planning.preload import preload_of
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.model import Plan

STEPS = """
import yaml
from networkx import DiGraph

def use(number: int = 0) -> int:
    return number
"""
TWO = "  one: {python: steps:use}\n  two: {python: steps:use, %s}\n"
SUB = "flowpar: 1\n%stasks: {use: {python: steps:use}}\n"


def planned(folder: Path, tasks: str, head: str = "") -> Plan:
    (folder / "steps.py").write_text(STEPS)
    (folder / "w.yaml").write_text(f"flowpar: 1\n{head}\ntasks:\n{tasks}")
    prepared = prepare(folder / "w.yaml", registry=Registry(), given=GivenInputs())
    assert prepared.plan is not None, prepared.diagnostics.found
    return prepared.plan


def preloaded(folder: Path, tasks: str, head: str = "") -> dict[str, tuple[str, ...]]:
    return {task.id: task.preload for task in planned(folder, tasks, head).tasks}


def test_two_tasks_share_what_their_modules_import(tmp_path: Path) -> None:
    found = preload_of(planned(tmp_path, TWO % "needs: [one]"))

    assert found is not None
    assert found.modules == ("yaml", "networkx")
    assert found.folders == (str(tmp_path),)


@pytest.mark.parametrize(
    ("tasks", "is_worth_it"),
    [
        ("  one: {python: steps:use}\n", False),
        ("  one: {python: steps:use}\n  other: {shell: ls}\n", False),
        ("  one: {python: steps:use, retry: 3}\n", False),
        ("  one: {python: steps:use, for_each: [1]}\n", False),
        ("  one: {python: steps:use, for_each: [1, 2]}\n", True),
        ("  zero: {python: steps:use}\n  one: {python: steps:use, for_each: '${{ tasks.zero.output }}'}\n", True),
        ("  one: {python: steps:use, repeat: {until: output > 1, max: 3}}\n", True),
    ],
)
def test_a_template_is_for_more_than_one_attempt(tmp_path: Path, tasks: str, is_worth_it: bool) -> None:  # noqa: FBT001
    tasks = tasks.replace("'${{ tasks.zero.output }}'", '"${{ [tasks.zero.output] }}"')

    assert (preload_of(planned(tmp_path, tasks)) is not None) == is_worth_it


@pytest.mark.parametrize(
    ("own", "is_template"),
    [
        ("timeout: 10s", True),
        ("resources: {cpu: 1, memory: 1GiB}", True),
        ("resources: {cpu: 0.5}", True),
        ("resources: {cpu: 2}", False),
        ("env: {A: b}", False),
        ("cwd: /tmp", False),
        ("executor: pool", False),
        ("executor: thread", False),
    ],
)
def test_a_task_with_something_of_its_own_around_it_imports_for_itself(
    tmp_path: Path,
    own: str,
    is_template: bool,  # noqa: FBT001
) -> None:
    found = preloaded(tmp_path, TWO % own)

    assert found["one"] == ("yaml", "networkx")
    assert found["two"] == (("yaml", "networkx") if is_template else ())


def test_batches_have_processes_of_their_own(tmp_path: Path) -> None:
    assert preloaded(tmp_path, "  one: {python: steps:use, for_each: [1, 2], batch: auto}\n") == {"one": ()}


def test_none_is_nothing_and_a_list_is_for_all_that_run_python(tmp_path: Path) -> None:
    tasks = "  one: {python: steps:use}\n  two: {shell: ls}\n  three: {python: {script: 'output = 1'}}\n"

    assert preloaded(tmp_path, tasks, "preload: none") == {"one": (), "two": (), "three": ()}
    assert preloaded(tmp_path, tasks, "preload: [rich]") == {"one": ("rich",), "two": (), "three": ("rich",)}
    assert preload_of(planned(tmp_path, tasks, "preload: []")) is None


def test_a_script_brings_its_own_imports(tmp_path: Path) -> None:
    tasks = "  one: {python: {script: 'import click'}}\n  two: {python: steps:use}\n"

    assert preloaded(tmp_path, tasks) == {"one": ("click",), "two": ("yaml", "networkx")}


@pytest.mark.parametrize(
    ("folder", "head", "sub_head", "is_template"),
    [
        (".", "", "", True),
        (".", "env: {A: b}", "", False),
        (".", "", "env: {A: b}\n", False),
        (".", "", "python_path: more\n", False),
        ("sub", "", "", False),
        (".", "", "preload: none\n", False),
        (".", "preload: none", "", True),
    ],
)
def test_a_sub_workflow_shares_the_template_where_it_has_the_same_around_it(
    tmp_path: Path,
    folder: str,
    head: str,
    sub_head: str,
    is_template: bool,  # noqa: FBT001
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / folder / "steps.py").write_text(STEPS)
    (tmp_path / folder / "sub.yaml").write_text(SUB % sub_head)

    found = preloaded(tmp_path, f"  inner: {{workflow: {folder}/sub.yaml}}\n", head)

    assert found["inner/use"] == (("yaml", "networkx") if is_template else ())
    assert not found["inner"]


@pytest.mark.parametrize(
    "call",
    [
        "  rows: {shell: {run: 'echo [1]', capture: json}}\n  many: {workflow: sub.yaml, for_each: '${{ ROWS }}'}\n",
        "  again: {workflow: sub.yaml, repeat: {until: output.n > 1, max: 3}}\n",
    ],
)
def test_a_task_of_items_that_only_the_run_knows_or_of_rounds_has_many_attempts(tmp_path: Path, call: str) -> None:
    (tmp_path / "sub.yaml").write_text(SUB % "" + "outputs: {n: '${{ tasks.use.output }}'}\n")

    found = preload_of(planned(tmp_path, call.replace("ROWS", "tasks.rows.output")))

    assert found is not None
    assert found.modules == ("yaml", "networkx")
