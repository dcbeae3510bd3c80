"""What task types find by themselves reaches the user at its place in the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import PluginError
from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

TASKS = """
from flowpar.plugin import UNKNOWN, Finding, task_type

def look(arguments):
    if arguments.get("size") is UNKNOWN:
        return
    for name in ("size", "colour"):
        if arguments.get(name) == 13:
            yield Finding(f"{name} 13 is unlucky", argument=name, hint="take 12")
    if "colour" not in arguments:
        yield Finding("it has no colour", argument="colour", severity="warning")

def broken(arguments):
    raise RuntimeError("odd")

@task_type(check=look)
def box(size: int, colour: int = 0, name: str = "") -> int:
    return size

@task_type(check=broken)
def crate(size: int) -> int:
    return size
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    return tmp_path


def findings(folder: Path, tasks: str, *, is_run: bool = True) -> list[str]:
    path = folder / "workflow.yaml"
    head = "flowpar: 1\nname: boxes\nplugins: [./tasks.py]\ninputs: {n: 1}\ntasks:\n"
    path.write_text(head + tasks)
    found = check(path, registry=Registry(runs_local_checks=is_run)).diagnostics
    return [f"{one.span.line}:{one.span.column} {one.severity} {one.code} {one.message}" for one in found]


def test_a_finding_is_at_the_value_that_it_blames(folder: Path) -> None:
    found = findings(folder, "  a:\n    box: {size: 13, colour: 1}\n")

    assert "7:17 error FP608 size 13 is unlucky" in found


def test_the_short_form_is_blamed_where_it_stands(folder: Path) -> None:
    assert "7:10 error FP608 size 13 is unlucky" in findings(folder, "  a:\n    box: 13\n")


def test_what_is_not_written_is_blamed_at_the_kind(folder: Path) -> None:
    assert "7:5 warning FP608 it has no colour" in findings(folder, "  a:\n    box: {size: 1}\n")


def test_what_the_run_will_make_is_passed_over(folder: Path) -> None:
    assert findings(folder, '  a:\n    box: {size: "${{ inputs.n }}"}\n') == []


def test_every_task_of_the_kind_is_asked(folder: Path) -> None:
    text = "".join(f"  t{number}:\n    box: {{size: 13, colour: 13}}\n" for number in range(3))

    found = [line for line in findings(folder, text) if "FP608" in line]

    assert len(found) == 6


def test_a_task_that_is_wrong_already_is_not_asked(folder: Path) -> None:
    found = findings(folder, "  a:\n    box: {size: 13, colour: red}\n  b:\n    box: {size: 13, colour: 1}\n")

    assert [line for line in found if "FP608" in line] == ["9:17 error FP608 size 13 is unlucky"]
    assert any(line.startswith("7:") for line in found)


def test_checks_of_the_workflows_own_files_are_left_for_the_run(folder: Path) -> None:
    assert not [line for line in findings(folder, "  a:\n    box: 13\n", is_run=False) if "FP608" in line]


def test_an_async_task_type_is_found_at_its_tasks(folder: Path) -> None:
    text = (folder / "tasks.py").read_text()
    (folder / "tasks.py").write_text(text + "\n@task_type\nasync def sail(size: int) -> int:\n    return size\n")

    found = findings(folder, "  a:\n    sail: 1\n")

    assert found[1:] == ['7:11 error FP411 "sail" is an async function, and a task calls a plain one']


def test_a_check_that_fails_is_the_plugins_fault(folder: Path) -> None:
    with pytest.raises(PluginError, match=r'check of task type "crate" of \./tasks\.py failed: RuntimeError: odd'):
        findings(folder, "  a:\n    crate: 1\n")
