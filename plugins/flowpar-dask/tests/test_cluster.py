"""Clusters that change under a run, and workers that are not what they should be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from distributed import Client
from flowpar.core.errors import MachineError

from flowpar_dask.cluster import LocalCluster, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Yard

DEADLINE_S = 120
LARGE = "x" * 200_000
STEPS = """
import os, time
from pathlib import Path


def work(n: int) -> int:
    Path(f"begun-{n}").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    return n


def steal() -> int:
    (folder,) = Path(".flowpar/runs").glob("*/scratch/dask")
    files = list(folder.glob("*.begun"))
    for file in files:
        file.rename(f"{file}.closed")
    return len(files)


def same(n: int) -> int:
    return n
"""
WORKFLOW = """
flowpar: 1
name: cluster
inputs: {blob: {type: string, default: ""}}
tasks:
  work:
    for_each: {n: "${{ range(6) }}"}
    python: steps:work
    with: {n: "${{ each.n }}"}
    retry: {attempts: 5, on: [died]}
outputs: {all: "${{ tasks.work.output }}"}
"""
STOLEN = """
flowpar: 1
name: stolen
tasks:
  steal: {python: steps:steal}
  after: {needs: [steal], for_each: {n: "${{ range(8) }}"}, python: steps:same, with: {n: "${{ each.n }}"}}
outputs: {all: "${{ tasks.after.output }}"}
"""


def connected(address: str) -> Any:
    make: Any = Client
    return make(address, set_as_default=False, timeout=60)


@contextmanager
def dask(folder: Path, *words: str, **variables: str) -> Iterator[None]:
    with (folder / "said").open("ab") as said:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def scheduler(yard: Yard) -> Iterator[str]:
    """A scheduler that has no worker yet."""
    told = yard.folder / "scheduler.json"
    with dask(yard.folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told)):
        yard.until(lambda: told.exists() and told.read_text().endswith("}"))
        yield json.loads(told.read_text())["address"]


def await_tasks(yard: Yard, scheduler: str) -> None:
    with connected(scheduler) as asking:
        yard.until(lambda: bool(asking.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))))


def begun(folder: Path) -> int:
    return len(list(folder.glob("begun-*")))


@pytest.mark.parametrize("blob", ["", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("is_restart", [False, True], ids=["kill", "restart"])
def test_workers_that_all_go_come_back_with_all_that_jobs_share(
    yard: Yard, mortal: LocalCluster, blob: str, *, is_restart: bool
) -> None:
    yard.write(steps=STEPS, w=WORKFLOW)
    (yard.folder / "in.json").write_text(json.dumps({"blob": blob}))
    run = yard.start("run", "w.yaml", "--executor", f"dask={mortal.address}", "--inputs", "in.json", "--json")
    yard.until(lambda: begun(yard.folder) == 2)

    with connected(mortal.address) as asking:
        if is_restart:
            asking.restart()
        else:
            for pid in asking.run(os.getpid).values():
                os.kill(pid, signal.SIGKILL)
    (yard.folder / "go").touch()
    out, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 0, err
    assert json.loads(out) == {"all": list(range(6))}


def test_a_run_with_much_to_share_waits_for_the_first_worker(yard: Yard, scheduler: str) -> None:
    yard.write(steps=STEPS, w=WORKFLOW)
    (yard.folder / "in.json").write_text(json.dumps({"blob": LARGE}))
    (yard.folder / "go").touch()
    run = yard.start("run", "w.yaml", "--executor", f"dask={scheduler}", "--inputs", "in.json", "--json")
    await_tasks(yard, scheduler)

    with dask(yard.folder, "worker", scheduler, "--no-nanny", "--nthreads", "1"):
        out, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 0, err
    assert json.loads(out) == {"all": list(range(6))}


def test_a_worker_without_this_plugin_that_joins_ends_the_run_and_says_so(yard: Yard, scheduler: str) -> None:
    yard.write(steps=STEPS, w=WORKFLOW)
    bare = yard.folder / "bare"
    bare.mkdir()
    (bare / "flowpar_dask.py").write_text("raise ModuleNotFoundError('it is not installed here')")
    run = yard.start("run", "w.yaml", "--executor", f"dask={scheduler}")
    await_tasks(yard, scheduler)

    with dask(yard.folder, "worker", scheduler, "--no-nanny", "--nthreads", "1", PYTHONPATH=str(bare)):
        _, err = run.communicate(timeout=DEADLINE_S)

    assert run.returncode == 3
    assert "a dask worker can't import flowpar_dask: it is not installed here" in err


def test_a_worker_that_hangs_is_named(mortal: LocalCluster) -> None:
    with connected(mortal.address) as asking:
        address, pid = next(iter(asking.run(os.getpid).items()))
    hung = psutil.Process(pid)
    hung.suspend()

    with pytest.raises(MachineError, match=f"the dask worker {address} does not answer"):
        connect(mortal.address)

    hung.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heeded_while_the_run_connects(yard: Yard, number: signal.Signals) -> None:
    yard.write(steps=STEPS, w=WORKFLOW)
    with socket.create_server(("127.0.0.1", 0)) as server:
        run = yard.start("run", "w.yaml", "--executor", f"dask=tcp://127.0.0.1:{server.getsockname()[1]}")
        asked, _ = server.accept()

        run.send_signal(number)
        _, err = run.communicate(timeout=DEADLINE_S)
        asked.close()

    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], err


def test_a_worker_that_was_taken_for_lost_goes_on_with_what_comes(yard: Yard, address: str) -> None:
    yard.write(steps=STEPS, w=STOLEN)

    done = yard.run("run", "w.yaml", "--executor", f"dask={address}", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"all": list(range(8))}
