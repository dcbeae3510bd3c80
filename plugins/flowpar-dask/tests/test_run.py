"""What holds for tasks on this machine holds on the cluster: timeouts, prints, logs, memory, limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest
    from conftest import Yard

STEPS = """
import logging

import flowpar


def talk(n: int, context: flowpar.TaskContext) -> int:
    print("printed", n)
    logging.getLogger("mine").info("logged %d", n)
    context.progress(n, 3)
    return n


def big(n: int) -> bytes:
    return bytes(n)


def size(value: bytes) -> int:
    return len(value)


def items(n: int):
    yield from range(n)


def total(numbers: list[int]) -> int:
    return sum(numbers)
"""
WORKFLOW = """
flowpar: 1
name: all
limits: {api: 1}
tasks:
  talk:
    for_each: {n: [1, 2, 3]}
    python: steps:talk
    with: {n: "${{ each.n }}"}
    resources: {api: 1}
  big: {python: steps:big, with: {n: 1000000}}
  size: {python: steps:size, with: {value: "${{ tasks.big.output }}"}}
  stream: {python: steps:items, with: {n: 5}}
  each:
    for_each: ${{ tasks.stream.output }}
    python: steps:talk
    with: {n: "${{ each.item }}"}
  many:
    for_each: {n: "${{ range(300) }}"}
    python: steps:talk
    with: {n: "${{ each.n }}"}
  sum: {python: steps:total, with: {numbers: "${{ tasks.many.output }}"}}
  here: {executor: process, python: steps:total, with: {numbers: "${{ tasks.each.output }}"}}
  late: {shell: sleep 60, timeout: 300ms, grace: 1s, allow_failure: true}
  greedy:
    python: {script: "kept = b'x' * 500_000_000"}
    resources: {memory: 100MiB}
    allow_failure: true
outputs:
  size: ${{ tasks.size.output }}
  sum: ${{ tasks.sum.output }}
  here: ${{ tasks.here.output }}
  late: ${{ default(tasks.late.error.kind, "") }}
  greedy: ${{ default(tasks.greedy.error.message, "") }}
"""


def test_a_run_on_the_cluster_is_like_one_here(yard: Yard, address: str) -> None:
    yard.write(steps=STEPS, w=WORKFLOW)

    done = yard.run("run", "w.yaml", "--executor", f"dask={address}", "--json")

    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    assert "memory" in outputs.pop("greedy")
    assert outputs == {"size": 1_000_000, "sum": 44_850, "here": 10, "late": "timeout"}
    lines = events(yard)
    talked = [line for line in lines if line.get("task") == "talk"]
    assert sorted(line["text"] for line in talked if line["event"] == "task.printed") == [
        f"printed {n}\n" for n in (1, 2, 3)
    ]
    logged = [line for line in talked if line["event"] == "task.logged"]
    assert sorted(line["message"] for line in logged) == [f"logged {n}" for n in (1, 2, 3)]
    assert {line["done"] for line in talked if line["event"] == "task.progressed"} == {1.0, 2.0, 3.0}
    assert {line["executor"] for line in talked} == {"dask"}
    (folder,) = (path for path in yard.folder.glob(".flowpar/runs/*") if path.is_dir())
    assert sorted(file.read_text() for file in (folder / "logs").glob("*-talk-*")) == [
        f"printed {n}\n" for n in (1, 2, 3)
    ]
    assert not (folder / "scratch").exists()


def events(yard: Yard) -> list[dict[str, Any]]:
    (file,) = yard.folder.glob(".flowpar/runs/*/run.log.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


SEES = """
import os
import time


def sees() -> str:
    time.sleep(0.2)
    return os.environ["CUDA_VISIBLE_DEVICES"]
"""
DEVICES = """
flowpar: 1
name: devices
tasks:
  one: {for_each: {n: "${{ range(6) }}"}, python: steps:sees, resources: {gpu: 1}}
  none: {python: steps:sees, resources: {gpu: 0}}
  greedy: {python: steps:sees, resources: {gpu: 3}, allow_failure: true}
outputs:
  one: ${{ sorted(tasks.one.output) }}
  none: ${{ tasks.none.output }}
  greedy: ${{ default(tasks.greedy.error.message, "") }}
"""


def test_each_attempt_sees_a_device_of_its_own(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")  # what a dask worker is given
    yard.write(steps=SEES, w=DEVICES)

    done = yard.run("run", "w.yaml", "--executor", "dask", "-w", "1", "--json")

    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    assert set(outputs["one"]) <= {"GPU-a", "GPU-b"}
    assert (len(outputs["one"]), outputs["none"]) == (6, "")
    assert outputs["greedy"].startswith('"gpu: 3" is more than the 2 devices of the dask worker tcp://127')
