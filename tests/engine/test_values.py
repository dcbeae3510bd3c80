"""Large values by the real command: what stays of them, what a resume makes of what does not, what they may hold."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.timeout(180)
PACE_S = 80.0
STEPS = """
import os
import numpy as np


def ran(name):
    with open("ran", "a") as file:
        file.write(name + " ")


def make(kilobytes: int = 100):
    ran("make")
    return np.arange(kilobytes * 128, dtype=float)


def further(value, name: str):
    ran(name)
    return value + 1


def last(value):
    ran("last")
    if not os.path.exists("ready"):
        raise FileNotFoundError("ready")
    return float(value[0])


def scribble(value, name: str):
    before = float(value[0])
    value[:] = -1.0
    return before


def pieces(count: int):
    for number in range(count):
        yield np.full(20_000, float(number))


def listed(count: int):
    return list(pieces(count))


def first(value):
    return float(value[0])


def total(values):
    return float(sum(value[0] for value in values))
"""
CHAIN = """flowpar: 1
tasks:
  make: {python: "steps:make", with: {kilobytes: 100}}
  one: {python: "steps:further", with: {value: "${{ tasks.make.output }}", name: one}}
  side: {python: "steps:further", with: {value: "${{ tasks.make.output }}", name: side}}
  two: {python: "steps:further", with: {value: "${{ tasks.one.output }}", name: two}}
  last: {python: "steps:last", with: {value: "${{ tasks.two.output }}"}}
outputs: {all: "${{ tasks.last.output }}"}
"""
SIZE = 100 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "steps.py").write_text(STEPS)
    return tmp_path


def flowpar(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = warm.run(
        words, cwd=folder, env={**os.environ, **environment}, timeout=PACE_S
    )
    return done


def run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "workflow.yaml").write_text(text)
    return flowpar(folder, "run", "workflow.yaml", "--run-dir", "run", "--json", *options)


def ran(folder: Path) -> list[str]:
    """Return the tasks that ran since the last time, in order."""
    log = folder / "ran"
    names = log.read_text().split()
    log.unlink()
    return sorted(names)


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "run" / "events.jsonl").read_text().splitlines()]


def holders(folder: Path) -> list[str]:
    """Return the tasks whose values are there, by the journal."""
    told = events(folder)
    task_of = {event["value"]["file"]: event["task"] for event in told if "file" in event.get("value", {})}
    return sorted(task_of[f"values/{path.name}"] for path in (folder / "run" / "values").iterdir())


def test_a_value_goes_when_its_last_reader_is_done_and_a_result_stays(folder: Path) -> None:
    (folder / "ready").touch()

    done = run(folder, CHAIN, "--values-limit", "1MiB")

    assert json.loads(done.stdout) == {"all": 2.0}
    assert holders(folder) == ["side"]


def test_a_resume_after_a_failure_runs_what_failed_and_nothing_that_is_done(folder: Path) -> None:
    failed = run(folder, CHAIN, "--values-limit", "1MiB")
    before = holders(folder)
    assert (failed.returncode, ran(folder)) == (1, ["last", "make", "one", "side", "two"])
    (folder / "ready").touch()

    done = flowpar(folder, "resume", "run", "--json")

    assert before == ["side", "two"]
    assert json.loads(done.stdout) == {"all": 2.0}
    assert ran(folder) == ["last"]
    assert holders(folder) == ["side"]  # the limit holds on


def test_what_reads_a_value_that_is_gone_has_it_made_again_and_says_so(folder: Path) -> None:
    (folder / "ready").touch()
    run(folder, CHAIN, "--values-limit", "1MiB")
    ran(folder)

    again = flowpar(folder, "resume", "run", "--json", "--from", "two")
    after = ran(folder)
    once_more = flowpar(folder, "resume", "run", "--json")

    assert json.loads(again.stdout) == json.loads(once_more.stdout) == {"all": 2.0}
    assert 'one runs again: its value "values/' in again.stderr
    assert '.val" is needed again and not kept any more' in again.stderr
    assert "below what runs again, so they run again, too: side, last" in again.stderr
    assert after == ["last", "make", "one", "side", "two"]
    assert not (folder / "ran").exists()


def test_without_a_limit_a_little_is_kept_so_that_from_runs_no_more_than_it_says(folder: Path) -> None:
    (folder / "ready").touch()
    run(folder, CHAIN)
    ran(folder)

    again = flowpar(folder, "resume", "run", "--json", "--from", "two")

    assert json.loads(again.stdout) == {"all": 2.0}
    assert ran(folder) == ["last", "two"]


def test_what_was_run_with_only_keeps_its_values_for_the_others(folder: Path) -> None:
    (folder / "ready").touch()
    run(folder, CHAIN, "--values-limit", "1MiB", "--only", "one")

    assert holders(folder) == ["make", "one"]


def test_a_value_that_does_not_fit_fails_its_task_and_a_larger_limit_goes_on(folder: Path) -> None:
    (folder / "ready").touch()

    failed = run(folder, CHAIN, "--values-limit", f"{SIZE + 50_000}", "-w", "1")
    done = flowpar(folder, "resume", "run", "--json", "--values-limit", "1MiB")

    assert failed.returncode == 1
    assert "one: failed: output of 0.1 MiB does not fit: values hold 0.1 MiB of the 0.1 MiB that they may" in (
        failed.stderr
    )
    assert not list((folder / "run" / "values").glob("*.part"))
    assert json.loads(done.stdout) == {"all": 2.0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("much", '"much" is not a size such as 512MiB or 2GB, or bytes as a number, above zero'),
        ("2G", 'write "2GiB"'),
        ("0", '"0" is not a size'),
        ("-1", '"-1" is not a size'),
    ],
)
def test_a_limit_that_is_no_size_is_refused(folder: Path, given: str, said: str) -> None:
    refused = run(folder, CHAIN, "--values-limit", given)

    assert refused.returncode == 2
    assert said in refused.stderr
    assert not (folder / "run").exists()


EACH = """flowpar: 1
tasks:
  make: {{python: "steps:make"}}
  one: {{python: "steps:scribble", executor: {executor}, with: {{value: "${{{{ tasks.make.output }}}}", name: one}}}}
  two:
    python: steps:scribble
    executor: {executor}
    needs: [one]
    with: {{value: "${{{{ tasks.make.output }}}}", name: two}}
  many:
    for_each: {{number: "${{{{ range(3) }}}}"}}
    executor: {executor}
    needs: [two]
    python: steps:scribble
    with: {{value: "${{{{ tasks.make.output }}}}", name: "${{{{ str(each.number) }}}}"}}
outputs: {{all: "${{{{ [tasks.one.output, tasks.two.output, tasks.many.output] }}}}"}}
"""


@pytest.mark.parametrize("executor", ["process", "pool", "thread", "inline"])
def test_a_reader_may_write_into_its_argument_and_nobody_else_sees_it(folder: Path, executor: str) -> None:
    done = run(folder, EACH.format(executor=executor))

    assert json.loads(done.stdout) == {"all": [0.0, 0.0, [0.0, 0.0, 0.0]]}, done.stderr


YIELDED = """flowpar: 1
tasks:
  pieces: {python: "steps:pieces", with: {count: 4}}
  each:
    for_each: {value: "${{ tasks.pieces.output }}"}
    python: steps:first
    with: {value: "${{ each.value }}"}
  total: {python: "steps:total", with: {values: "${{ tasks.pieces.output }}"}}
outputs: {all: "${{ [tasks.each.output, tasks.total.output] }}"}
"""


def test_the_files_of_what_was_yielded_go_with_their_last_reader(folder: Path) -> None:
    done = run(folder, YIELDED, "--values-limit", "4MiB")
    again: Any = flowpar(folder, "resume", "run", "--json")

    assert json.loads(done.stdout) == json.loads(again.stdout) == {"all": [[0.0, 1.0, 2.0, 3.0], 6.0]}
    assert not list((folder / "run" / "values").iterdir())


def test_a_list_of_items_goes_with_the_last_of_them(folder: Path) -> None:
    listed = YIELDED.replace('"steps:pieces"', '"steps:listed"')

    done = run(folder, listed, "--values-limit", "4MiB")

    assert json.loads(done.stdout) == {"all": [[0.0, 1.0, 2.0, 3.0], 6.0]}
    assert not list((folder / "run" / "values").iterdir())


def test_values_that_are_synced_come_to_the_same(folder: Path) -> None:
    (folder / "ready").touch()

    assert json.loads(run(folder, CHAIN, "--sync-values").stdout) == {"all": 2.0}


@pytest.mark.parametrize("number", [30, 38, 46])
def test_a_kill_of_the_engine_costs_no_task_that_was_done_though_values_go(folder: Path, number: int) -> None:
    (folder / "ready").touch()
    (folder / "workflow.yaml").write_text(CHAIN)
    words = ["run", "workflow.yaml", "--run-dir", "run", "--values-limit", "1MiB", "-w", "1"]
    killed = flowpar(folder, *words, FLOWPAR_CRASH_AT=str(number))
    done = {event["task"] for event in events(folder) if event["event"] == "task.succeeded"}
    before = ran(folder)

    finished = flowpar(folder, "resume", "run", "--json")

    assert "flowpar: death at point" in killed.stderr, killed.stderr
    assert json.loads(finished.stdout) == {"all": 2.0}, finished.stderr
    again = ran(folder) if (folder / "ran").exists() else []
    assert not done & set(again)
    assert len(set(before) & set(again)) <= 1
