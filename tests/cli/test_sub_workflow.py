"""Sub-workflows by the real command: nested, mapped, failing, cut off and gone on with."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import flowpar, marks, start, states

PACE_S = 80.0
LEAF = """\
flowpar: 1
inputs: {value: {type: integer, maximum: 1000}, slow: 0}
tasks:
  once:
    shell: |
      echo "$FLOWPAR_TASK" >> "$MARKS"
      until test "$SLOW" = 0 -o -e "$MARKS-go"; do sleep 0.02; done
      echo "$V"
    env: {V: "${{ inputs.value }}", SLOW: "${{ inputs.slow }}", MARKS: "${{ workflow.dir }}/marks"}
  double:
    for_each: [1, 2]
    shell: echo "$FLOWPAR_TASK" "$FLOWPAR_ITEM" >> "$MARKS"; echo $((V * 2))
    env: {V: "${{ int(strip(tasks.once.output.stdout)) }}", MARKS: "${{ workflow.dir }}/marks"}
outputs:
  sum: ${{ sum([int(strip(d.stdout)) for d in tasks.double.output]) }}
"""
MIDDLE = """\
flowpar: 1
inputs: {value: {type: integer}}
tasks:
  leaf: {workflow: leaf.yaml, with: {value: "${{ inputs.value + 1 }}"}}
outputs: {sum: "${{ tasks.leaf.output.sum }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "leaf.yaml").write_text(LEAF)
    (tmp_path / "middle.yaml").write_text(MIDDLE)
    return tmp_path


def test_fifty_items_two_deep_come_to_the_right_numbers(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ninputs: {upto: 50}\ntasks:\n"
        '  each: {for_each: "${{ range(inputs.upto) }}", workflow: middle.yaml, with: {value: "${{ each.item }}"}}\n'
        'outputs: {sums: "${{ [one.sum for one in tasks.each.output] }}"}\n'
    )

    told = flowpar(folder, "run", "main.yaml", "--json", "-w", "1")

    assert json.loads(told)["sums"] == [4 * (value + 1) for value in range(50)]
    expected = [f"each[{item}]/leaf/once" for item in range(50)]
    assert sorted(line for line in marks(folder) if line.endswith("once")) == sorted(expected)
    assert len(set(marks(folder))) == len(marks(folder)) == 150


def test_a_task_that_fails_fails_its_workflow_and_what_needs_that(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n  choose: {shell: echo 5000}\n"
        '  bad: {workflow: leaf.yaml, with: {value: "${{ int(strip(tasks.choose.output.stdout)) }}"}}\n'
        '  after: {shell: "true", needs: [bad]}\n  other: {shell: "true"}\n'
    )

    flowpar(folder, "run", "main.yaml", code=1)

    found = states(folder)
    assert (found["bad/(inputs)"], found["bad/once"], found["bad"]) == ("failed", "skipped", "failed")
    assert (found["after"], found["other"]) == ("skipped", "succeeded")


def test_a_workflow_that_may_fail_lets_the_run_succeed(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  bad: {workflow: broken.yaml, allow_failure: true}\n"
        '  after: {shell: \'echo "$E"\', env: {E: "${{ tasks.bad.status }}"}}\n'
        'outputs: {status: "${{ strip(tasks.after.output.stdout) }}"}\n'
    )
    (folder / "broken.yaml").write_text('flowpar: 1\ntasks:\n  no: {shell: exit 3}\n  yes: {shell: "true"}\n')

    told = flowpar(folder, "run", "main.yaml", "--json")

    assert json.loads(told) == {"status": "failed"}
    assert states(folder)["bad/yes"] == "succeeded"


def test_a_condition_skips_the_whole(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ninputs: {wanted: false}\ntasks:\n"
        "  part: {if: inputs.wanted, workflow: leaf.yaml, with: {value: 1}}\n"
        'outputs: {sum: "${{ default(tasks.part.output.sum, 0) }}"}\n'
    )

    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"sum": 0}
    assert set(states(folder).values()) == {"skipped"}
    assert json.loads(flowpar(folder, "run", "main.yaml", "--json", "-i", "wanted=true")) == {"sum": 4}


def test_a_run_that_is_killed_goes_on_inside_its_sub_workflows(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n"
        "  fast: {workflow: leaf.yaml, with: {value: 1}}\n"
        '  slow: {workflow: leaf.yaml, with: {value: "${{ tasks.fast.output.sum }}", slow: 1}}\n'
        'outputs: {sum: "${{ tasks.slow.output.sum }}"}\n'
    )
    run = start(folder, "run", "main.yaml")
    deadline = time.monotonic() + PACE_S
    while not (folder / "marks").exists() or "slow/once" not in marks(folder):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(PACE_S)
    (folder / "marks-go").touch()

    told = flowpar(folder, "resume", "--json")

    assert json.loads(told) == {"sum": 16}
    counted = {line: marks(folder).count(line) for line in marks(folder)}
    assert {line for line, times in counted.items() if times > 1} <= {"slow/once"}


def test_a_part_runs_again_by_its_id_and_a_whole_by_its_own(folder: Path) -> None:
    (folder / "main.yaml").write_text("flowpar: 1\ntasks:\n  part: {workflow: leaf.yaml, with: {value: 1}}\n")
    flowpar(folder, "run", "main.yaml")
    flowpar(folder, "resume", "--from", "part/double[1]")
    assert len(marks(folder)) == 4

    flowpar(folder, "resume", "--from", "part")

    assert len(marks(folder)) == 7


def test_logs_know_the_tasks_of_an_item_by_their_ids(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        'flowpar: 1\ntasks:\n  part: {for_each: [4, 7], workflow: leaf.yaml, with: {value: "${{ each.item }}"}}\n'
    )
    flowpar(folder, "run", "main.yaml")

    assert flowpar(folder, "logs", "last", "part[1]/once") == "7\n"
    assert flowpar(folder, "logs", "last", "part[0]/double[1]") == "8\n"


LISTED = """\
flowpar: 1
tasks:
  list: {python: {script: "output = [3, 5, 8]"}}
  each:
    for_each: ${{ tasks.list.output }}
    workflow: LEAF
    with: {value: "${{ each.item }}"}
outputs: {sums: "${{ [one.sum for one in tasks.each.output] }}"}
"""


def test_items_that_a_task_gives_are_workflows_too(folder: Path) -> None:
    (folder / "main.yaml").write_text(LISTED.replace("LEAF", "leaf.yaml"))

    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"sums": [12, 20, 32]}
    assert states(folder)["each[2]/double"] == "succeeded"


def test_they_may_be_nested_in_each_other(folder: Path) -> None:
    inner = LISTED.replace("LEAF", "leaf.yaml").replace("tasks:", "inputs: {value: {type: integer}}\ntasks:", 1)
    (folder / "inner.yaml").write_text(inner.replace("each.item }}", "each.item + inputs.value }}"))
    outer = LISTED.replace("LEAF", "inner.yaml").replace("one.sum", "sum(one.sums)")
    (folder / "main.yaml").write_text(outer)

    told = json.loads(flowpar(folder, "run", "main.yaml", "--json"))

    assert told == {"sums": [4 * sum(a + b for b in (3, 5, 8)) for a in (3, 5, 8)]}
    assert len(set(marks(folder))) == len(marks(folder)) == 27


def test_a_run_that_is_killed_goes_on_inside_the_items_that_a_task_gave(folder: Path) -> None:
    main = LISTED.replace("LEAF", "leaf.yaml").replace('}"}\noutputs', '}", slow: "${{ each.index }}"}\noutputs')
    (folder / "main.yaml").write_text(main)
    run = start(folder, "run", "main.yaml", "-w", "3")
    deadline = time.monotonic() + PACE_S
    while not (folder / "marks").exists() or not {"each[2]/once", "each[0]/double 1"} <= set(marks(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(PACE_S)
    (folder / "marks-go").touch()

    told = flowpar(folder, "resume", "--json")

    assert json.loads(told) == {"sums": [12, 20, 32]}
    assert marks(folder).count("each[0]/once") == 1
    twice = {line for line in marks(folder) if marks(folder).count(line) > 1}
    assert len(twice) <= 3  # what was in flight
    assert flowpar(folder, "resume", "--json") == told
    assert marks(folder).count("each[0]/once") == 1


def test_items_that_fail_are_collected_where_that_is_wanted(folder: Path) -> None:
    main = LISTED.replace("LEAF", "leaf.yaml").replace("[3, 5, 8]", "[3, 5000, 8]")
    collected = main.replace("    for_each", "    on_item_error: collect\n    for_each")
    (folder / "main.yaml").write_text(collected.replace("one.sum for", "None if one is None else one.sum for"))

    assert json.loads(flowpar(folder, "run", "main.yaml", "--json")) == {"sums": [12, None, 32]}
    assert states(folder)["each[1]"] == "failed"

    (folder / "main.yaml").write_text(main)
    flowpar(folder, "run", "main.yaml", code=1)
    assert (states(folder)["each[2]"], states(folder)["each"]) == ("succeeded", "failed")


def test_a_run_that_goes_on_counts_what_had_joined_it_among_its_tasks(folder: Path) -> None:
    (folder / "main.yaml").write_text(LISTED.replace("LEAF", "leaf.yaml").replace("[3, 5, 8]", "[3, 5000, 8]"))
    flowpar(folder, "run", "main.yaml", "--run-dir", "run", code=1)

    flowpar(folder, "resume", "run", code=1)

    told = [json.loads(line) for line in (folder / "run" / "events.jsonl").read_text().splitlines()]
    (again,) = [event for event in told if event["event"] == "run.resumed"]
    names = [name for layer in again["layers"] for name in layer]
    assert {"list", "each", "each[0]", "each[2]/double"} <= set(names)
    assert len(set(names)) == len(names) > again["kept"] > 4


def test_a_resume_of_what_is_done_counts_all_that_was_done(folder: Path) -> None:
    (folder / "main.yaml").write_text(LISTED.replace("LEAF", "leaf.yaml"))
    flowpar(folder, "run", "main.yaml", "--run-dir", "run")

    flowpar(folder, "resume", "run")

    told = [json.loads(line) for line in (folder / "run" / "events.jsonl").read_text().splitlines()]
    counts = [event["counts"] for event in told if event["event"] == "run.finished"]
    assert counts[0] == counts[1]
    assert sum(counts[0].values()) > 9  # the tasks of three items, what makes these, and the whole


def test_a_workflow_may_run_because_something_failed(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        "flowpar: 1\ntasks:\n  bad: {shell: exit 3, allow_failure: false}\n"
        "  mend: {needs: [bad], run_if: one_failed, workflow: leaf.yaml, with: {value: 1}}\n"
        "  never: {needs: [mend], run_if: one_failed, workflow: leaf.yaml, with: {value: 2}}\n"
    )

    flowpar(folder, "run", "main.yaml", code=1)

    found = states(folder)
    assert (found["mend/double"], found["mend"]) == ("succeeded", "succeeded")
    assert (found["never/once"], found["never"]) == ("skipped", "skipped")
