"""A dask worker, the scheduler and the run are killed in the middle: nothing that is recorded is made twice."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from distributed import Client

from flowpar_dask.cluster import LocalCluster

if TYPE_CHECKING:
    from conftest import Yard

DEADLINE_S = 120.0
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has semaphores
STEPS = """
import os, time
from pathlib import Path


def work(n: int) -> int:
    with open(f"made-{n}", "a") as made:
        made.write(f"{os.getpid()}\\n")
    if n >= 4:
        Path(f"begun-{n}").touch()
        while not Path("go").exists():
            time.sleep(0.02)
    return n
"""
WORKFLOW = """
flowpar: 1
name: loss
tasks:
  work:
    for_each: {n: "${{ range(8) }}"}
    python: steps:work
    with: {n: "${{ each.n }}"}
    retry: {attempts: 3, on: [died]}
outputs: {all: "${{ tasks.work.output }}"}
"""


@pytest.fixture
def work(yard: Yard) -> Yard:
    yard.write(steps=STEPS, w=WORKFLOW)
    return yard


def begun(folder: Path) -> int:
    return len(list(folder.glob("begun-*")))


def pids_of_begun(folder: Path) -> list[int]:
    return [int((folder / f"made-{file.name[6:]}").read_text()) for file in folder.glob("begun-*")]


def journal(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.glob(".flowpar/runs/*/events.jsonl")
    whole = file.read_text().split("\n")[:-1]  # the last line may be on its way
    return [json.loads(line.split("\t")[0]) for line in whole]


def made(folder: Path) -> dict[int, int]:
    return {int(file.name[5:]): len(file.read_text().splitlines()) for file in folder.glob("made-*")}


def recorded(folder: Path) -> Counter[int]:
    lines = journal(folder)
    return Counter(line["item"] for line in lines if line["event"] == "task.succeeded" and line["item"] is not None)


def test_a_killed_worker_costs_the_attempts_that_it_made_a_try(work: Yard, mortal: LocalCluster) -> None:
    run = work.start("run", "w.yaml", "--executor", f"dask={mortal.address}", "--json")
    work.until(lambda: begun(work.folder) == 2)
    makers = pids_of_begun(work.folder)

    client: Any = Client
    with client(mortal.address, set_as_default=False) as asking:
        for pid in asking.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)
    work.until(lambda: not any(is_there(pid) for pid in makers))
    (work.folder / "go").touch()
    out, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 0, err
    assert json.loads(out) == {"all": list(range(8))}
    assert set(recorded(work.folder).values()) == {1}
    died = [line for line in journal(work.folder) if line["event"] == "task.retrying"]
    assert {line["error"]["kind"] for line in died} == {"died"}
    assert {n for n, times in made(work.folder).items() if times > 1} <= {line["item"] for line in died}


SHORT = """
import os, signal, time
from pathlib import Path


def work(n: int, workers: list[int]) -> int:
    with open("made", "a") as made:
        made.write(f"{n}\\n")
    if n == 150 and not Path("killed").exists():
        Path("killed").touch()
        pid = os.getpid()
        while pid not in workers:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(pid, signal.SIGKILL)
        time.sleep(60)
    return n
"""
SHORT_ITEMS = """
flowpar: 1
name: short
inputs: {workers: {type: list, items: integer}}
tasks:
  work:
    for_each: {n: "${{ range(300) }}"}
    python: steps:work
    with: {n: "${{ each.n }}", workers: "${{ inputs.workers }}"}
    retry: {attempts: 2, on: [died]}
outputs: {all: "${{ tasks.work.output }}"}
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="its function looks for the dask worker in /proc")
def test_of_what_travels_with_an_attempt_that_ends_its_dask_worker_nothing_is_made_twice(
    yard: Yard, mortal: LocalCluster
) -> None:
    yard.write(steps=SHORT, w=SHORT_ITEMS)
    client: Any = Client
    with client(mortal.address, set_as_default=False) as asking:
        workers = list(asking.run(os.getpid).values())

    done = yard.run("run", "w.yaml", "--executor", f"dask={mortal.address}", "--json", "-i", f"workers={workers}")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"all": list(range(300))}
    made = Counter((yard.folder / "made").read_text().splitlines())
    assert {n: times for n, times in made.items() if times > 1} == {"150": 2}
    assert [line["item"] for line in journal(yard.folder) if line["event"] == "task.retrying"] == [150]


def test_a_killed_scheduler_ends_the_run_and_a_resume_goes_on_elsewhere(work: Yard, mortal: LocalCluster) -> None:
    run = work.start("run", "w.yaml", "--executor", f"dask={mortal.address}")
    work.until(lambda: begun(work.folder) == 2 and len(recorded(work.folder)) == 4)

    os.kill(mortal.pid, signal.SIGKILL)
    _, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 3
    assert f"the dask scheduler at {mortal.address} is lost" in err
    (work.folder / "go").touch()
    done = work.run("resume", "--executor", "process", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"all": list(range(8))}
    assert [made(work.folder)[n] for n in range(4)] == [1, 1, 1, 1]


def test_a_cluster_of_our_own_that_dies_ends_the_run_and_a_resume_goes_on_elsewhere(work: Yard) -> None:
    run = work.start("run", "w.yaml", "--executor", "dask", "-w", "2")
    work.until(lambda: begun(work.folder) == 2 and len(recorded(work.folder)) == 4)
    (cluster,) = [
        child for child in psutil.Process(run.pid).children(recursive=True) if "flowpar_dask.local" in child.cmdline()
    ]
    below = cluster.children(recursive=True)

    cluster.kill()
    _, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 3
    assert "the dask scheduler at tcp://127.0.0.1:" in err
    assert " is lost" in err
    assert not psutil.wait_procs(below, timeout=DEADLINE_S)[1]
    (work.folder / "go").touch()
    done = work.run("resume", "--executor", "pool", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"all": list(range(8))}
    assert [made(work.folder)[n] for n in range(4)] == [1, 1, 1, 1]


def test_a_killed_run_leaves_nothing_running_on_the_cluster(work: Yard, address: str) -> None:
    run = work.start("run", "w.yaml", "--executor", f"dask={address}")
    work.until(lambda: begun(work.folder) == 2)
    pids = pids_of_begun(work.folder)

    run.kill()
    run.communicate(timeout=DEADLINE_S)

    work.until(lambda: not any(is_there(pid) for pid in pids))
    (work.folder / "go").touch()
    done = work.run("resume", "--executor", f"dask={address}", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"all": list(range(8))}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_attempts_on_the_cluster(work: Yard, address: str, number: int) -> None:
    run = work.start("run", "w.yaml", "--executor", f"dask={address}")
    work.until(lambda: begun(work.folder) == 2)
    pids = pids_of_begun(work.folder)

    run.send_signal(number)
    _, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal.Signals(number)], err
    work.until(lambda: not any(is_there(pid) for pid in pids))
    cancelled = [line for line in journal(work.folder) if line["event"] == "task.cancelled"]
    assert len(cancelled) >= 2


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="the system keeps semaphores elsewhere")
def test_a_cluster_of_our_own_leaves_no_process_and_no_semaphore(yard: Yard, tmp_path: Path) -> None:
    cluster = LocalCluster(1, tmp_path / "cluster")
    children = psutil.Process(cluster.pid).children(recursive=True)
    maps = [Path(f"/proc/{pid}/maps") for pid in (cluster.pid, *(child.pid for child in children))]
    made = {name for file in maps for name in re.findall(rf"{SHARED_MEMORY}/(sem\.mp-\S+)\n", file.read_text())}

    cluster.close()

    assert made
    yard.until(lambda: not any(SHARED_MEMORY.joinpath(name).exists() for name in made))
    yard.until(lambda: not any(child.is_running() for child in children))
