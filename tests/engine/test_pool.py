"""Attempts in warm workers: who makes them, what stays, and what happens to the others when one dies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Workshop

pytestmark = pytest.mark.timeout(180)
PACE_S = 80.0

STEPS = """
import os
import signal
import time

CALLS = []


def pid(n: int = 0) -> int:
    return os.getpid()


def calls(n: int) -> tuple[int, int]:
    CALLS.append(n)
    return os.getpid(), len(CALLS)


def env(n: int) -> list[object]:
    told = [os.environ.get(name) for name in ("FLOWPAR_TASK", "FLOWPAR_ITEM", "MINE", "LEFT")]
    os.environ["LEFT"] = "x"
    os.chdir("/")
    return told


def dies_at_three(n: int) -> int:
    if n == 3 and os.environ["FLOWPAR_ATTEMPT"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def sleeps_at_two(n: int) -> int:
    if n == 2:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    return n


def nap(n: int) -> tuple[float, float]:
    began = time.monotonic()
    time.sleep(0.1)
    return began, time.monotonic()


def keeps(n: int) -> int:
    if n == 0:
        CALLS.append(bytearray(os.urandom(1 << 20) * 600))
        time.sleep(0.2)
    return os.getpid()


def ran(n: int) -> int:
    with open("ran", "a") as file:
        file.write(f"{n}\\n")
    return n


def one_sleeps(n: int) -> int:
    ran(n)
    if n == 150:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    return n


def one_lasts(n: int) -> int:
    ran(n)
    until = time.monotonic() + 40
    while n == 150 and len(open("ran").readlines()) < 400 and time.monotonic() < until:
        time.sleep(0.05)
    return n


def one_exits(n: int) -> int:
    ran(n)
    if n == 150:
        os._exit(7)
    return n


def some_raise(n: int) -> int:
    ran(n)
    if n % 40 == 39:
        raise ValueError(n)
    return n


def speaks(n: int) -> None:
    print(f"item {n}")
    if n % 50 == 0:
        os.system(f"echo child of {n}")
"""


def items(function: str, count: int, more: str = "") -> str:
    each = f'for_each: "${{{{ range({count}) }}}}", with: {{n: "${{{{ each.item }}}}"}}'
    return f'  w: {{python: "steps:{function}", {each}{more}}}'


def test_attempts_share_a_worker_for_each_slot_and_its_modules_stay_imported(workshop: Workshop) -> None:
    made, told = workshop.run(items("calls", 20), "-w", "2", "--executor", "pool")

    assert made, told
    calls = Counter(pid for pid, _ in made)
    assert len(calls) <= 2
    assert sorted(count for _, count in made) == sorted(
        count for calls_of_one in calls.values() for count in range(1, calls_of_one + 1)
    )
    assert {event["executor"] for event in workshop.events("task.succeeded") if event["item"] is not None} == {"pool"}


def test_different_tasks_take_the_same_worker(workshop: Workshop) -> None:
    tasks = '  v: {python: "steps:pid", executor: pool}\n  w: {python: "steps:pid", executor: pool, needs: [v]}'

    both, told = workshop.run(tasks, "-w", "1", outputs="${{ [tasks.v.output, tasks.w.output] }}")

    assert both, told
    assert both[0] == both[1]


def test_each_attempt_has_its_own_variables_and_what_it_changed_is_put_back(workshop: Workshop) -> None:
    seen, told = workshop.run(items("env", 3, ', env: {MINE: "${{ each.item }}"}, executor: pool'), "-w", "1")

    assert seen, told
    assert seen == [["w", str(n), str(n), None] for n in range(3)]


def test_each_attempt_has_its_own_log(workshop: Workshop) -> None:
    _, told = workshop.run(items("speaks", 200), "-w", "2", "--executor", "pool")

    ended = [event for event in workshop.events("task.succeeded") if event["item"] is not None]
    assert len(ended) == 200, told
    for event in ended:
        text = (workshop.folder / "run" / event["log_file"]).read_text()
        expected = [f"child of {event['item']}"] if event["item"] % 50 == 0 else []
        assert sorted(text.splitlines()) == [*expected, f"item {event['item']}"]


def test_a_worker_that_dies_takes_only_the_attempt_that_it_made(workshop: Workshop) -> None:
    made, told = workshop.run(items("dies_at_three", 12, ", retry: 1"), "-w", "2", "--executor", "pool")

    assert made, told
    assert len(set(made)) <= 3
    (retrying,) = workshop.events("task.retrying")
    assert (retrying["item"], retrying["error"]["kind"]) == (3, "died")
    assert Counter(event["item"] for event in workshop.events("task.started")) == Counter([*range(12), 3])


def test_a_timeout_ends_the_worker_and_only_the_attempt_that_it_makes(workshop: Workshop) -> None:
    made, told = workshop.run(
        items("sleeps_at_two", 8, ", timeout: 4s, grace: 100ms, on_item_error: collect"),
        "-w",
        "2",
        "--executor",
        "pool",
    )

    assert made == [0, 1, None, 3, 4, 5, 6, 7], told
    (late,) = workshop.events("task.timed_out")
    assert late["item"] == 2
    assert 4 <= late["duration_s"] < 60


def test_a_worker_that_keeps_much_memory_is_replaced(workshop: Workshop) -> None:
    made, told = workshop.run(items("keeps", 4), "-w", "1", "--executor", "pool")

    assert made, told
    assert made[0] != made[1] == made[2] == made[3]


def test_what_needs_a_process_of_its_own_gets_one(workshop: Workshop) -> None:
    tasks = """
  a: {shell: "true"}
  b: {python: "steps:pid", resources: {memory: 1GiB}}
  c: {python: "steps:pid", resources: {cpu: 0.5}}
  d: {python: "steps:pid", resources: {cpu: 1}}
  w: {python: "steps:pid"}"""

    _, told = workshop.run(tasks, "--executor", "pool")

    used = {event["task"]: event["executor"] for event in workshop.events("task.succeeded")}
    assert used == {"a": "process", "b": "process", "c": "process", "d": "pool", "w": "pool"}, told


def test_a_workflow_of_another_folder_does_not_meet_modules_of_the_same_name(workshop: Workshop) -> None:
    other = workshop.folder / "other"
    other.mkdir()
    (other / "steps.py").write_text("def pid() -> int:\n    return -1\n")
    (other / "sub.yaml").write_text(
        'flowpar: 1\ntasks:\n  p: {python: "steps:pid"}\noutputs: {it: "${{ tasks.p.output }}"}\n'
    )
    tasks = '  v: {python: "steps:pid"}\n  w: {workflow: other/sub.yaml, needs: [v]}'

    found, told = workshop.run(tasks, "-w", "1", "--executor", "pool", outputs="${{ tasks.w.output.it }}")

    assert found == -1, told


def test_a_pool_beside_processes_takes_no_more_slots(workshop: Workshop) -> None:
    each = 'for_each: "${{ range(8) }}", with: {n: "${{ each.item }}"}'
    tasks = f'  v: {{python: "steps:nap", {each}, executor: pool}}\n  w: {{python: "steps:nap", {each}}}'

    spans, told = workshop.run(tasks, "-w", "2", outputs="${{ tasks.v.output + tasks.w.output }}")

    assert spans, told
    assert len(spans) == 16
    # When each of them has just begun, no more than two run.
    assert max(sum(a <= began < b for a, b in spans) for began, _ in spans) <= 2


def bodies(workshop: Workshop) -> Counter[int]:
    return Counter(map(int, (workshop.folder / "ran").read_text().split()))


@pytest.mark.parametrize(("function", "kind"), [("one_sleeps", "task.timed_out"), ("one_exits", "task.failed")])
def test_what_stood_behind_an_attempt_that_was_ended_is_unharmed_and_had_not_begun(
    workshop: Workshop, function: str, kind: str
) -> None:
    made, told = workshop.run(
        items(function, 300, ", timeout: 4s, grace: 100ms, on_item_error: collect, executor: pool"), "-w", "2"
    )

    assert made == [None if n == 150 else n for n in range(300)], told
    assert [event["item"] for event in workshop.events(kind)] == [150]
    assert bodies(workshop) == Counter(range(300))
    assert Counter(event["item"] for event in workshop.events("task.started")) == Counter(range(300))


def test_what_stood_behind_an_attempt_that_fails_is_made(workshop: Workshop) -> None:
    made, told = workshop.run(items("some_raise", 300, ", on_item_error: collect, executor: pool"), "-w", "2")

    assert made == [None if n % 40 == 39 else n for n in range(300)], told
    assert bodies(workshop) == Counter(range(300))


def test_nobody_waits_behind_an_attempt_that_lasts_while_another_worker_is_free(workshop: Workshop) -> None:
    made, told = workshop.run(items("one_lasts", 400), "-w", "2", "--executor", "pool")

    assert made == list(range(400)), told
    ends = {event["item"]: event["ended_at"] for event in workshop.events("task.succeeded")}
    assert max(ends[n] for n in range(400) if n != 150) < ends[150]


def test_short_attempts_travel_together_and_are_recorded_one_by_one(workshop: Workshop) -> None:
    made, told = workshop.run(items("calls", 500), "-w", "1", "--executor", "pool")

    assert [count for _, count in made] == list(range(1, 501)), told
    ended = [event for event in workshop.events("task.succeeded") if event["item"] is not None]
    assert len(ended) == 500
    assert all(event["duration_s"] > 0 and event["attempt"] == 1 for event in ended)
    (over,) = workshop.events("run.finished")
    assert sum(event["duration_s"] for event in ended) < over["duration_s"], "each has its own time, one after another"
