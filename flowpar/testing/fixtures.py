"""A pytest fixture that runs whole workflows: `run_workflow(text_or_path, inputs=…, mocks=…)`.

    text ─► prepare ─► plan ─ mocks ─► plan ─► real processes ─► WorkflowRun

Ask for it with `from flowpar.testing.fixtures import run_workflow`, or in a conftest.py with
`pytest_plugins = ["flowpar.testing.fixtures"]`.
"""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from flowpar.core.errors import DocumentError, UsageError
from flowpar.core.frozen import dataclass, replace
from flowpar.core.suggest import nearest
from flowpar.engine.build import run_workflow as run_prepared
from flowpar.engine.options import EngineOptions
from flowpar.execute.recipe import Call
from flowpar.expr.template import Constant
from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry
from flowpar.report.excerpt import render
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.events import Event
    from flowpar.planning.model import Plan, PlannedTask


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """How a run ended: outputs as plain data (None where it did not come to them), states, and all that happened."""

    outputs: Any
    states: Mapping[str, str]
    status: str
    events: tuple[Event, ...]
    run_dir: Path


class RunWorkflow(Protocol):
    """Runs a workflow, given as text or as a path, to its end.

    A task that `mocks` names is not done: it returns the value there, or raises it where that is
    an exception. A document with errors raises `DocumentError` with all findings.
    """

    def __call__(
        self,
        workflow: str | Path,
        *,
        inputs: Mapping[str, object] | None = None,
        mocks: Mapping[str, object] | None = None,
        workers: int = 2,
    ) -> WorkflowRun:
        """Run it."""
        ...


@pytest.fixture
def run_workflow(tmp_path: Path) -> RunWorkflow:
    """Run a workflow, given as text or as a path, to its end, in real processes."""

    def run(
        workflow: str | Path,
        *,
        inputs: Mapping[str, object] | None = None,
        mocks: Mapping[str, object] | None = None,
        workers: int = 2,
    ) -> WorkflowRun:
        path = workflow if isinstance(workflow, Path) else _write(tmp_path, workflow)
        prepared = prepare(
            str(path),
            registry=Registry(runs_local_checks=True),
            given=GivenInputs(values=dict(inputs or {}), origin="the test"),
        )
        if prepared.plan is None:
            raise DocumentError(render(prepared.diagnostics, prepared.sources), diagnostics=prepared.diagnostics)
        prepared = replace(prepared, plan=mocked(prepared.plan, mocks or {}))
        sink = RecordingSink()
        options = EngineOptions(workers=workers, state_dir=tmp_path / ".flowpar", is_synced=False)
        end, folder = run_prepared(prepared, options, lambda _: [sink], None)
        return WorkflowRun(
            outputs=None if end.outputs is None else json.loads(end.outputs),
            states={task: state.value for task, state in end.states.items()},
            status=end.status.value,
            events=tuple(sink.events),
            run_dir=folder.path,
        )

    return run


def _write(folder: Path, text: str) -> Path:
    path = folder / "workflow.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def mocked(plan: Plan, mocks: Mapping[str, object]) -> Plan:
    """Return the plan with the tasks that `mocks` names replaced; what needs them stays as it is."""
    known = [task.id for task in plan.tasks]
    for name in mocks:
        if name not in known:
            near = nearest(name, known)
            meant = f'; did you mean "{near}"?' if near else ""
            raise UsageError(f'mocks has "{name}", which is no task{meant}')
    return replace(plan, tasks=tuple(_mocked(task, mocks) for task in plan.tasks))


def _mocked(task: PlannedTask, mocks: Mapping[str, object]) -> PlannedTask:
    if task.id not in mocks:
        return task
    value = mocks[task.id]
    if isinstance(value, BaseException):
        return replace(task, call=Call("flowpar.testing.work:throw", {"error": Constant(value)}), cache=None)
    return replace(task, call=Call("flowpar.testing.work:echo", {"value": Constant(value)}), cache=None)
