"""Short items that share a process: who shares with whom, and what happens to the others when one dies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.planning.capacity import pools_asked
from flowpar.planning.model import FanOut
from flowpar.schedule.resources import may_go_ahead
from flowpar.testing.simulation import plan_of, planned

if TYPE_CHECKING:
    from tests.engine.conftest import Workshop

pytestmark = pytest.mark.timeout(180)
PACE_S = 80.0

STEPS = """
import os
import signal
import sys
import threading
import time

COUNT = [0]


def pid(n: int) -> int:
    return os.getpid()


def changes(n: int) -> list[object]:
    seen = [os.environ.get("LEFT"), os.getcwd() == "/", len(sys.argv), sys.getrecursionlimit() > 5_000]
    os.environ["LEFT"] = "x"
    os.chdir("/")
    sys.argv.append("more")
    sys.setrecursionlimit(9_000)
    print(f"item {n}")
    return seen


def dies_at_three(n: int, attempt: str = "") -> int:
    if n == 3 and attempt != "2":
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def sleeps_at_two(n: int) -> int:
    if n == 2:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(20)
    return n


def yields_to_the_timeout(n: int) -> int:
    if n == 2:
        time.sleep(20)
    return n


def takes_its_streams_away(n: int) -> str:
    seen = str(signal.getsignal(signal.SIGPIPE))
    if n == 0:
        sys.stdout.close()
        sys.stderr.detach()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    else:
        print(f"item {n}")
        print(f"also {n}", file=sys.stderr)
    return seen


def leaves_a_thread(n: int) -> int:
    has_talked = threading.Event()

    def talk() -> None:
        while True:
            print(f"thread of {n}")
            has_talked.set()
            time.sleep(0.01)

    if n == 0:
        threading.Thread(target=talk).start()
        has_talked.wait()
    return os.getpid()
"""


def make(workshop: Workshop, task: str, *options: str) -> tuple[Any, str]:
    return workshop.run(f"  w: {{{task}}}", *options)


def test_a_process_makes_as_many_items_as_it_may(workshop: Workshop) -> None:
    pids, told = make(
        workshop, 'python: "steps:pid", for_each: "${{ range(7) }}", batch: 3, with: {n: "${{ each.item }}"}', "-w", "1"
    )

    assert pids, told
    assert sorted(Counter(pids).values()) == [1, 3, 3]
    assert [event["executor"] for event in workshop.events("task.started")] == ["process"] * 7


def test_auto_gives_a_process_several_short_items(workshop: Workshop) -> None:
    pids, told = make(
        workshop,
        'python: "steps:pid", for_each: "${{ range(40) }}", batch: auto, with: {n: "${{ each.item }}"}',
        "-w",
        "2",
    )

    assert pids, told
    assert len(set(pids)) < 40


def test_what_an_item_changes_is_put_back_for_the_next(workshop: Workshop) -> None:
    seen, told = make(
        workshop,
        'python: "steps:changes", for_each: "${{ range(4) }}", batch: 4, with: {n: "${{ each.item }}"}',
        "-w",
        "1",
    )

    assert seen, told
    assert seen == [seen[0]] * 4
    logs = sorted((workshop.folder / "run" / "logs").iterdir())
    assert [log.read_text() for log in logs] == [f"item {n}\n" for n in range(4)]


def test_an_item_that_closes_its_streams_leaves_new_ones_to_the_next(workshop: Workshop) -> None:
    seen, told = make(
        workshop,
        'python: "steps:takes_its_streams_away", for_each: "${{ range(3) }}", batch: 3, with: {n: "${{ each.item }}"}',
        "-w",
        "1",
    )

    assert seen, told
    assert seen == [seen[0]] * 3
    logs = sorted((workshop.folder / "run" / "logs").iterdir())
    assert [log.read_text() for log in logs] == [f"item {n}\nalso {n}\n" for n in (1, 2)]


def test_an_item_that_leaves_a_thread_has_its_process_to_itself(workshop: Workshop) -> None:
    pids, told = make(
        workshop,
        'python: "steps:leaves_a_thread", for_each: "${{ range(3) }}", batch: 3, with: {n: "${{ each.item }}"}',
        "-w",
        "1",
    )

    assert pids, told
    assert pids[0] not in pids[1:]
    assert pids[1] == pids[2]
    assert len(list((workshop.folder / "run" / "logs").iterdir())) == 1


def test_an_item_that_dies_takes_nobody_along(workshop: Workshop) -> None:
    _, told = make(
        workshop,
        'python: "steps:dies_at_three", for_each: "${{ range(8) }}", batch: 8, with: {n: "${{ each.item }}"}',
        "-w",
        "1",
    )

    assert "killed by SIGKILL" in told
    assert sorted(event["item"] for event in workshop.events("task.succeeded")) == [0, 1, 2, 4, 5, 6, 7]
    assert {event["attempt"] for event in workshop.events("task.started")} == {1}


def test_a_retry_gets_a_process_of_its_own(workshop: Workshop) -> None:
    arguments = '{n: "${{ each.item }}", attempt: "${{ env.FLOWPAR_ATTEMPT }}"}'
    pids, told = make(
        workshop,
        f'python: "steps:dies_at_three", for_each: "${{{{ range(6) }}}}", batch: 6, retry: 1, with: {arguments}',
        "-w",
        "1",
    )

    assert pids, told
    started = [(event["attempt"], event["pid"]) for event in workshop.events("task.started")]
    again = started.index((2, pids[3]))
    assert pids[3] not in {pid for _, pid in started[:again]}


@pytest.mark.parametrize("function", ["sleeps_at_two", "yields_to_the_timeout"])
def test_a_timeout_ends_its_item_and_the_others_go_on(workshop: Workshop, function: str) -> None:
    _, told = make(
        workshop,
        f'python: "steps:{function}", for_each: "${{{{ range(5) }}}}", batch: auto, on_item_error: collect, '
        'timeout: 3s, grace: 100ms, with: {n: "${{ each.item }}"}',
        "-w",
        "1",
    )

    assert "w[2]: timed out" in told
    assert sorted(event["item"] for event in workshop.events("task.succeeded") if event["item"] is not None) == [
        0,
        1,
        3,
        4,
    ]


def test_items_that_share_a_process_are_counted_with_all_others() -> None:
    plan = plan_of([planned("a", fan_out=FanOut({}), batch=0), planned("b")])

    assert pools_asked(plan) == {"cpu"}
    assert not may_go_ahead(plan.tasks)
