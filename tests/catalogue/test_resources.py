"""Resources with the real command: limits hold by the journal, memory ends whole trees, threads and devices arrive."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

if TYPE_CHECKING:
    from tests.catalogue.conftest import Ended, Yard

pytestmark = pytest.mark.timeout(180)

MEMORY_STEPS = """
    import mmap, multiprocessing, os, signal, subprocess, sys, time

    HOLD = "import time; x = bytearray(150 << 20); time.sleep(60)"

    def alone():
        held = bytearray(1 << 30)
        time.sleep(60)

    def together():
        for _ in range(3):
            subprocess.Popen([sys.executable, "-c", HOLD], start_new_session=True)
        time.sleep(60)

    def stubborn():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        held = [bytearray(50 << 20) for _ in range(20)]
        time.sleep(60)

    def maps_a_file():
        with open("large", "wb+") as file:
            file.truncate(600 << 20)
            with mmap.mmap(file.fileno(), 0) as mapped:
                return sum(mapped[place] for place in range(0, 600 << 20, 4096))

    def shares_by_forks():
        held = bytearray(120 << 20)
        children = [multiprocessing.get_context("fork").Process(target=time.sleep, args=(1,)) for _ in range(6)]
        for child in children: child.start()
        for child in children: child.join()
        return len(held)

    def raises():
        raise MemoryError

    def modest():
        return len(bytearray(50 << 20))
"""


def memory_workflow(*functions: str) -> str:
    tasks = "\n".join(f"  {name}: {{python: 'steps:{name}'}}" for name in functions)
    shell = "  shell: {shell: [python3, -c, 'import time; x = bytearray(1 << 30); time.sleep(60)']}"
    return f"defaults: {{resources: {{memory: 200MiB}}}}\ntasks:\n{tasks}\n{shell}\n"


@pytest.fixture
def memory(yard: Yard) -> tuple[Ended, dict[str, dict[str, Any]]]:
    functions = re.findall(r"def (\w+)\(", MEMORY_STEPS)
    yard.write(memory_workflow(*functions), MEMORY_STEPS)
    ended = yard.run("-w", "3")
    assert yard.survivors() == {}
    return ended, yard.ends()


def test_a_tree_that_has_too_much_ends_with_the_limit_the_peak_and_what_to_do(
    memory: tuple[Ended, dict[str, dict[str, Any]]],
) -> None:
    ended, tasks = memory
    wanted = (
        r"needed more than its memory of 200 MiB \(peak (\d+) MiB\), and was killed; "
        r"raise resources.memory, or let it work on less at once"
    )

    for name in ("alone", "together", "stubborn", "shell"):
        error = tasks[name]["error"]
        found = re.fullmatch(wanted, error["message"])
        assert found is not None, error
        assert int(found.group(1)) > 200
        assert (error["kind"], error["type"]) == ("died", "MemoryLimit")
        assert tasks[name]["duration_s"] < 30  # far from the minute that it would take, on a busy machine, too
    assert ended.code == 1


def test_what_is_not_its_own_is_not_counted(memory: tuple[Ended, dict[str, dict[str, Any]]]) -> None:
    _, tasks = memory

    for name in ("maps_a_file", "shares_by_forks", "modest"):
        assert tasks[name]["event"] == "task.succeeded", tasks[name]
    assert tasks["raises"]["error"]["type"] == "MemoryError"


def test_a_kill_for_memory_is_retried_as_one_that_died(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          big:
            shell: |
              test "$FLOWPAR_ATTEMPT" = 2 || python3 -c 'x = bytearray(1 << 30)'
            resources: {memory: 100MiB}
            retry: {attempts: 2, on: [died]}
        """
    )

    ended = yard.run()

    assert ended.code == 0, ended.stderr
    assert [record["event"] for record in yard.records() if record.get("task") == "big"] == [
        "task.started",
        "task.retrying",
        "task.started",
        "task.succeeded",
    ]


def most_at_once(records: list[dict[str, Any]], wanted: set[str]) -> int:
    """Return how many attempts at some tasks ran at once, from their recorded starts and ends."""
    moments = []
    for record in records:
        is_end = record["event"] in {"task.succeeded", "task.failed", "task.retrying"} and record.get("pid")
        if is_end and record["task"] in wanted:
            moments += [(record["started_at"], 1), (record["ended_at"], -1)]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def test_what_needs_all_of_a_pool_never_overlaps(yard: Yard) -> None:
    yard.write(
        """
        limits: {api: 1}
        tasks:
          items:
            for_each: ${{ range(8) }}
            shell: sleep 0.05
            resources: {api: 1, cpu: 0}
          flaky:
            for_each: ${{ range(3) }}
            shell: sleep 0.02; test "$FLOWPAR_ATTEMPT" = 3
            resources: {api: 1}
            retry: 2
          thread:
            shell: sleep 0.1
            executor: thread
            resources: {api: 1}
          single: {shell: sleep 0.1, resources: {api: 0.6}}
          other: {shell: sleep 0.1, resources: {api: 0.6}}
          free:
            for_each: ${{ range(6) }}
            shell: touch free.$FLOWPAR_ITEM; until test "$(ls -d free.* | wc -l)" -ge 2; do sleep 0.01; done
            timeout: 60s
        """
    )

    ended = yard.run("-w", "4")

    assert ended.code == 0, ended.stderr
    assert most_at_once(yard.records(), {"items", "flaky", "thread", "single", "other"}) == 1
    assert most_at_once(yard.records(), {"free"}) > 1


def test_cpus_are_counted_and_who_takes_none_runs_beside_the_workers(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          waits:
            for_each: ${{ range(5) }}
            shell: |
              touch waits.$FLOWPAR_ITEM
              until test -e waits.0 -a -e waits.1 -a -e waits.2 -a -e waits.3 -a -e waits.4; do sleep 0.01; done
            resources: {cpu: 0}
            timeout: 60s
          whole: {for_each: "${{ range(2) }}", shell: sleep 0.1, resources: {cpu: 2}}
          one: {for_each: "${{ range(6) }}", shell: sleep 0.02}
        """
    )

    ended = yard.run("-w", "2")

    assert ended.code == 0, ended.stderr
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record in yard.records():
        if record["event"] == "task.succeeded" and record.get("pid"):
            spans[record["task"]].append((record["started_at"], record["ended_at"]))
    for start, end in spans["whole"]:
        others = [*spans["one"], *(span for span in spans["whole"] if span != (start, end))]
        assert all(other_end <= start or end <= other_start for other_start, other_end in others)


def test_the_highest_priority_goes_first(yard: Yard) -> None:
    yard.write(
        """
        inputs: {boost: 5}
        tasks:
          last: {shell: "true", priority: -1}
          long: {shell: "true"}
          after: {shell: "true", needs: [long], priority: -2}
          plain: {shell: "true"}
          first: {shell: "true", priority: "${{ inputs.boost * 2 }}"}
          second: {shell: "true", priority: 3}
        """
    )

    yard.run("-w", "1")

    order = [record["task"] for record in yard.records() if record["event"] == "task.started"]
    assert order == ["first", "second", "long", "plain", "last", "after"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_threads_of_numeric_libraries_follow_the_cpus(yard: Yard, method: str) -> None:
    yard.write(
        """
        env: {MKL_NUM_THREADS: 7}
        tasks:
          default: {python: "steps:threads"}
          three: {python: "steps:threads", resources: {cpu: 3.5}}
          half: {python: "steps:threads", resources: {cpu: 0.5}}
          own: {python: "steps:threads", resources: {cpu: 2}, env: {OMP_NUM_THREADS: 9}}
          shell: {shell: echo "$OMP_NUM_THREADS", resources: {cpu: 2}}
        outputs:
          all: >-
            ${{ [tasks.default.output, tasks.three.output, tasks.half.output, tasks.own.output,
            strip(tasks.shell.output.stdout)] }}
        """,
        """
        import os
        at_import = os.environ["OMP_NUM_THREADS"] + " " + os.environ["MKL_NUM_THREADS"]
        def threads(): return at_import
        """,
    )

    ended = yard.run("-w", "4", "--json", "--start-method", method)
    inherited = yard.run("-w", "4", "--json", "--start-method", method, OMP_NUM_THREADS="5")

    assert json.loads(ended.stdout)["all"] == ["1 7", "3 7", "1 7", "9 7", "2"]
    assert json.loads(inherited.stdout)["all"] == ["5 7", "3 7", "1 7", "9 7", "2"]


def test_devices_are_handed_out_and_none_twice_at_once(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          train:
            for_each: ${{ range(4) }}
            shell: echo "$CUDA_VISIBLE_DEVICES"; sleep 0.05
            resources: {gpu: 1, cpu: 0}
          both: {shell: echo "$CUDA_VISIBLE_DEVICES", resources: {gpu: 2, cpu: 0}}
          none: {shell: 'echo "<$CUDA_VISIBLE_DEVICES>"', resources: {gpu: 0}}
          unasked: {shell: echo "$CUDA_VISIBLE_DEVICES"}
        outputs:
          train: "${{ [strip(each_one.stdout) for each_one in tasks.train.output] }}"
          rest: "${{ [strip(t.stdout) for t in [tasks.both.output, tasks.none.output, tasks.unasked.output]] }}"
        """
    )

    ended = yard.run("-w", "4", "--json", CUDA_VISIBLE_DEVICES="3,GPU-7")

    assert ended.code == 0, ended.stderr
    outputs = json.loads(ended.stdout)
    assert set(outputs["train"]) == {"3", "GPU-7"}
    assert sorted(outputs["rest"][0].split(",")) == ["3", "GPU-7"]
    assert outputs["rest"][1:] == ["<>", "3,GPU-7"]
    assert most_at_once(yard.records(), {"train"}) <= 2


@pytest.mark.parametrize(
    ("resources", "options", "said"),
    [
        ("cpu: 3", ["-w", "2"], 'task "big" asks for 3 of "cpu", and there are 2 workers'),
        ("memory: 900TiB", [], 'task "big" asks for 900TiB of "memory", and there are'),
        ("gpu: 1", [], 'task "big" asks for 1 of "gpu", and no device is here'),
        ('api: "${{ inputs.n }}"', [], 'task "big" asks for 5 of "api", and its limit is 2'),
    ],
)
def test_what_can_never_start_is_refused_before_anything_runs(
    yard: Yard, resources: str, options: list[str], said: str
) -> None:
    yard.write(
        f"""
        inputs: {{n: 5}}
        limits: {{api: 2}}
        tasks:
          small: {{shell: echo small}}
          big: {{shell: echo big, resources: {{{resources}}}}}
        """
    )

    for command in ("run", "plan"):
        bare = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        ended = warm.run([command, "workflow.yaml", *options], cwd=yard.folder, env=bare)
        assert ended.returncode == 2
        assert re.search(r"^workflow.yaml:8:\d+: error\[FP23[12]\]: ", ended.stderr, re.MULTILINE), ended.stderr
        assert said in ended.stderr
    if "api" not in resources:  # what a workflow itself says is a matter of check
        assert warm.run(["check", "workflow.yaml"], cwd=yard.folder).returncode == 0
    assert not (yard.folder / ".flowpar" / "runs").exists()


def test_a_plan_that_was_kept_is_refused_for_fewer_workers_and_so_is_a_resume(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          two: {shell: test -e ready, resources: {cpu: 2}}
        """
    )

    first, kept = yard.run("-w", "2"), yard.run("-w", "1")
    refused = yard.command("resume", "-w", "1")
    (yard.folder / "ready").touch()
    resumed = yard.command("resume", "-w", "2")

    assert [first.code, kept.code, refused.code, resumed.code] == [1, 2, 2, 0]
    assert 'workflow.yaml:5:48: error[FP232]: task "two" asks for 2 of "cpu", and there is 1 worker' in kept.stderr
    assert "error[FP232]" in refused.stderr


def test_what_a_thread_has_started_is_bounded_too(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          big: {shell: "python3 -c 'x = bytearray(1 << 30); input()'; sleep 60", resources: {memory: 100MiB}}
          other: {shell: echo fine, resources: {memory: 100MiB}}
        """
    )

    ended = yard.run("--executor", "thread")

    assert yard.ends()["big"]["error"]["type"] == "MemoryLimit", ended.stderr
    assert yard.ends()["other"]["event"] == "task.succeeded"
    assert yard.survivors() == {}


PLUGIN = """
    from flowpar.plugin import task_type

    @task_type(resources={"api": 1, "memory": "64MiB", "cpu": 0})
    def ask(what: str) -> str:
        return what
"""


def test_what_a_task_type_asks_for_holds_below_what_the_task_says(yard: Yard) -> None:
    yard.write(
        """
        plugins: [./steps.py]
        limits: {api: 2}
        tasks:
          plain: {ask: a}
          own: {ask: b, resources: {api: 2, cpu: 1}}
        """,
        PLUGIN,
    )

    ended = yard.command("plan", "workflow.yaml", "--json")

    tasks = {task["id"]: task["resources"] for task in json.loads(ended.stdout)["tasks"]}
    assert tasks == {
        "plain": {"api": 1, "memory": 64 << 20, "cpu": 0},
        "own": {"api": 2, "memory": 64 << 20, "cpu": 1},
    }


@pytest.mark.parametrize(
    ("limits", "steps", "code", "said"),
    [
        ("{}", PLUGIN, 2, 'workflow.yaml:7:11: error[FP230]: task "plain" asks for "api", which is no pool'),
        ("{api: 0.5}", PLUGIN, 2, 'error[FP231]: task "plain" asks for 1 of "api", and its limit is 0.5'),
        (
            "{api: 1}",
            PLUGIN.replace("64MiB", "64M"),
            3,
            '"resources" of task type "ask" of ./steps.py are wrong: "memory" ',
        ),
    ],
)
def test_what_a_task_type_may_not_ask_for_is_said_at_its_task(
    yard: Yard, limits: str, steps: str, code: int, said: str
) -> None:
    yard.write(
        f"""
        plugins: [./steps.py]
        limits: {limits}
        tasks:
          plain: {{ask: a}}
        """,
        steps,
    )

    ended = yard.command("check", "workflow.yaml")

    assert ended.code == code
    assert said in ended.stdout + ended.stderr


def test_what_a_sub_workflow_asks_for_is_counted_and_refused_in_its_own_file(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          sub: {workflow: inner.yaml}
        """
    )
    (yard.folder / "inner.yaml").write_text("flowpar: 1\ntasks:\n  two: {shell: echo two, resources: {cpu: 2}}\n")

    enough, too_few = yard.run("-w", "2"), yard.run("-w", "1")

    assert (enough.code, too_few.code) == (0, 2)
    assert 'inner.yaml:3:43: error[FP232]: task "sub/two" asks for 2 of "cpu"' in too_few.stderr
    assert "3 |   two: {shell: echo two" in too_few.stderr
