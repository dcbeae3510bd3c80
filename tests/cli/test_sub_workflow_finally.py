"""The `finally` of sub-workflows, by the real command: however their other tasks ended, and after a Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import PACE_S, flowpar, marks, start, states

PART = """\
flowpar: 1
inputs: {slow: {type: number, default: 0}, code: 0, name: part}
env: {MARKS: "${{ workflow.dir }}/marks", NAME: "${{ inputs.name }}"}
tasks:
  work: {shell: echo "$NAME work" >> "$MARKS"; sleep "$SLOW"; exit "$CODE",
         env: {SLOW: "${{ inputs.slow }}", CODE: "${{ inputs.code }}"}}
  after: {shell: echo after, needs: [work]}
finally:
  tidy:
    shell: echo "$NAME tidy $S ($F) $W" >> "$MARKS"
    env: {S: "${{ run.status }}", F: "${{ join(run.failed, ' ') }}", W: "${{ tasks.work.status }}"}
  last: {shell: echo "$NAME last" >> "$MARKS", needs: [tidy]}
outputs: {text: "${{ tasks.after.output.stdout }}"}
"""
OUTER = """\
flowpar: 1
inputs: {slow: {type: number, default: 0}, code: 0}
tasks:
  inner: {workflow: part.yaml, with: {slow: "${{ inputs.slow }}", code: "${{ inputs.code }}", name: inner}}
finally:
  tidy: {shell: echo "outer tidy $S" >> "$MARKS", env: {S: "${{ run.status }}", MARKS: "${{ workflow.dir }}/marks"}}
outputs: {text: "${{ tasks.inner.output.text }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part.yaml").write_text(PART)
    (tmp_path / "outer.yaml").write_text(OUTER)
    return tmp_path


def main_of(folder: Path, tasks: str, *, top: str = "") -> None:
    (folder / "main.yaml").write_text(f"flowpar: 1\n{top}tasks:\n{tasks}")


def test_it_runs_when_the_other_tasks_are_over_and_before_what_needs_the_whole(folder: Path) -> None:
    main_of(
        folder,
        "  part: {workflow: part.yaml}\n"
        '  after: {shell: echo "after" >> marks, needs: [part]}\n'
        'outputs: {text: "${{ tasks.part.output.text }}"}\n',
    )

    told = flowpar(folder, "run", "main.yaml", "--json")

    assert json.loads(told) == {"text": "after\n"}
    assert marks(folder) == ["part work", "part tidy succeeded () succeeded", "part last", "after"]


def test_it_runs_after_a_failure_knows_of_it_and_the_whole_has_failed(folder: Path) -> None:
    main_of(folder, '  part: {workflow: part.yaml, with: {code: 3}}\n  after: {shell: "true", needs: [part]}\n')

    flowpar(folder, "run", "main.yaml", code=1)

    assert marks(folder) == ["part work", "part tidy failed (work) failed", "part last"]
    assert (states(folder)["part"], states(folder)["after"]) == ("failed", "skipped")


def test_it_runs_after_a_timeout_of_the_whole(folder: Path) -> None:
    main_of(folder, "  part: {workflow: part.yaml, with: {slow: 60}, timeout: 3s}\n")

    flowpar(folder, "run", "main.yaml", code=1)

    assert marks(folder) == ["part work", "part tidy timed_out () cancelled", "part last"]
    assert states(folder)["part"] == "timed_out"


def test_it_does_not_run_where_the_whole_is_skipped(folder: Path) -> None:
    (folder / "skip.yaml").write_text(PART.replace("last: {", "last: {run_if: all_done, "))
    main_of(folder, "  part: {workflow: skip.yaml, if: workflow.name != 'main'}\n")

    flowpar(folder, "run", "main.yaml")

    assert not (folder / "marks").exists()
    assert set(states(folder).values()) == {"skipped"}


def test_a_task_of_it_that_fails_fails_the_whole(folder: Path) -> None:
    (folder / "bad.yaml").write_text("flowpar: 1\ntasks: {work: {shell: 'true'}}\nfinally: {tidy: {shell: exit 4}}\n")
    main_of(folder, "  part: {workflow: bad.yaml}\n")

    flowpar(folder, "run", "main.yaml", code=1)

    assert (states(folder)["part/tidy"], states(folder)["part"]) == ("failed", "failed")


def test_each_item_has_its_own(folder: Path) -> None:
    main_of(
        folder,
        "  choose: {python: {script: 'output = [0, 3]'}}\n"
        '  part: {workflow: part.yaml, for_each: "${{ tasks.choose.output }}", on_item_error: collect,'
        ' with: {code: "${{ each.item }}", name: "${{ str(each.index) }}"}}\n',
    )

    flowpar(folder, "run", "main.yaml", "-w", "1")

    assert sorted(line for line in marks(folder) if "tidy" in line) == [
        "0 tidy succeeded () succeeded",
        "1 tidy failed (work) failed",
    ]
    shown: dict[str, Any] = json.loads(flowpar(folder, "show", "last", "--json"))
    last = {task["task"] for task in shown["tasks"] if task["in_finally"]}
    assert last == {f"part[{item}]/{name}" for item in (0, 1) for name in ("tidy", "last")}
    assert "part[0]/tidy       finally" in flowpar(folder, "show", "last")


def test_a_workflow_may_stand_in_finally_and_have_its_own(folder: Path) -> None:
    main_of(folder, "  bad: {shell: exit 3}\nfinally:\n  part: {workflow: outer.yaml, with: {code: 0}}\n")

    flowpar(folder, "run", "main.yaml", code=1)

    assert marks(folder) == ["inner work", "inner tidy succeeded () succeeded", "inner last", "outer tidy succeeded"]
    assert states(folder)["part"] == "succeeded"


def interrupted(folder: Path, *, times: int = 1) -> int:
    """Run until the first task works, interrupt, and return the exit code."""
    run = start(folder, "run", "main.yaml")
    deadline = time.monotonic() + PACE_S
    while not (folder / "marks").exists() or not marks(folder):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(times):
        os.kill(run.pid, signal.SIGINT)
    code: int = run.wait(PACE_S)
    return code


def test_it_runs_after_a_ctrl_c_the_innermost_first_and_again_after_a_resume(folder: Path) -> None:
    main_of(
        folder,
        '  part: {workflow: outer.yaml, with: {slow: "${{ inputs.slow }}"}}\n'
        "  not-begun: {workflow: part.yaml, needs: [part], with: {name: no}}\n"
        'finally:\n  end: {shell: echo "end $S" >> marks, env: {S: "${{ run.status }}"}}\n',
        top="inputs: {slow: 30}\n",
    )

    assert interrupted(folder) == 130

    tidied = ["inner tidy interrupted () cancelled", "inner last", "outer tidy interrupted"]
    assert marks(folder) == ["inner work", *tidied, "end interrupted"]

    flowpar(folder, "resume", "-i", "slow=0")

    assert marks(folder)[5:] == [
        "inner work",
        "inner tidy succeeded () succeeded",
        "inner last",
        "outer tidy succeeded",
        "no work",
        "no tidy succeeded () succeeded",
        "no last",
        "end succeeded",
    ]


def test_what_is_done_stays_done_with_its_finally(folder: Path) -> None:
    main_of(
        folder,
        "  part: {workflow: part.yaml}\n  bad: {shell: test -e fine, needs: [part]}\n",
    )
    flowpar(folder, "run", "main.yaml", code=1)
    (folder / "fine").touch()

    flowpar(folder, "resume")

    assert marks(folder) == ["part work", "part tidy succeeded () succeeded", "part last"]


def test_a_task_that_waited_for_its_turn_is_told_once_as_failed(folder: Path) -> None:
    (folder / "one.yaml").write_text(
        "flowpar: 1\n"
        'tasks: {fit: {shell: "exit 1"}, fat: {shell: "exit 1"}}\n'
        'finally:\n  tidy: {shell: echo "$F" >> "$M",\n'
        '         env: {F: "${{ join(run.failed, \' \') }}", M: "${{ workflow.dir }}/marks"}}\n'
    )
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks: {many: {for_each: [1, 2], workflow: one.yaml, max_parallel: 1}}\n"
    )

    flowpar(folder, "run", "main.yaml", "-w", "4", code=1)

    assert [sorted(line.split()) for line in marks(folder)] == [["fat", "fit"]] * 2
