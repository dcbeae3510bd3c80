"""A plan with sub-workflows is kept, and taken again only while all of its files are what they were."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.planning.ready import keep, ready, ready_again
from flowpar.plugin.registry import Registry
from flowpar.record.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.planning.prepared import Prepared

MAIN = """flowpar: 1
inputs: {top: 3}
limits: {api: 2}
tasks:
  load: {python: {script: "output = [1, 2]"}}
  once: {workflow: part/fit.yaml, with: {rows: "${{ inputs.top }}"}, timeout: 1m}
  late: {workflow: part/fit.yaml, for_each: "${{ tasks.load.output }}", with: {rows: "${{ each.item }}"}}
finally:
  end: {workflow: part/end.yaml}
"""
FIT = """flowpar: 1
env_file: [.env]
inputs: {rows: {type: integer, minimum: 1}}
tasks:
  fit: {python: "steps:fit", with: {rows: "${{ inputs.rows }}"}, resources: {api: 1}}
  deep: {workflow: end.yaml}
finally:
  tidy: {shell: echo}
"""
END = "flowpar: 1\ntasks: {end: {shell: echo end, timeout: '${{ env.PATIENCE }}'}}\n"


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "part").mkdir()
        self.write("main.yaml", MAIN)
        self.write("part/fit.yaml", FIT)
        self.write("part/end.yaml", END)
        self.write("part/.env", "TOKEN=hush-hush-1\n")
        self.write("part/steps.py", "def fit(rows: int) -> int: ...\n")
        self.registry = Registry(allows_plugins=False, runs_local_checks=True)
        self.given = GivenInputs(folder=folder)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(text)
        os.utime(path, ns=(before + 10**9, before + 10**9))

    def ready(self) -> Prepared:
        return ready("main.yaml", registry=self.registry, given=self.given, state_dir=self.folder / ".flowpar")

    def run(self) -> tuple[Prepared, Path]:
        prepared = self.ready()
        folder = RunFolder.create(self.folder / ".flowpar", "main")
        keep(prepared, folder)
        return prepared, folder.path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATIENCE", "10s")
    return Project(tmp_path)


def test_it_is_the_plan_of_before_to_the_last_value(project: Project) -> None:
    first, run_dir = project.run()
    assert first.plan is not None

    second = project.ready()
    again = ready_again("main.yaml", run_dir, registry=project.registry, given=GivenInputs(recorded={"top": 3}))

    assert (first.is_kept, second.is_kept, again.is_kept) == (False, True, True)
    assert second.plan == first.plan
    fit = next(task for task in first.plan.tasks if task.id == "once/fit")
    assert fit.scope is not None
    assert fit.scope.env_file == {"TOKEN": "hush-hush-1"}


def test_what_is_kept_has_no_value_of_an_env_file_and_new_ones_are_read(project: Project) -> None:
    _, run_dir = project.run()
    assert b"hush-hush-1" not in (run_dir / "plan").read_bytes()
    project.write("part/.env", "TOKEN=another-1\n")

    found = project.ready()

    assert found.is_kept
    assert found.plan is not None
    assert {task.scope.env_file["TOKEN"] for task in found.plan.tasks if task.scope and task.id.endswith("fit")} == {
        "another-1"
    }


EDITS: dict[str, Callable[[Project], None]] = {
    "a task of the sub-workflow": lambda project: project.write("part/fit.yaml", FIT.replace("echo", "date")),
    "a file two deep": lambda project: project.write("part/end.yaml", END.replace("end,", "over,")),
    "a function beside the sub-workflow": lambda project: project.write("part/steps.py", "def fit(rows: str): ...\n"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_another_answer_of_a_file_makes_another_plan(project: Project, edit: str) -> None:
    project.run()

    EDITS[edit](project)

    found = project.ready()
    assert not found.is_kept
    made = prepare("main.yaml", registry=project.registry, given=project.given)
    assert (found.plan, found.diagnostics.found) == (made.plan, made.diagnostics.found)


def test_a_variable_that_a_setting_of_a_sub_workflow_reads_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run()
    monkeypatch.setenv("PATIENCE", "20s")

    found = project.ready()

    assert not found.is_kept
    assert found.plan is not None
    assert {task.timeout_s for task in found.plan.tasks if task.id.endswith("/end")} == {20.0}


def test_a_link_that_leads_to_another_file_makes_another_plan(project: Project) -> None:
    project.write("part/real.yaml", END)
    (project.folder / "part" / "end.yaml").unlink()
    (project.folder / "part" / "end.yaml").symlink_to("real.yaml")
    project.run()
    project.write("part/other.yaml", END)
    (project.folder / "part" / "end.yaml").unlink()
    (project.folder / "part" / "end.yaml").symlink_to("other.yaml")

    assert not project.ready().is_kept


def test_a_sub_workflow_takes_shares_of_the_limits_around_it(project: Project) -> None:
    found = project.ready()

    assert not found.diagnostics.has_errors
    assert found.plan is not None
    assert {tuple(task.resources.items()) for task in found.plan.tasks if task.id.endswith("/fit")} == {(("api", 1.0),)}


def test_more_than_the_limit_around_it_is_found_in_the_file_that_asks(project: Project) -> None:
    project.write("part/fit.yaml", FIT.replace("api: 1", "api: 3"))

    (finding,) = project.ready().diagnostics.found

    assert (finding.code, finding.file, finding.span.line) == ("FP231", "part/fit.yaml", 5)
    assert finding.message == 'task "fit" asks for 3 of "api", and its limit is 2'


def test_a_limit_that_no_file_declares_is_found(project: Project) -> None:
    project.write("main.yaml", MAIN.replace("limits: {api: 2}\n", ""))

    found = project.ready().diagnostics.found

    assert {(finding.code, finding.file) for finding in found} == {("FP230", "part/fit.yaml")}
