"""Logs that are followed: each line once, as it is written, until the run is over."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from flowpar.cli.log_following import LogFollower
from flowpar.record.journal import Journal
from flowpar.record.lock import Lock
from flowpar.testing.events import run_finished, run_started, task_expanded, task_started, task_succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from at_work import Desk

    from flowpar.core.events import Event

IS_WARM = True


class Run:
    """A run folder that grows between two looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "logs").mkdir()
        self.journal = Journal(folder / "events.jsonl", is_synced=False)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.journal.emit(event)
        self.journal.flush()

    def print(self, name: str, text: bytes) -> None:
        with (self.folder / "logs" / name).open("ab") as stream:
            stream.write(text)


def test_lines_are_given_once_and_whole_whatever_pieces_they_come_in(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.tell(run_started(["load", "count"]), task_started("load"), task_expanded("count", 2), task_started("count", 1))
    run.print("000001-load.1.log", "on\u00e9".encode()[:3])
    steps = [
        lambda: run.print("000001-load.1.log", "\u00e9".encode()[1:] + b"\ntwo\nhal"),
        lambda: run.print("000002-count-1.1.log", b"item\n"),
        lambda: run.tell(task_succeeded("load"), run_finished(succeeded=2)),
    ]
    follower = LogFollower(tmp_path, lambda _: True)

    def goes_on() -> bool:
        if steps:
            steps.pop(0)()
        return True

    with Lock.take(tmp_path):
        found = [(log.task, log.item, line) for log, line in follower.lines(goes_on)]

    assert found == [("load", None, "on\u00e9"), ("load", None, "two"), ("count", 1, "item"), ("load", None, "hal")]


def test_only_what_is_wanted_is_read_and_a_pipe_in_its_place_is_none(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.tell(run_started(["load"]), task_started("load"), run_finished(succeeded=1))
    run.print("000001-load.1.log", b"one\n")
    run.print("000002-other.1.log", b"other\n")
    run.print("foreign", b"foreign\n")
    os.mkfifo(tmp_path / "logs" / "000003-load.2.log")

    lines = [line for _, line in LogFollower(tmp_path, lambda log: log.task == "load").lines(lambda: True)]

    assert lines == ["one"]


def test_a_reader_that_went_away_ends_it(tmp_path: Path) -> None:
    Run(tmp_path).tell(run_started(["load"]))

    assert list(LogFollower(tmp_path, lambda _: True).lines(lambda: False)) == []


WORKFLOW = """
name: words
tasks:
  say: {shell: "echo one; printf two"}
  each:
    for_each: ${{ range(2) }}
    python: steps:double
    with: {n: '${{ each.item }}'}
"""


def test_the_command_names_whose_line_it_is_where_it_may_be_of_several(desk: Desk) -> None:
    desk.write(WORKFLOW)
    desk.run("run", "workflow.yaml", "-q")

    everything, one, item = (
        desk.run("logs", "last", *more) for more in (["-f"], ["say", "-f"], ["each[1]", "-f", "--json"])
    )

    assert sorted(everything.stdout.splitlines()) == [
        "each[0] | doubling 0",
        "each[1] | doubling 1",
        "say | one",
        "say | two",
    ]
    assert one.stdout == "one\ntwo\n"
    assert json.loads(item.stdout)["line"] == "doubling 1"
