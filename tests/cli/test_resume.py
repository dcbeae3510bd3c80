"""`flowpar resume` with real processes: what is done stays done, what is not is done once."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.cli.conftest import Desk


pytestmark = pytest.mark.timeout(180)
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "event.schema.json").read_text())
STEPS = """
import os
import time
from pathlib import Path


def ran(name: str) -> None:
    with open("ran", "a") as file:
        file.write(f"{name}\\n")


def number(n: int, *, slow_from: int = 1000) -> int:
    if n >= slow_from and not Path("quick").exists():
        time.sleep(60)
    ran(f"number-{n}")
    return n * n


def add(numbers: list[int]) -> int:
    ran("add")
    return sum(numbers)


def need(name: str, file: str = "ok") -> str:
    ran(name)
    if not Path(file).exists():
        raise FileNotFoundError(file)
    return name


def big(n: int) -> bytes:
    ran("big")
    return b"x" * n


def size(value: bytes) -> int:
    ran("size")
    return len(value)
"""
SQUARES = """name: squares
inputs: {count: 40, slow_from: 20}
tasks:
  number:
    for_each: {n: "${{ range(inputs.count) }}"}
    python: steps:number
    with: {n: "${{ each.n }}", slow_from: "${{ inputs.slow_from }}"}
  add:
    python: steps:add
    with: {numbers: "${{ tasks.number.output }}"}
outputs:
  sum: ${{ tasks.add.output }}
"""
FLAKY = """name: flaky
tasks:
  first: {python: "steps:need", with: {name: first, file: steps.py}}
  each:
    for_each: {file: [steps.py, ok, workflow.yaml]}
    needs: [first]
    python: steps:need
    with: {name: "each-${{ each.index }}", file: "${{ each.file }}"}
  last: {python: "steps:need", with: {name: last, file: steps.py}, needs: [each]}
  apart: {python: "steps:need", with: {name: apart, file: steps.py}}
outputs:
  each: ${{ tasks.each.output }}
"""
VALUE = """name: value
tasks:
  big: {python: "steps:big", with: {n: 100000}}
  size: {python: "steps:size", with: {value: "${{ tasks.big.output }}"}}
outputs:
  size: ${{ tasks.size.output }}
"""


def ran(desk: Desk) -> list[str]:
    """Return what ran since the last time, in the order of its end."""
    file = desk.folder / "ran"
    names = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return names


def prepare(desk: Desk, workflow: str) -> None:
    desk.write(workflow)
    (desk.folder / "steps.py").write_text(STEPS)


def journal(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.newest_run() / "events.jsonl").read_text().splitlines()]


def start_and_wait(desk: Desk, *arguments: str, until: Callable[[], bool]) -> subprocess.Popen[str]:
    process = desk.start(*arguments)
    deadline = time.monotonic() + 60
    while not until():
        assert process.poll() is None, "it ended before its time"
        assert time.monotonic() < deadline, "it did not come so far in time"
        time.sleep(0.01)
    return process


def engine_of(desk: Desk) -> int:
    return int((desk.newest_run() / "lock").read_text())


def count_done(desk: Desk) -> int:
    try:
        text = (desk.newest_run() / "events.jsonl").read_text()
    except (FileNotFoundError, ValueError):
        return 0
    return text.count('"task.succeeded"')


def test_a_killed_engine_loses_nothing_and_nothing_runs_twice(desk: Desk) -> None:
    prepare(desk, SQUARES)
    run = start_and_wait(desk, "run", "workflow.yaml", "-w", "2", until=lambda: count_done(desk) >= 20)
    os.kill(engine_of(desk), signal.SIGKILL)
    assert run.wait(60) == -signal.SIGKILL
    before = ran(desk)
    (desk.folder / "quick").touch()

    resumed = desk.run("resume", "--json")

    assert (resumed.returncode, json.loads(resumed.stdout)) == (0, {"sum": sum(n * n for n in range(40))})
    assert "goes on with 0 of 2 tasks done" in resumed.stderr
    assert set(Counter([*before, *ran(desk)]).values()) == {1}
    names = [record["event"] for record in journal(desk)]
    assert names.count("run.started") == names.count("run.resumed") == names.count("run.finished") == 1
    assert [record["seq"] for record in journal(desk)] == list(range(1, len(names) + 1))


def test_the_log_goes_on_and_every_line_is_as_the_schema_says(desk: Desk) -> None:
    prepare(desk, FLAKY)
    desk.run("run", "workflow.yaml")
    log = desk.newest_run() / "run.log.jsonl"
    with log.open("a") as file:
        file.write('{"timestamp": "torn')
    before = len(log.read_text().splitlines()) - 1

    desk.run("resume")

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[before]["event"] == "run.resumed"
    validator = Draft202012Validator(SCHEMA)
    assert [error.message for line in [*lines, *journal(desk)] for error in validator.iter_errors(line)] == []


def test_a_run_that_an_error_cuts_off_says_why_and_then_how_to_go_on(desk: Desk) -> None:
    prepare(desk, FLAKY)

    cut = desk.run("run", "workflow.yaml", FLOWPAR_FAIL_AT="20+:ENOSPC")

    *_, why, way_on = cut.stderr.splitlines()
    assert cut.returncode == 3
    assert why.startswith("flowpar: cannot write the journal")
    assert way_on == f"continue with: flowpar resume {desk.newest_run().name}"


def test_only_the_failed_item_and_what_is_below_runs_again(desk: Desk) -> None:
    prepare(desk, FLAKY)
    failed = desk.run("run", "workflow.yaml")
    assert failed.returncode == 1
    assert failed.stderr.endswith(f"\ncontinue with: flowpar resume {desk.newest_run().name}\n")
    ran(desk)
    (desk.folder / "ok").touch()

    resumed = desk.run("resume", "--json")

    assert (resumed.returncode, json.loads(resumed.stdout)) == (0, {"each": ["each-0", "each-1", "each-2"]})
    assert ran(desk) == ["each-1", "last"]
    assert "goes on with 2 of 4 tasks done" in resumed.stderr


def test_logs_of_earlier_attempts_are_kept(desk: Desk) -> None:
    prepare(desk, 'tasks:\n  loud: {shell: "echo try; test -e ok"}\n')
    desk.run("run", "workflow.yaml")
    desk.run("resume")
    (desk.folder / "ok").touch()

    assert desk.run("resume").returncode == 0

    logs = sorted(path.name for path in (desk.newest_run() / "logs").iterdir())
    assert [name.partition("-")[2] for name in logs] == ["loud.1.log", "loud.2.log", "loud.3.log"]


def test_a_finished_run_runs_nothing_and_prints_its_outputs_again(desk: Desk) -> None:
    prepare(desk, SQUARES)
    first = desk.run("run", "workflow.yaml", "-i", "slow_from=99", "--json")
    ran(desk)

    again = desk.run("resume", "last", "--json")

    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert ran(desk) == []


def test_a_changed_task_and_what_is_below_it_runs_again_and_is_named(desk: Desk) -> None:
    prepare(desk, FLAKY)
    (desk.folder / "ok").touch()
    assert desk.run("run", "workflow.yaml").returncode == 0
    ran(desk)
    desk.write(FLAKY.replace("each-${{", "EACH-${{"))
    (desk.folder / "steps.py").write_text(STEPS)

    resumed = desk.run("resume")

    assert resumed.returncode == 0
    assert sorted(ran(desk)) == ["EACH-0", "EACH-1", "EACH-2", "last"]
    assert "flowpar: changed since they were done, so they run again: each\n" in resumed.stderr
    assert "flowpar: below what runs again, so they run again, too: last\n" in resumed.stderr


def test_code_alone_changes_nothing_but_is_named(desk: Desk) -> None:
    prepare(desk, FLAKY)
    (desk.folder / "ok").touch()
    desk.run("run", "workflow.yaml")
    ran(desk)
    (desk.folder / "steps.py").write_text(f"{STEPS}\n# better now\n")

    resumed = desk.run("resume")

    assert ran(desk) == []
    names = "first, apart, each, last"
    assert f"done with code that has changed since, and kept (--from TASK runs one again): {names}\n" in resumed.stderr


@pytest.mark.parametrize(
    ("target", "expected"),
    [("each[1]", ["each-1", "last"]), ("apart", ["apart"]), ("each", ["each-0", "each-1", "each-2", "last"])],
)
def test_from_runs_a_task_or_an_item_again_and_what_is_below(desk: Desk, target: str, expected: list[str]) -> None:
    prepare(desk, FLAKY)
    (desk.folder / "ok").touch()
    desk.run("run", "workflow.yaml")
    ran(desk)

    assert desk.run("resume", "--from", target).returncode == 0

    assert sorted(ran(desk)) == sorted(expected)


def test_inputs_are_those_of_the_beginning_unless_given_anew(desk: Desk) -> None:
    prepare(desk, SQUARES)
    desk.run("run", "workflow.yaml", "-i", "count=3")
    ran(desk)

    same = desk.run("resume", "--json", FLOWPAR_INPUT_COUNT="7")
    ran_by_same = ran(desk)
    other = desk.run("resume", "--json", "-i", "count=4")

    assert (json.loads(same.stdout), ran_by_same) == ({"sum": 5}, [])
    assert json.loads(other.stdout) == {"sum": 14}
    assert sorted(ran(desk)) == ["add", "number-0", "number-1", "number-2", "number-3"]


def test_a_lost_value_brings_its_producer_back(desk: Desk) -> None:
    prepare(desk, VALUE)
    desk.run("run", "workflow.yaml")
    ran(desk)
    (value,) = (desk.newest_run() / "values").iterdir()
    value.write_bytes(b"y" + value.read_bytes()[1:])

    resumed = desk.run("resume", "--json")

    assert (resumed.returncode, json.loads(resumed.stdout)) == (0, {"size": 100_000})
    assert ran(desk) == ["big", "size"]
    assert f'flowpar: big runs again: its value "values/{value.name}" is not what was written\n' in resumed.stderr


def test_a_run_that_goes_on_is_not_resumed_twice(desk: Desk) -> None:
    prepare(desk, SQUARES)
    run = start_and_wait(desk, "run", "workflow.yaml", "-w", "2", until=lambda: count_done(desk) >= 1)

    second = desk.run("resume")

    assert (second.returncode, second.stdout) == (3, "")
    assert f"is in use by process {engine_of(desk)}" in second.stderr
    assert run.poll() is None  # it waited for nobody
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130


def test_an_interrupted_run_is_gone_on_with(desk: Desk) -> None:
    prepare(desk, SQUARES)
    run = start_and_wait(desk, "run", "workflow.yaml", "-w", "2", until=lambda: count_done(desk) >= 20)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    before = ran(desk)
    (desk.folder / "quick").touch()

    resumed = desk.run("resume", "--json")

    assert json.loads(resumed.stdout) == {"sum": sum(n * n for n in range(40))}
    assert set(Counter([*before, *ran(desk)]).values()) == {1}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, 'flowpar: there is no run "last", and none at all in ".flowpar"'),
        (("20991122-101500-nothing-000",), 2, 'flowpar: there is no run "20991122-101500-nothing-000"'),
    ],
)
def test_what_is_not_there_is_not_resumed(desk: Desk, arguments: tuple[str, ...], code: int, message: str) -> None:
    prepare(desk, FLAKY)

    done = desk.run("resume", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(message)


def test_a_workflow_that_is_gone_is_named(desk: Desk) -> None:
    prepare(desk, FLAKY)
    desk.run("run", "workflow.yaml")
    (desk.folder / "workflow.yaml").unlink()

    done = desk.run("resume")

    path = desk.folder / "workflow.yaml"
    assert done.returncode == 3
    assert done.stderr.startswith(f'flowpar: the workflow "{path}" of run {desk.newest_run().name} is not there any')


def test_findings_of_the_workflow_stop_a_resume_before_anything_is_written(desk: Desk) -> None:
    prepare(desk, FLAKY)
    desk.run("run", "workflow.yaml")
    before = (desk.newest_run() / "events.jsonl").read_bytes()
    desk.write(FLAKY.replace("needs: [first]", "needs: [frist]"))

    done = desk.run("resume")

    assert done.returncode == 2
    assert 'did you mean "first"?' in done.stderr
    assert (desk.newest_run() / "events.jsonl").read_bytes() == before


def test_it_goes_on_from_another_folder(desk: Desk, tmp_path: Path) -> None:
    prepare(desk, FLAKY)
    desk.run("run", "workflow.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (desk.folder / "ok").touch()

    done = replace(desk, folder=elsewhere).run("resume", str(desk.newest_run()))

    assert done.returncode == 0, done.stderr
    assert not (elsewhere / ".flowpar").exists()


def test_a_damaged_journal_is_refused_and_can_be_salvaged(desk: Desk) -> None:
    prepare(desk, FLAKY)
    desk.run("run", "workflow.yaml")
    ran(desk)
    (desk.folder / "ok").touch()
    file = desk.newest_run() / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if b'"task.succeeded"' in line and b'"each"' in line)
    lines[place] = lines[place].replace(b"succeeded", b"succeedee", 1)
    file.write_bytes(b"".join(lines))

    refused, salvaged = desk.run("resume"), desk.run("resume", "--salvage")

    assert refused.returncode == 3
    assert f"is corrupt at record {place + 1}; flowpar resume --salvage" in refused.stderr
    assert salvaged.returncode == 0
    assert f"the journal is corrupt at record {place + 1}: going on with {place} records" in salvaged.stderr
    assert (desk.newest_run() / "events.damaged.jsonl").read_bytes() == b"".join(lines)
    assert "first" not in ran(desk)


@pytest.mark.parametrize("where", ["--run-dir", "--state-dir"])
def test_a_failed_run_ends_with_the_command_that_goes_on(desk: Desk, where: str) -> None:
    prepare(desk, FLAKY)
    failed = desk.run("run", "workflow.yaml", where, "my place")
    (desk.folder / "ok").touch()
    ran(desk)

    command = failed.stderr.splitlines()[-1].partition("continue with: flowpar ")[2]
    done = desk.run(*shlex.split(command))

    assert (done.returncode, ran(desk)) == (0, ["each-1", "last"])
