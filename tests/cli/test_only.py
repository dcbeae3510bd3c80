"""`--only` runs some tasks with all that they need, says which outputs it left out, and a resume keeps to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

if TYPE_CHECKING:
    import subprocess

WORKFLOW = """
flowpar: 1
tasks:
  a: {shell: echo a}
  b: {needs: [a], shell: test -e there}
  c: {shell: echo c}
finally:
  tidy: {shell: [echo, "${{ tasks.b.status }}", "${{ tasks.c.status }}"]}
outputs:
  a: ${{ tasks.a.output.stdout }}
  c: ${{ tasks.c.output.stdout }}
  tidy: last
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return tmp_path


def flowpar(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = warm.run(words, cwd=folder)
    return done


def states(folder: Path) -> dict[str, str]:
    shown = json.loads(flowpar(folder, "show", "last", "--json").stdout)
    return {task["task"]: task["state"] for task in shown["tasks"]}


def test_outputs_that_need_other_tasks_are_left_out_and_named(folder: Path) -> None:
    done = flowpar(folder, "run", "w.yaml", "--only", "a", "--json")

    assert json.loads(done.stdout) == {"a": "a\n", "tidy": "last"}
    assert "left out with the tasks that they need: c" in done.stderr
    assert states(folder) == {"a": "succeeded", "tidy": "succeeded"}


def test_a_resume_keeps_to_the_selection_and_the_next_run_is_whole(folder: Path) -> None:
    failed = flowpar(folder, "run", "w.yaml", "--only", "b")
    (folder / "there").touch()

    done = flowpar(folder, "resume", "--json")

    assert failed.returncode == 1
    assert done.returncode == 0, done.stderr
    assert states(folder) == {"a": "succeeded", "b": "succeeded", "tidy": "succeeded"}
    assert json.loads(flowpar(folder, "run", "w.yaml", "--json").stdout) == {"a": "a\n", "c": "c\n", "tidy": "last"}


@pytest.mark.parametrize("command", ["run", "plan", "graph"])
def test_a_name_that_is_no_task_ends_with_2_and_the_nearest(folder: Path, command: str) -> None:
    done = flowpar(folder, command, "w.yaml", "--only", "aa")

    assert done.returncode == 2
    assert 'did you mean "a"?' in done.stderr
