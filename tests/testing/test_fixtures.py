"""Whole workflows in a test: the fixture `run_workflow`, with inputs and mocks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import DocumentError, UsageError
from flowpar.core.events import RunFinished, TaskStarted
from flowpar.testing.fixtures import run_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

pytestmark = pytest.mark.timeout(180)

STEPS = """
import os, sys

def load(top: int = 3) -> list[int]:
    return list(range(top))

def double(value: int) -> int:
    return value * 2

def total(values: list[int]) -> int:
    return sum(values)

def modules() -> list[str]:
    return sorted(sys.modules)
"""

WORKFLOW = """
    flowpar: 1
    name: numbers
    inputs: {top: 3}
    tasks:
      load: {python: "steps:load", with: {top: "${{ inputs.top }}"}}
      double:
        for_each: ${{ tasks.load.output }}
        python: steps:double
        with: {value: "${{ each.item }}"}
      total: {python: "steps:total", with: {values: "${{ tasks.double.output }}"}}
    outputs: {total: "${{ tasks.total.output }}"}
"""


@pytest.fixture(autouse=True)
def _steps(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)


def test_a_text_is_run_with_its_inputs(run_workflow: RunWorkflow) -> None:
    run = run_workflow(WORKFLOW, inputs={"top": 5})

    assert (run.outputs, run.status) == ({"total": 20}, "succeeded")
    assert run.states == {"load": "succeeded", "double": "succeeded", "total": "succeeded"}


def test_what_happened_is_there_to_look_at(run_workflow: RunWorkflow) -> None:
    run = run_workflow(WORKFLOW)

    started = [event.subject.task for event in run.events if isinstance(event, TaskStarted)]
    assert sorted(started) == ["double", "double", "double", "load", "total"]
    assert isinstance(run.events[-1], RunFinished)
    assert (run.run_dir / "events.jsonl").is_file()


def test_a_path_is_run_where_it_is(run_workflow: RunWorkflow, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("flowpar: 1\nname: n\ntasks: {load: {python: 'steps:load'}}\n")

    assert run_workflow(tmp_path / "flow.yaml").states == {"load": "succeeded"}


def test_a_mock_stands_in_for_a_task(run_workflow: RunWorkflow) -> None:
    run = run_workflow(WORKFLOW, mocks={"load": [10], "double": 7})

    assert run.outputs == {"total": 7}


def test_a_mock_that_is_an_exception_fails_its_task(run_workflow: RunWorkflow) -> None:
    run = run_workflow(WORKFLOW, mocks={"load": ConnectionError("no network")})

    assert run.states == {"load": "failed", "double": "skipped", "total": "skipped"}
    assert run.outputs is None


def test_a_mock_for_no_task_is_a_mistake(run_workflow: RunWorkflow) -> None:
    with pytest.raises(UsageError, match=r'mocks has "laod", which is no task; did you mean "load"\?'):
        run_workflow(WORKFLOW, mocks={"laod": 1})


def test_findings_are_raised_with_their_excerpts(run_workflow: RunWorkflow) -> None:
    with pytest.raises(DocumentError, match=r'(?s)"steps" has no function "laod".*did you mean "load"\?.*\^~~'):
        run_workflow("flowpar: 1\nname: n\ntasks: {load: {python: 'steps:laod'}}\n")


def test_a_task_process_has_loaded_nothing_heavy(run_workflow: RunWorkflow) -> None:
    text = (
        "flowpar: 1\nname: n\ntasks: {look: {python: 'steps:modules'}}\noutputs: {loaded: '${{ tasks.look.output }}'}\n"
    )

    loaded = {name.partition(".")[0] for name in run_workflow(text).outputs["loaded"]}

    assert not loaded & {"pydantic", "networkx", "rich", "click", "structlog", "yaml", "orjson", "psutil"}
    assert loaded <= sys.stdlib_module_names | {"flowpar", "steps", "__main__", "__mp_main__"} | hooks()


def hooks() -> set[str]:
    """Return what an interpreter of this environment loads before anything else (editable installs, coverage)."""
    return {
        name.partition(".")[0] for name in sys.modules if name.startswith(("_", "sitecustomize", "coverage", "a1_"))
    }
