"""What others may rely on: names, signatures, and what an import costs."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

import flowpar
import flowpar.plugin
from flowpar.core.errors import ExitCode, FlowparError
from flowpar.core.states import TaskState
from flowpar.plugin.registry import BUILT_IN

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = {
    "flowpar": {"DocumentError", "FlowparError", "MachineError", "RunResult", "TaskContext", "__version__", "run"},
    "flowpar.plugin": {
        "API_VERSION",
        "UNKNOWN",
        "Finding",
        "SinkSetting",
        "TaskContext",
        "TaskOptions",
        "Unknown",
        "task_type",
    },
}
FOR_TESTS_OF_PLUGINS = {
    "flowpar.testing.clock": {"FakeClock"},
    "flowpar.testing.sink": {"RecordingSink"},
    "flowpar.testing.crew": {"FakeCrew", "Scripted"},
    "flowpar.testing.task": {"Recorded", "fake_context", "run_task"},
    "flowpar.testing.fixtures": {"run_workflow"},
    "flowpar.testing.contracts": {"ExecutorContract", "SinkContract", "TaskTypeContract"},
}


@pytest.mark.parametrize(("module", "names"), PUBLIC.items())
def test_the_public_names_are_these_and_all_of_them_are_there(module: str, names: set[str]) -> None:
    face = importlib.import_module(module)

    assert set(face.__all__) == names
    assert all(getattr(face, name) is not None for name in names)


@pytest.mark.parametrize(("module", "names"), FOR_TESTS_OF_PLUGINS.items())
def test_what_tests_of_plugins_need_is_shipped(module: str, names: set[str]) -> None:
    assert names <= set(vars(importlib.import_module(module)))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'flowpar' has no attribute 'nothing'"):
        _ = flowpar.nothing


def test_importing_flowpar_costs_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import flowpar; print(*sorted(set(sys.modules) - before))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots - {"flowpar"} <= sys.stdlib_module_names
    assert [name for name in done.stdout.split() if name.startswith("flowpar")] == ["flowpar"]


def test_the_context_has_what_the_contract_says() -> None:
    fields = {field.name for field in dataclasses.fields(flowpar.plugin.TaskContext)}

    told = {"run_id", "task", "item", "attempt", "idempotency_key", "scratch", "env", "cwd", "logger"}
    assert told <= fields
    assert list(inspect.signature(flowpar.plugin.TaskContext.progress).parameters) == ["self", "done", "total", "note"]
    assert callable(flowpar.plugin.TaskContext.cancelled)


def test_the_decorators_options_are_these() -> None:
    options = {field.name for field in dataclasses.fields(flowpar.plugin.TaskOptions)}

    assert options == {"executor", "secrets", "preload", "streams", "resources", "check", "api", "files"}


def test_exit_codes_do_not_change() -> None:
    codes = {code.name: code.value for code in ExitCode}

    assert codes == {
        "OK": 0,
        "TASK_FAILED": 1,
        "USAGE": 2,
        "ENVIRONMENT": 3,
        "INTERNAL": 70,
        "TIMED_OUT": 124,
        "HUNG_UP": 129,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


def test_every_error_knows_its_exit_code() -> None:
    pending, seen = [FlowparError], set()
    while pending:
        error = pending.pop()
        seen.add(error)
        pending.extend(error.__subclasses__())

    assert all(error.exit_code in set(ExitCode) for error in seen)


def test_states_do_not_change() -> None:
    states = "pending ready running succeeded failed timed_out cancelled skipped cached"

    assert [str(state) for state in TaskState] == states.split()


def test_the_package_is_typed_and_its_version_is_told_once(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]

    assert (project_root / "flowpar" / "py.typed").is_file()
    assert project["version"] == flowpar.__version__
    assert project["scripts"] == {"flowpar": "flowpar.__main__:main"}


def test_built_in_task_types_are_registered_like_any_other(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]

    assert project["entry-points"]["flowpar.tasks"] == BUILT_IN
