"""The cache by the real command: what a second run, a resume and `flowpar cache` make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

WORKFLOW = """
tasks:
  double:
    python: steps:double
    for_each: [1, 2, 3]
    with: {n: "${{ each.item }}"}
    cache: true
  sum:
    python: {script: "output = sum(numbers)"}
    with: {numbers: "${{ tasks.double.output }}"}
    cache: true
outputs: {all: "${{ tasks.sum.output }}"}
"""


LATE = WORKFLOW.replace(
    "outputs:",
    """  last:
    shell: test -e ready && echo ${{ tasks.sum.output }}
outputs:""",
)


def states(desk: Desk) -> dict[str, str]:
    """Return how each task and item ended in the newest run."""
    lines = [json.loads(line) for line in (desk.newest_run() / "events.jsonl").read_text().splitlines()]
    ends = [line for line in lines if line["event"] in {"task.succeeded", "task.cached", "task.failed"}]
    return {f"{end['task']}{'' if end['item'] is None else end['item']}": end["event"][5:] for end in ends}


def listed(desk: Desk) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(desk.run("cache", "ls", "--json").stdout)
    return entries


def test_options_of_a_run_and_the_care_of_the_cache(desk: Desk) -> None:
    desk.write(WORKFLOW)
    desk.run("run", "workflow.yaml", "--no-cache")
    assert listed(desk) == []

    desk.run("run", "workflow.yaml")
    again = desk.run("run", "workflow.yaml", "--json")
    assert (json.loads(again.stdout), set(states(desk).values())) == ({"all": 12}, {"cached"})
    assert "double: cached with 3 items" in again.stderr

    desk.run("run", "workflow.yaml", "--refresh", "sum")
    assert states(desk)["sum"] == "succeeded"
    assert states(desk)["double"] == "cached"

    assert sorted(entry["task"] for entry in listed(desk)) == ["double[0]", "double[1]", "double[2]", "outputs", "sum"]
    assert "3 entries removed" in desk.run("cache", "rm", "double").stderr
    assert "2 of 2 entries sound" in desk.run("cache", "verify").stderr
    desk.run("run", "workflow.yaml", "--cache-limit", "1KiB")
    assert len(listed(desk)) == 1
    assert "1 entry removed" in desk.run("cache", "gc", "--limit", "1").stderr
    assert "nothing says" in desk.run("cache", "rm").stderr
    assert "nothing to choose" in desk.run("cache", "rm", "sum", "--all").stderr
    assert desk.run("cache", "rm", "sums").stderr == "no entry matches sums; see flowpar cache ls\n"
    wrong = desk.run("run", "workflow.yaml", "--refresh", "sums")
    assert (wrong.returncode, 'did you mean "sum"?' in wrong.stderr) == (2, True)


def test_a_run_goes_on_from_what_was_cached(desk: Desk) -> None:
    desk.write(WORKFLOW)
    desk.run("run", "workflow.yaml", "--cache-dir", "kept")
    desk.write(LATE)
    assert desk.run("run", "workflow.yaml", "--cache-dir", "kept").returncode == 1
    (desk.folder / "ready").touch()

    gone_on = desk.run("resume")

    assert gone_on.returncode == 0, gone_on.stderr
    cached = dict.fromkeys(("double", "double0", "double1", "double2", "sum"), "cached")
    assert states(desk) == {**cached, "last": "succeeded"}
    assert desk.run("resume", "--from", "sum").returncode == 0
    assert states(desk)["sum"] == "succeeded"
    # It is the cache with which the run began.
    assert not (desk.folder / ".flowpar" / "cache").exists()


ASKING = """
secrets: {TOKEN: {env: MY_TOKEN}}
tasks:
  ask:
    shell: test -n "$T"
    env: {T: "${{ secrets.TOKEN }}"}
    cache: true
"""
ONE, TWO = {"MY_TOKEN": "hush-hush-1"}, {"MY_TOKEN": "hush-hush-2"}


def test_a_secret_counts_and_is_nowhere(desk: Desk) -> None:
    desk.write(ASKING)
    desk.run("run", "workflow.yaml", **ONE)

    desk.run("run", "workflow.yaml", **ONE)
    assert states(desk) == {"ask": "cached"}
    desk.run("run", "workflow.yaml", **TWO)
    assert states(desk) == {"ask": "succeeded"}
    files = [file for file in (desk.folder / ".flowpar").rglob("*") if file.is_file()]
    assert not [file for file in files if b"hush-hush" in file.read_bytes()]
