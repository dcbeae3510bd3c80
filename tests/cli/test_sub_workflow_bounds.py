"""Sub-workflows as wholes, by the real command: how long they may take, how many items at once, who ends whom."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import flowpar, states, tasks

PART = """\
flowpar: 1
inputs: {number: 0, slow: {type: number, default: 0}, code: 0}
tasks:
  work:
    shell: echo "$FLOWPAR_TASK" >> "$MARKS"; sleep "$SLOW"; exit "$CODE"
    env: {SLOW: "${{ inputs.slow }}", CODE: "${{ inputs.code }}", MARKS: "${{ workflow.dir }}/marks"}
  items: {for_each: [1, 2], shell: sleep "$SLOW", env: {SLOW: "${{ inputs.slow }}"}}
  after: {shell: echo after, needs: [work]}
  always: {shell: echo always, needs: [work], run_if: all_done}
outputs: {text: "${{ tasks.after.output.stdout }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part.yaml").write_text(PART)
    return tmp_path


def test_a_workflow_that_takes_too_long_ends_with_all_of_it_and_counts_as_timed_out(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  part: {workflow: part.yaml, with: {slow: 30}, timeout: 500ms}\n"
        '  told: {shell: \'echo "$E"\', run_if: all_done, env: {E: "${{ default(tasks.part.error.message, 0) }}"}}\n'
        '  other: {shell: "true"}\n'
    )

    flowpar(folder, "run", "main.yaml", "-w", "4", code=1)

    found = states(folder)
    assert found.pop("part/after") == "skipped"
    assert {name for name, state in found.items() if state == "cancelled"} == {"part/work", "part/items", "part/always"}
    assert (found["part"], found["told"], found["other"]) == ("timed_out", "succeeded", "succeeded")
    assert flowpar(folder, "logs", "last", "told") == "ran longer than its timeout of 500ms\n"


def test_a_run_whose_workflow_took_too_long_goes_on_with_time_anew(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ninputs: {slow: 30}\ntasks:\n"
        '  part: {workflow: part.yaml, with: {slow: "${{ inputs.slow }}"}, timeout: 6s}\n'
        'outputs: {text: "${{ tasks.part.output.text }}"}\n'
    )
    flowpar(folder, "run", "main.yaml", "-w", "4", "-i", "slow=30", code=1)

    told = flowpar(folder, "resume", "-w", "4", "-i", "slow=0", "--json")

    assert json.loads(told) == {"text": "after\n"}
    assert states(folder)["part"] == "succeeded"


def test_a_timeout_that_may_be_lets_the_run_succeed(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n  part: {workflow: part.yaml, with: {slow: 30}, timeout: 300ms, allow_failure: true}\n"
        '  after: {shell: "true", needs: [part]}\n'
    )

    flowpar(folder, "run", "main.yaml", "-w", "4")

    assert (states(folder)["part"], states(folder)["after"]) == ("timed_out", "succeeded")


def test_an_item_that_takes_too_long_ends_alone(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  part: {workflow: part.yaml, for_each: {slow: [0, 60]}, timeout: 6s, on_item_error: collect,"
        ' with: {slow: "${{ each.slow }}"}}\n'
        'outputs: {are_there: "${{ [one is not None for one in tasks.part.output] }}"}\n'
    )

    told = flowpar(folder, "run", "main.yaml", "-w", "4", "--json")

    assert json.loads(told) == {"are_there": [True, False]}
    assert (states(folder)["part[0]"], states(folder)["part[1]"]) == ("succeeded", "timed_out")


@pytest.mark.parametrize("items", ["[0, 1, 2, 3, 4, 5]", '"${{ tasks.choose.output }}"'])
def test_no_more_items_go_on_at_once_than_max_parallel_says(folder: Path, items: str) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n  choose: {python: {script: 'output = [0, 1, 2, 3, 4, 5]'}}\n"
        f"  part: {{workflow: part.yaml, for_each: {items}, max_parallel: 2,"
        ' with: {number: "${{ each.item }}", slow: 0.05}}\n'
        'outputs: {count: "${{ len(tasks.part.output) }}"}\n'
    )

    told = flowpar(folder, "run", "main.yaml", "-w", "4", "--json")

    assert json.loads(told) == {"count": 6}
    going: set[str] = set()
    runs = list((folder / ".flowpar" / "runs").iterdir())
    for event in map(json.loads, (runs[0] / "events.jsonl").read_text().splitlines()):
        name = str(event.get("task", ""))
        if event["event"] == "task.started" and name.startswith("part["):
            going.add(name.partition("]")[0])
            assert len(going) <= 2
        if event["event"] == "task.succeeded" and name.startswith("part[") and name.endswith("]"):
            going.discard(name.partition("]")[0])


def test_an_item_that_fails_ends_the_others_under_fail_fast(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  part: {workflow: bad.yaml, for_each: {slow: [30, 0, 30, 30]}, on_item_error: fail_fast, max_parallel: 3,"
        ' with: {slow: "${{ each.slow }}"}}\n'
    )
    (folder / "bad.yaml").write_text(
        "flowpar: 1\ninputs: {slow: 0}\ntasks:\n"
        '  work: {shell: sleep "$SLOW"; test "$SLOW" -gt 0, env: {SLOW: "${{ inputs.slow }}"}}\n'
        "  after: {shell: echo, needs: [work], run_if: all_done}\n"
    )

    flowpar(folder, "run", "main.yaml", "-w", "4", code=1)

    found = states(folder)
    assert [found[f"part[{item}]"] for item in range(4)] == ["cancelled", "failed", "cancelled", "cancelled"]
    assert found["part"] == "failed"
    assert tasks(folder)["part[3]/work"]["attempt"] == 0


def test_items_that_may_fail_are_a_failure_that_may_be(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  part: {workflow: part.yaml, for_each: {code: [0, 3]}, allow_failure: true,"
        ' with: {code: "${{ each.code }}"}}\n'
        '  after: {shell: "true", needs: [part]}\n'
        'outputs: {status: "${{ default(tasks.part.output, 7) }}"}\n'
    )

    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"status": 7}
    assert (states(folder)["part"], states(folder)["after"]) == ("failed", "succeeded")
