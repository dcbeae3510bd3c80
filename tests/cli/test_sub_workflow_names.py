"""Tasks of sub-workflows by their names: `--only`, `--from` and `logs`, those included that only the run knows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import command, states

PART = """\
flowpar: 1
inputs: {row: 0, base: 0}
env: {MARKS: "${{ workflow.dir }}/marks"}
tasks:
  load: {shell: echo "$FLOWPAR_TASK $ROW $BASE" | tee -a "$MARKS",
         env: {ROW: "${{ inputs.row }}", BASE: "${{ inputs.base }}"}}
  fit: {shell: test ! -e "$MARKS-bad"; echo "$FLOWPAR_TASK" >> "$MARKS", needs: [load]}
  other: {shell: echo "$FLOWPAR_TASK" >> "$MARKS"}
finally:
  tidy: {shell: echo "$FLOWPAR_TASK $S" >> "$MARKS", env: {S: "${{ run.status }}"}}
outputs: {text: "${{ tasks.load.output.stdout }}"}
"""
OUTER = """\
flowpar: 1
inputs: {rows: {type: list}}
tasks:
  in: {for_each: "${{ inputs.rows }}", workflow: part.yaml, with: {row: "${{ each.item }}"}}
outputs: {texts: "${{ [one.text for one in tasks.in.output] }}"}
"""
MAIN = """\
flowpar: 1
tasks:
  rows: {python: {script: "output = [5, 6]"}}
  base: {python: {script: "output = 40"}}
  one: {workflow: part.yaml}
  many: {workflow: part.yaml, for_each: [1, 2], with: {row: "${{ each.item }}"}}
  late: {workflow: part.yaml, for_each: "${{ tasks.rows.output }}",
         with: {row: "${{ each.item }}", base: "${{ tasks.base.output }}"}}
  deep: {workflow: outer.yaml, with: {rows: "${{ tasks.rows.output }}"}}
outputs: {late: "${{ [one.text for one in tasks.late.output] }}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"part.yaml": PART, "outer.yaml": OUTER, "main.yaml": MAIN}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def marks(folder: Path) -> list[str]:
    found = (folder / "marks").read_text().splitlines()
    (folder / "marks").unlink()
    return sorted(found)


@pytest.mark.parametrize(
    ("only", "ran"),
    [
        (["one/load"], ["one/load 0 0", "one/tidy succeeded"]),
        (["one/fit"], ["one/fit", "one/load 0 0", "one/tidy succeeded"]),
        (["many[1]/load"], ["many[1]/load 2 0", "many[1]/tidy succeeded"]),
        (
            ["many/load", "one/other"],
            [
                *("many[0]/load 1 0", "many[0]/tidy succeeded", "many[1]/load 2 0", "many[1]/tidy succeeded"),
                *("one/other", "one/tidy succeeded"),
            ],
        ),
        (["late[1]/fit"], ["late[1]/fit", "late[1]/load 6 40", "late[1]/tidy succeeded"]),
        (
            ["late[0]/load", "late[1]/other"],
            ["late[0]/load 5 40", "late[0]/tidy succeeded", "late[1]/other", "late[1]/tidy succeeded"],
        ),
        (["late[0]"], ["late[0]/fit", "late[0]/load 5 40", "late[0]/other", "late[0]/tidy succeeded"]),
        (["deep/in[1]/load"], ["deep/in[1]/load 6 0", "deep/in[1]/tidy succeeded"]),
        (
            ["deep/in/other"],
            ["deep/in[0]/other", "deep/in[0]/tidy succeeded", "deep/in[1]/other", "deep/in[1]/tidy succeeded"],
        ),
    ],
    ids=" ".join,
)
def test_only_takes_a_task_and_what_it_needs(folder: Path, only: list[str], ran: list[str]) -> None:
    command(folder, "run", "main.yaml", *(word for name in only for word in ("--only", name)))

    assert marks(folder) == ran
    assert set(states(folder).values()) == {"succeeded"}


def test_only_says_what_is_not_there_before_the_run_or_as_soon_as_it_knows(folder: Path) -> None:
    told = command(folder, "run", "main.yaml", "--only", "one/lod", code=2).stderr
    assert '--only names "one/lod", which is not a task of the workflow; did you mean "one/load"?' in told
    told = command(folder, "run", "main.yaml", "--only", "one/tidy", code=2).stderr
    assert '--only names "one/tidy", which stands in finally and runs in any case' in told

    told = command(folder, "run", "main.yaml", "--only", "late[7]/load", code=2).stderr

    assert '--only names item 7 of "late", which has 2 items, counted from 0' in told


def test_a_resume_keeps_to_what_was_wanted_of_an_item(folder: Path) -> None:
    (folder / "marks-bad").touch()
    command(folder, "run", "main.yaml", "--only", "late[1]/fit", code=1)
    assert marks(folder) == ["late[1]/load 6 40", "late[1]/tidy failed"]
    (folder / "marks-bad").unlink()

    command(folder, "resume")

    assert marks(folder) == ["late[1]/fit", "late[1]/tidy succeeded"]


def test_from_runs_a_task_again_in_one_item_or_in_all(folder: Path) -> None:
    command(folder, "run", "main.yaml")
    marks(folder)

    command(folder, "resume", "--from", "late[1]/fit")
    assert marks(folder) == ["late[1]/fit", "late[1]/tidy succeeded"]
    command(folder, "resume", "--from", "late/fit")
    assert marks(folder) == ["late[0]/fit", "late[0]/tidy succeeded", "late[1]/fit", "late[1]/tidy succeeded"]
    command(folder, "resume", "--from", "deep/in/other")
    assert [line for line in marks(folder) if "other" in line] == ["deep/in[0]/other", "deep/in[1]/other"]
    command(folder, "resume", "--from", "late[0]")
    assert len(marks(folder)) == 4


def test_logs_know_a_workflow_with_all_of_its_tasks(folder: Path) -> None:
    command(folder, "run", "main.yaml")

    assert command(folder, "logs", "last", "late[1]/load").stdout == "late[1]/load 6 40\n"
    assert command(folder, "logs", "last", "late[1]").stdout == "late[1]/load 6 40\n"
    told = command(folder, "logs", "last", "late/load").stdout
    assert "late[0]/load 5 40" in told
    assert "late[1]/load 6 40" in told
    assert len(json.loads(command(folder, "logs", "last", "deep", "--json").stdout)) == 2


KEYED = """\
flowpar: 1
inputs: {names: {type: list, default: [emma, "7", moby]}}
tasks:
  count: {for_each: {name: "${{ inputs.names }}"}, key: each.name, shell: echo "$N" | tee -a marks,
          env: {N: "${{ each.name }}"}}
"""


def test_items_are_known_by_their_keys(folder: Path) -> None:
    (folder / "main.yaml").write_text(KEYED)
    command(folder, "run", "main.yaml")
    marks(folder)

    assert command(folder, "logs", "last", "count[moby]").stdout == "moby\n"
    assert command(folder, "logs", "last", "count[0]").stdout == "emma\n"
    assert command(folder, "logs", "last", 'count["7"]').stdout == "7\n"
    assert 'no item of "count" has that key' in command(folder, "logs", "last", "count[else]", code=2).stderr
    command(folder, "resume", "--from", "count[moby]")
    assert marks(folder) == ["moby"]
    told = command(folder, "resume", "--from", "count[else]", code=2).stderr
    assert '"count[else]" names no item; no item of "count" has that key in this run' in told
