"""A value that was made on another machine comes from its memory; the file in the run folder stands behind it.

Two dask workers of one machine are told by dask's configuration that they are on machines of their own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Yard

STEPS = """
import os
import time
from collections.abc import Iterator
from pathlib import Path

import flowpar


def big(n: int) -> memoryview:
    return memoryview(bytearray([n]) * 1_000_000)


def give(n: int) -> Iterator[memoryview]:
    for each in range(n):
        yield big(each)
    while not Path("seen").exists():  # by the other machine, as this one is busy here
        time.sleep(0.02)


def see(value: memoryview) -> dict[str, object]:
    Path("seen").touch()
    return {"n": value[-1], "found": found()}


def found() -> list[str]:
    maps = Path("/proc/self/maps").read_text().splitlines()
    return sorted({line.split()[-1] for line in maps if line.endswith(".val")})


def look(value: memoryview, all: list[memoryview], n: int, context: flowpar.TaskContext) -> dict[str, object]:
    # Attempts are made on both machines: whoever did not make the values has to fetch them.
    Path("looked-" + os.environ["DASK_FLOWPAR__MACHINE"]).touch()
    while len(list(Path.cwd().glob("looked-*"))) < 2:
        time.sleep(0.02)
    (context.scratch / "mine").touch()
    total, scratch = sum(each[0] for each in all), str(context.scratch)
    return {"n": value[-1], "sum": total, "found": found(), "scratch": scratch}
"""
WORKFLOW = """
flowpar: 1
name: near
tasks:
  one: {python: steps:big, with: {n: 7}}
  some: {for_each: {n: [1, 2]}, python: steps:big, with: {n: "${{ each.n }}"}}
  look:
    for_each: {n: "${{ range(6) }}"}
    python: steps:look
    with: {value: "${{ tasks.one.output }}", all: "${{ tasks.some.output }}", n: "${{ each.n }}"}
  give: {needs: [look], python: steps:give, with: {n: 6}}
  see: {for_each: "${{ tasks.give.output }}", python: steps:see, with: {value: "${{ each.item }}"}}
outputs:
  looked: ${{ tasks.look.output }}
  seen: ${{ tasks.see.output }}
"""


@pytest.fixture
def two_machines(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A scheduler and two workers, each on what it takes for a machine of its own."""
    folder = tmp_path / "near"
    started = []
    told = tmp_path / "scheduler.json"
    with (tmp_path / "said").open("wb") as said:
        for number in range(3):
            what = ["worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
            if not number:
                what = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *what, "--scheduler-file", str(told)],
                    env={
                        **os.environ,
                        "DASK_FLOWPAR__MACHINE": f"m{number}",
                        "DASK_FLOWPAR__NEAR": str(folder / str(number)),
                    },
                    stdout=said,
                    stderr=said,
                )
            )
    make: Any = Client
    with make(scheduler_file=str(told), timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        address = client.scheduler.address
    yield address, folder
    for process in started:
        process.kill()  # a worker whose scheduler has ended takes long to end by itself
    for process in started:
        process.wait(30)


def test_a_maker_that_does_not_answer_is_asked_once_and_the_file_is_read(address: str, tmp_path: Path) -> None:
    def fetch(folder: str) -> list[bool]:
        from distributed import get_worker

        from flowpar_dask.near import Maker, Near

        near = Near.of("a-run", folder, get_worker())
        nobody = Maker("tcp://127.0.0.1:1", "elsewhere")
        near.fetch({"values/1.val": nobody, "values/2.val": nobody}, get_worker())
        return [Path(near.folder, name).exists() for name in ("1.val", "2.val")]

    with connected(address) as client:
        found = client.submit(fetch, str(tmp_path)).result(timeout=60)

    assert found == [False, False]


def test_a_maker_that_takes_a_call_and_says_nothing_is_given_up_and_asked_once(address: str, tmp_path: Path) -> None:
    def fetch(folder: str, maker: str) -> list[bool]:
        from distributed import get_worker

        from flowpar_dask.near import Maker, Near

        near = Near.of("a-run", folder, get_worker())
        near.patience_s = 0.3
        for name in ("1.val", "2.val"):
            near.fetch({f"values/{name}": Maker(maker, "elsewhere")}, get_worker())
        return [Path(near.folder, name).exists() for name in ("1.val", "2.val")]

    with socket.create_server(("127.0.0.1", 0)) as mute, connected(address) as client:
        found = client.submit(fetch, str(tmp_path), f"tcp://127.0.0.1:{mute.getsockname()[1]}").result(timeout=30)
        mute.settimeout(0)
        mute.accept()[0].close()
        with pytest.raises(BlockingIOError):
            mute.accept()

    assert found == [False, False]


@pytest.mark.parametrize("file", ["values/../journal.val", "events.jsonl", "values/sub/1.val", "/etc/passwd"])
def test_nothing_but_values_of_a_run_is_told_to_other_workers(address: str, tmp_path: Path, file: str) -> None:
    (tmp_path / "values").mkdir()
    (tmp_path / "journal.val").write_text("not for others")
    (tmp_path / "values" / "1.val").write_text("a value")

    async def ask(name: str, run: str, folder: str) -> bytes:
        from distributed import get_worker

        from flowpar_dask.near import Near

        Near.of("a-run", folder, get_worker())
        return bytes(await get_worker().rpc(get_worker().address).flowpar_value(run=run, file=name, start=0, most=99))

    with connected(address) as client:
        assert client.submit(ask, "values/1.val", "a-run", str(tmp_path)).result(timeout=60) == b"a value"
        assert client.submit(ask, file, "a-run", str(tmp_path)).result(timeout=60) == b""
        assert client.submit(ask, "values/1.val", "no-run", str(tmp_path)).result(timeout=60) == b""


def connected(address: str) -> Any:
    make: Any = Client
    return make(address, set_as_default=False)


@pytest.mark.skipif(sys.platform != "linux", reason="its function looks for what it has mapped in /proc")
def test_a_value_is_read_from_the_memory_of_the_machine_that_made_it(
    yard: Yard, two_machines: tuple[str, Path]
) -> None:
    address, near = two_machines
    yard.write(steps=STEPS, w=WORKFLOW)

    done = yard.run("run", "w.yaml", "--executor", f"dask={address}", "--json")

    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    looked, seen = outputs["looked"], outputs["seen"]
    assert [(each["n"], each["sum"]) for each in looked] == [(7, 3)] * 6
    folders = {file.rpartition("/")[0] for each in looked for file in each["found"]}
    assert any(folder.startswith(str(near)) for folder in folders), "nothing was fetched"
    assert [each["n"] for each in seen] == list(range(6))
    yielded = {file.rpartition("/")[0] for each in seen for file in each["found"]}
    assert any(folder.startswith(str(near)) for folder in yielded), "nothing that was yielded was fetched"
    assert any(folder.endswith("/values") for folder in folders), "what was made here was fetched, too"
    assert not any("/.flowpar/runs/" in each["scratch"] for each in looked), "on no disk that all share"
    # Copies end with the run, and so do scratch folders.
    yard.until(lambda: not list(near.glob("*/*")) and not any(Path(each["scratch"]).exists() for each in looked))
