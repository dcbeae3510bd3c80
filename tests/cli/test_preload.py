"""`preload` as a user has it: the real command, and a package that says in which process it was imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)

PACKAGE = "import os\nHOME = os.getpid()\nSEEN = os.environ.get('SHOWN')\n"
STEPS = """
import os, signal, time
import heavy
from flowpar.plugin import TaskContext

def home(number: int) -> list[object]:
    return [heavy.HOME, heavy.SEEN, os.environ.get("SHOWN")]

def homes(number: int) -> list[int]:
    import hidden
    return [heavy.HOME, hidden.HOME]

def deadly(number: int, context: TaskContext) -> int:
    if number == 0 and context.attempt == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number
"""
WORKFLOW = """
flowpar: 1
{head}
tasks:
  use:
    for_each: {{number: "${{{{ range(4) }}}}"}}
    python: steps:{function}
    with: {{number: "${{{{ each.number }}}}"}}
    {more}
outputs:
  found: ${{{{ tasks.use.output }}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "heavy.py").write_text(PACKAGE)
    (tmp_path / "steps.py").write_text(STEPS)
    return tmp_path


def run(
    project: Path, *arguments: str, function: str = "home", head: str = "", more: str = ""
) -> tuple[list[Any], str]:
    (project / "w.yaml").write_text(WORKFLOW.format(function=function, head=head, more=more))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOWPAR_")}
    environment["PYTHONPATH"] = str(project / "site-packages")
    done = subprocess.run(
        [sys.executable, "-m", "flowpar", "run", "w.yaml", "--json", "-q", "-w", "2", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["found"], done.stderr


def test_a_package_is_imported_once_for_all_items(project: Path) -> None:
    found, told = run(project)

    assert len({home for home, _, _ in found}) == 1
    assert told == ""


def test_none_lets_each_item_import_it(project: Path) -> None:
    found, _ = run(project, head="preload: none")

    assert len({home for home, _, _ in found}) == 4


def test_a_list_is_imported_and_nothing_else(project: Path) -> None:
    (project / "site-packages" / "hidden.py").write_text(PACKAGE)
    found, _ = run(project, head="preload: [hidden]", function="homes")

    assert len({home for home, _ in found}) == 4
    assert len({hidden for _, hidden in found}) == 1


def test_the_workflows_environment_is_there_when_it_is_imported_and_is_not_laid_twice(project: Path) -> None:
    found, _ = run(project, head="env: {SHOWN: \"${{ default(env.SHOWN, '') }}x\"}")

    assert {(seen, own) for _, seen, own in found} == {("x", "x")}
    assert len({home for home, _, _ in found}) == 1


def test_an_environment_of_the_tasks_own_is_there_when_it_imports(project: Path) -> None:
    found, _ = run(project, more="env: {SHOWN: y}")

    assert {(seen, own) for _, seen, own in found} == {("y", "y")}
    assert len({home for home, _, _ in found}) == 4


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_other_start_methods_do_without(project: Path, method: str) -> None:
    found, told = run(project, "--start-method", method)

    assert len({home for home, _, _ in found}) == 4
    assert told == ""


def test_what_is_said_of_preloading_stands_in_the_log_once_and_never_in_the_journal(project: Path) -> None:
    (project / "site-packages" / "chatty.py").write_text("print('hello from an import')\n")
    threads = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (project / "site-packages" / "threads.py").write_text(threads)

    _, told = run(project, "--run-dir", "folder", head="preload: [chatty, heavy, threads]")

    assert told == 'flowpar: "threads" is not preloaded: its import leaves 1 thread running\n'
    lines = [json.loads(line) for line in (project / "folder" / "run.log.jsonl").read_text().splitlines()]
    noted = [(line["level"], line["message"], line.get("text")) for line in lines if line["event"] == "run.noted"]
    assert noted == [
        ("info", "packages printed this as they were imported for tasks", "hello from an import\n"),
        ("warning", '"threads" is not preloaded: its import leaves 1 thread running', None),
    ]
    assert "run.noted" not in (project / "folder" / "events.jsonl").read_text()


def test_a_task_that_kills_its_parent_is_tried_again_below_another_one(project: Path) -> None:
    found, told = run(project, function="deadly", more="retry: 3")

    assert found == [0, 1, 2, 3]
    assert "was killed by SIGKILL; another one is started" in told
