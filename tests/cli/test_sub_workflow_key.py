"""Items of a sub-workflow that have keys: their names, and a run that goes on with a list that has changed."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import PACE_S, command, start

PART = """\
flowpar: 1
inputs: {name: "", size: 0, slow: false}
env: {MARKS: "${{ workflow.dir }}/marks"}
tasks:
  load: {shell: echo "$FLOWPAR_TASK $SIZE" | tee -a "$MARKS", env: {SIZE: "${{ inputs.size }}"}}
  each:
    needs: [load]
    for_each: [left, right]
    key: each.item
    shell: 'if test "$SLOW" = true; then test -e "$MARKS-go" || sleep 60; fi; echo "$FLOWPAR_TASK $KEY" >> "$MARKS"'
    env: {SLOW: "${{ inputs.slow }}", KEY: "${{ each.key }}"}
outputs: {text: "${{ inputs.name }} ${{ inputs.size }}"}
"""
KNOWN = """\
flowpar: 1
tasks:
  many:
    for_each: {row: ROWS}
    key: each.row.name
    workflow: part.yaml
    with: {name: "${{ each.key }}", size: "${{ each.row.size }}", slow: "${{ default(each.row.slow, False) }}"}
outputs: {texts: "${{ [one.text for one in tasks.many.output] }}"}
"""
LATE = """\
flowpar: 1
tasks:
  rows: {shell: {run: cat rows.json, capture: json}}
  many:
    for_each: {row: "${{ tasks.rows.output }}"}
    key: each.row.name
    workflow: part.yaml
    with: {name: "${{ each.key }}", size: "${{ each.row.size }}", slow: "${{ default(each.row.slow, False) }}"}
outputs: {texts: "${{ [one.text for one in tasks.many.output] }}"}
"""
Rows = list[dict[str, object]]
EMMA: dict[str, object] = {"name": "emma", "size": 1}
MOBY: dict[str, object] = {"name": "moby", "size": 2}
DUNE: dict[str, object] = {"name": "dune", "size": 3}


@pytest.fixture(params=["known", "late"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return what writes the list of a workflow that has it in its text, or from a task."""
    (tmp_path / "part.yaml").write_text(PART)
    (tmp_path / "main.yaml").write_text(LATE)

    def write_rows(rows: Rows) -> list[str]:
        if request.param == "known":
            (tmp_path / "main.yaml").write_text(KNOWN.replace("ROWS", json.dumps(rows)))
            return []
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        return ["--from", "rows"]

    return write_rows


def marks(folder: Path) -> list[str]:
    path = folder / "marks"
    found = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(found)


def recorded(folder: Path) -> set[str]:
    """Return the tasks that the journal has as succeeded."""
    lines = [
        line
        for path in folder.glob(".flowpar/runs/*/events.jsonl")
        for line in path.read_text().splitlines(keepends=True)
    ]
    return {json.loads(line)["task"] for line in lines if '"event":"task.succeeded"' in line and line.endswith("\n")}


def all_of(name: str, size: int) -> list[str]:
    return sorted([f"many[{name}]/each left", f"many[{name}]/each right", f"many[{name}]/load {size}"])


def test_an_item_is_named_by_its_key(write: Any, tmp_path: Path) -> None:
    write([EMMA, MOBY])

    told = command(tmp_path, "run", "main.yaml", "--json").stdout

    assert json.loads(told) == {"texts": ["emma 1", "moby 2"]}
    assert marks(tmp_path) == sorted(all_of("emma", 1) + all_of("moby", 2))
    assert command(tmp_path, "logs", "last", "many[moby]/load").stdout == "many[moby]/load 2\n"
    assert command(tmp_path, "logs", "last", 'many["emma"]').stdout == "many[emma]/load 1\n"
    assert 'no item of "many" has that key' in command(tmp_path, "logs", "last", "many[else]", code=2).stderr


def test_an_item_runs_again_or_alone_by_its_key(write: Any, tmp_path: Path) -> None:
    write([EMMA, MOBY])
    command(tmp_path, "run", "main.yaml")
    marks(tmp_path)

    command(tmp_path, "resume", "--from", "many[moby]/each[right]")
    assert marks(tmp_path) == ["many[moby]/each right"]
    command(tmp_path, "resume", "--from", "many[emma]")
    assert marks(tmp_path) == all_of("emma", 1)
    command(tmp_path, "run", "main.yaml", "--only", "many[moby]/load")
    assert marks(tmp_path) == ["many[moby]/load 2"]
    told = command(tmp_path, "run", "main.yaml", "--only", "many[else]/load", code=2).stderr
    assert '--only names "many[else]/load", which is not a task' in told or "none of its 2 items has that key" in told


def test_what_an_item_did_stands_wherever_it_is_in_the_list(write: Any, tmp_path: Path) -> None:
    write([EMMA, MOBY])
    command(tmp_path, "run", "main.yaml")
    marks(tmp_path)
    again = write([DUNE, MOBY, EMMA])

    told = command(tmp_path, "resume", *again, "--json").stdout

    assert marks(tmp_path) == all_of("dune", 3)
    assert json.loads(told) == {"texts": ["dune 3", "moby 2", "emma 1"]}
    again = write([EMMA, DUNE])
    told = command(tmp_path, "resume", *again, "--json").stdout
    assert marks(tmp_path) == []
    assert json.loads(told) == {"texts": ["emma 1", "dune 3"]}


def test_an_item_that_is_bound_to_something_else_runs_again(write: Any, tmp_path: Path) -> None:
    write([EMMA, MOBY])
    command(tmp_path, "run", "main.yaml")
    marks(tmp_path)
    again = write([{**MOBY, "size": 9}, EMMA])

    told = command(tmp_path, "resume", *again, "--json").stdout

    assert json.loads(told) == {"texts": ["moby 9", "emma 1"]}
    assert set(all_of("moby", 9)) >= set(marks(tmp_path)) >= {"many[moby]/load 9"}


def test_a_killed_run_goes_on_inside_its_items_with_another_list(write: Any, tmp_path: Path) -> None:
    write([EMMA, {**MOBY, "slow": True}])
    with start(tmp_path, "run", "main.yaml", "-w", "4") as run:
        deadline = time.monotonic() + PACE_S / 2
        while not {"many[emma]", "many[moby]/load"} <= recorded(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    marks(tmp_path)
    (tmp_path / "marks-go").touch()
    again = write([{**MOBY, "slow": True}, DUNE, EMMA])

    told = command(tmp_path, "resume", *again, "--json").stdout

    assert json.loads(told) == {"texts": ["moby 2", "dune 3", "emma 1"]}
    assert marks(tmp_path) == sorted([*all_of("dune", 3), "many[moby]/each left", "many[moby]/each right"])


def test_two_items_of_one_key_are_found_or_fail(write: Any, tmp_path: Path) -> None:
    is_late = bool(write([EMMA, EMMA]))

    told = command(tmp_path, "run", "main.yaml", code=1 if is_late else 2).stderr

    assert 'key: items 0 and 1 have the same, "emma"' in told
    assert marks(tmp_path) == []


REPEATED = """\
flowpar: 1
tasks:
  rows: {python: {script: "output = [3, 5]"}}
  many:
    for_each: {n: "${{ tasks.rows.output }}"}
    key: each.n
    workflow: add.yaml
    with: {a: "${{ default(previous.sum, 0) }}", b: "${{ each.n + each.index }}"}
    repeat: {until: output.sum > 6, max: 5}
outputs: {sums: "${{ [one.sum for one in tasks.many.output] }}"}
"""
ADD = """\
flowpar: 1
inputs: {a: 0, b: 0}
tasks: {add: {python: {script: "output = a + b"}, with: {a: "${{ inputs.a }}", b: "${{ inputs.b }}"}}}
outputs: {sum: "${{ tasks.add.output }}"}
"""


def test_each_round_of_an_item_knows_what_the_item_is(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(REPEATED)
    (tmp_path / "add.yaml").write_text(ADD)

    told = command(tmp_path, "run", "main.yaml", "--json").stdout

    assert json.loads(told) == {"sums": [9, 12]}
