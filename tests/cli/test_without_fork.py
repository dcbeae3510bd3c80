"""Where there is no fork, as on Windows: what reads workflows works, what runs them says where it would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

WORKFLOW = """\
flowpar: 1
name: small
tasks:
  a: {python: 'steps:make', with: {number: 1}}
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "steps.py").write_text("def make(number: int) -> int:\n    return number\n")
    path = os.pathsep.join([str(Path(__file__).with_name("without_fork")), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "flowpar", *words]
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_a_workflow_is_checked_without_fork(command: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    checked = command("check", "w.yaml")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "no findings\n")


def test_a_run_says_which_systems_it_needs(command: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    run = command("run", "w.yaml")
    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr == (
        'flowpar: "run" needs a system that can fork, such as Linux or macOS; on Windows, use it in WSL '
        "(what works here: check, explain, graph, schema, plugins, import, init, new)\n"
    )
