"""Sub-workflows that repeat, by the real command: rounds of several tasks, their limit and delay, a cut in between."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import PACE_S, flowpar, marks, start

STEP = """\
flowpar: 1
inputs: {x: {type: number}, slow: ""}
tasks:
  halve: {python: {script: "output = x / 2"}, with: {x: "${{ inputs.x }}"}}
  mark:
    shell: |
      echo "$FLOWPAR_TASK" >> "$MARKS"
      until test "$FLOWPAR_TASK" != "$SLOW" -o -e "$MARKS-go"; do sleep 0.02; done
    needs: [halve]
    env: {MARKS: "${{ workflow.dir }}/marks", SLOW: "${{ inputs.slow }}"}
outputs: {x: "${{ tasks.halve.output }}"}
"""
REFINE = """\
flowpar: 1
inputs: {max: 9, goal: 1.5, slow: "", on_max: fail}
tasks:
  start: {python: {script: "output = 16"}}
  refine:
    workflow: step.yaml
    with: {x: "${{ default(previous.x, tasks.start.output) }}", slow: "${{ inputs.slow }}"}
    repeat: {until: output.x < inputs.goal, max: "${{ inputs.max }}", delay: 20ms, on_max: "${{ inputs.on_max }}"}
outputs: {x: "${{ tasks.refine.output.x }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "step.yaml").write_text(STEP)
    (tmp_path / "main.yaml").write_text(REFINE)
    return tmp_path


def test_all_of_it_runs_again_until_its_outputs_are_what_is_wanted(folder: Path) -> None:
    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"x": 1.0}
    assert marks(folder) == [f"refine@{lap}/mark" for lap in range(1, 5)]


def test_its_last_round_may_do_and_too_few_are_a_failure_that_goes_on_with_more(folder: Path) -> None:
    told = flowpar(folder, "run", "main.yaml", "--json", "-i", "max=2", "-i", "on_max=succeed")
    assert json.loads(told) == {"x": 4.0}

    flowpar(folder, "run", "main.yaml", "-i", "max=3", code=1)
    assert "3 rounds were made" in flowpar(folder, "show", "last")
    (folder / "marks").unlink()
    told = flowpar(folder, "resume", "--json", "-i", "max=9")

    assert json.loads(told) == {"x": 1.0}
    assert marks(folder) == ["refine@4/mark"]


def test_a_run_that_is_killed_goes_on_in_the_round_that_it_was_in(folder: Path) -> None:
    run = start(folder, "run", "main.yaml", "-i", "slow=refine@3/mark")
    deadline = time.monotonic() + PACE_S
    while not (folder / "marks").exists() or "refine@3/mark" not in marks(folder):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(PACE_S)
    (folder / "marks-go").touch()

    told = flowpar(folder, "resume", "--json")

    assert json.loads(told) == {"x": 1.0}
    counted = {line: marks(folder).count(line) for line in marks(folder)}
    assert set(counted) == {f"refine@{lap}/mark" for lap in range(1, 5)}
    assert {line for line, times in counted.items() if times > 1} <= {"refine@3/mark"}


def test_each_item_that_a_task_gives_repeats_by_itself_and_again_inside(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n  rows: {python: {script: 'output = [4, 16]'}}\n"
        '  late: {workflow: middle.yaml, for_each: "${{ tasks.rows.output }}", max_parallel: 1,'
        ' with: {x: "${{ default(previous.x, each.item) }}"}, repeat: {until: output.x < 1, max: 4}}\n'
        'outputs: {xs: "${{ [one.x for one in tasks.late.output] }}"}\n'
    )
    (folder / "middle.yaml").write_text(
        "flowpar: 1\ninputs: {x: {type: number}}\ntasks:\n"
        '  in: {workflow: step.yaml, with: {x: "${{ default(previous.x, inputs.x) }}"},'
        " repeat: {until: output.x < 5, max: 9}}\n"
        'outputs: {x: "${{ tasks.in.output.x }}"}\n'
    )

    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"xs": [0.5, 0.5]}
    assert [line for line in marks(folder) if "[1]" in line] == [
        "late[1]@1/in@1/mark",
        "late[1]@1/in@2/mark",
        "late[1]@2/in@1/mark",
        "late[1]@3/in@1/mark",
        "late[1]@4/in@1/mark",
    ]


def test_a_round_that_fails_fails_the_whole_and_a_condition_skips_it(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ninputs: {wanted: true}\ntasks:\n"
        "  bad: {workflow: bad.yaml, if: inputs.wanted, repeat: {until: output.x > 1, max: 3}}\n"
    )
    (folder / "bad.yaml").write_text("flowpar: 1\ntasks: {no: {shell: exit 3}}\noutputs: {x: 1}\n")

    flowpar(folder, "run", "main.yaml", code=1)
    assert 'task "bad@1" failed' in flowpar(folder, "show", "last", "--json").replace('\\"', '"')
    flowpar(folder, "run", "main.yaml", "-i", "wanted=false")
