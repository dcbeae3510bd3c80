"""Plugins and the command line: who is imported when, and what a bad one costs whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

pytestmark = pytest.mark.timeout(180)

# Each import of the module leaves a line that says whether it happened beside the engine's libraries.
MODULE = """
import os, sys
from flowpar.plugin import task_type
with open(os.environ["IMPORTS"], "a") as stream:
    stream.write(f"{'networkx' in sys.modules}\\n")

@task_type(executor="thread")
def shout(text: str, *, times: int = 1) -> str:
    return text.upper() * times
"""
SHOUT = "flowpar: 1\nname: loud\ntasks: {a: {shout: hello}}\noutputs: {said: '${{ tasks.a.output }}'}\n"
QUIET = "flowpar: 1\nname: quiet\ntasks: {a: {shell: 'echo hello'}}\n"


class Machine:
    """A folder with installed distributions and workflows, and `flowpar` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir()
        (folder / "loud.yaml").write_text(SHOUT)
        (folder / "quiet.yaml").write_text(QUIET)

    def install(self, name: str, *, module: str | None, version: str = "1.0") -> None:
        record = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        home = name.replace("-", "_")
        (record / "entry_points.txt").write_text(f"[flowpar.tasks]\nshout = {home}:shout\n")
        if module is not None:
            (self.site / f"{home}.py").write_text(module)

    @property
    def imports(self) -> list[str]:
        file = self.folder / "imports"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        more = {"PYTHONPATH": str(self.site), "IMPORTS": str(self.folder / "imports"), "NO_COLOR": "1"}
        return {**os.environ, **more}

    def flowpar(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = warm.run(arguments, cwd=self.folder, env=self.environment)
        return done

    def cold(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that has nothing imported yet."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_installed_kind_runs_in_its_own_executor(machine: Machine) -> None:
    machine.install("flowpar-shout", module=MODULE)

    done = machine.flowpar("run", "loud.yaml", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (0, {"said": "HELLO"})
    (log,) = machine.folder.glob(".flowpar/runs/*/run.log.jsonl")
    started = [json.loads(line) for line in log.read_text().splitlines() if '"task.started"' in line]
    assert [line["executor"] for line in started] == ["thread"]


def test_only_workers_import_a_task_type(machine: Machine) -> None:
    machine.install("flowpar-shout", module=MODULE)

    machine.cold(sys.executable, "-m", "flowpar", "run", "loud.yaml")

    assert machine.imports == ["False"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "loud.yaml"),
        ("plan", "loud.yaml"),
        ("graph", "loud.yaml"),
        ("schema",),
        ("plugins",),
        ("run", "quiet.yaml"),
    ],
    ids=" ".join,
)
def test_nothing_else_imports_it(machine: Machine, arguments: tuple[str, ...]) -> None:
    machine.install("flowpar-shout", module=MODULE)

    done = machine.flowpar(*arguments)

    assert done.returncode == 0, done.stderr
    assert machine.imports == []


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            {"flowpar-a": MODULE, "flowpar-b": MODULE},
            'task type "shout" is claimed by flowpar-a 1.0 and by flowpar-b 1.0',
        ),
        ({"flowpar-a": None}, 'task type "shout" of flowpar-a 1.0 is not found: module "flowpar_a" is not found'),
        ({"flowpar-a": "def other(): ..."}, 'task type "shout" of flowpar-a 1.0 is not found: function "shout"'),
        ({"flowpar-a": "def (:"}, "flowpar_a.py:1 is not valid Python: invalid syntax"),
        ({"flowpar-a": MODULE.replace('"thread"', '"thread", api=99')}, "flowpar-a 1.0 needs plugin API 99"),
    ],
    ids=["two claims", "no module", "no function", "no Python", "a newer API"],
)
def test_a_bad_plugin_costs_those_who_use_it(machine: Machine, modules: dict[str, str | None], message: str) -> None:
    for name, module in modules.items():
        machine.install(name, module=module)

    used, unused = machine.flowpar("check", "loud.yaml"), machine.flowpar("check", "quiet.yaml")

    assert (used.returncode, unused.returncode) == (3, 0)
    assert message in used.stderr
    assert "Traceback" not in used.stderr


def test_an_executor_that_is_not_there_is_told_with_the_task_that_asks_for_it(machine: Machine) -> None:
    machine.install("flowpar-a", module=MODULE.replace('"thread"', '"threads"'))

    done = machine.flowpar("run", "loud.yaml")

    assert done.returncode == 3
    assert done.stderr.startswith('flowpar: task "a" can\'t be run: there is no executor "threads"; there are: process')
    assert 'did you mean "thread"?' in done.stderr


def test_a_bad_plugin_spoils_neither_schema_nor_list(machine: Machine) -> None:
    machine.install("flowpar-a", module=None)

    schema, listed = machine.flowpar("schema"), machine.flowpar("plugins", "--json")

    assert (schema.returncode, listed.returncode) == (0, 0)
    assert '"shout"' not in schema.stdout
    problems = {line["kind"]: line["problem"] for line in json.loads(listed.stdout)}
    assert problems["shell"] is None
    assert "is not found" in problems["shout"]


def test_the_schema_has_an_installed_kind_with_its_keys(machine: Machine) -> None:
    machine.install("flowpar-shout", module=MODULE)

    text = machine.flowpar("schema").stdout

    assert '"shout"' in text
    assert '"times"' in text


def test_a_plugin_that_cannot_be_imported_fails_its_task(machine: Machine) -> None:
    machine.install("flowpar-shout", module=MODULE + "\nraise RuntimeError('no licence')\n")

    done = machine.flowpar("run", "loud.yaml")

    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert "no licence" in done.stderr
    assert "flowpar/execute" not in done.stderr


def test_without_plugins_an_installed_kind_is_unknown(machine: Machine) -> None:
    machine.install("flowpar-shout", module=MODULE)

    done = machine.flowpar("check", "--no-plugins", "loud.yaml")

    assert done.returncode == 2
    assert 'unknown kind "shout"' in done.stdout


def test_a_file_of_the_current_folder_shadows_nothing(machine: Machine) -> None:
    """Looking at a workflow never runs what lies beside it."""
    for name in ("yaml", "pydantic"):
        (machine.folder / f"{name}.py").write_text("raise SystemExit('ran what lay about')\n")
    machine.install("flowpar-shout", module=MODULE)

    done = machine.cold(str(Path(sys.executable).with_name("flowpar")), "check", "loud.yaml")

    assert "ran what lay about" not in done.stdout + done.stderr
    assert done.returncode == 0
