"""What is wrong with a cluster, its workers or the command line is said at once."""

from __future__ import annotations

import pickle
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client
from flowpar.cli.main import main
from flowpar.core.errors import MachineError
from flowpar.core.outcome import Failure
from flowpar.execute.base import Completion, ExecutorTerms
from flowpar.testing.job import make_job

from flowpar_dask.bundle import own_versions, unpack_word
from flowpar_dask.calls import make_bundle
from flowpar_dask.cluster import LocalCluster, connect
from flowpar_dask.environment import other_versions, reached
from flowpar_dask.executor import DaskExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def executor(address: str, tmp_path: Path) -> Iterator[DaskExecutor]:
    executor = DaskExecutor(ExecutorTerms(str(tmp_path), workers=2, address=address))
    yield executor
    executor.close()


def test_nobody_at_the_address_is_an_error_with_a_deadline() -> None:
    with pytest.raises(MachineError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:1 within 0\.5 s"):
        connect("tcp://127.0.0.1:1", within_s=0.5)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp//x", "it does not end with a port"),
        ("tcp://localhost", "it does not end with a port"),
        ("8786", "it does not end with a port"),
        ("tcp://localhost:http", "it does not end with a port"),
        ("tcp://localhost:99999", "99999 is no port"),
        ("tcp://:8786", "it names no host"),
        ("http://localhost:8786", '"http" is none of tcp, tls'),
    ],
)
def test_what_is_no_address_is_an_error_that_says_how_to_write_one(address: str, told: str) -> None:
    with pytest.raises(MachineError) as raised:
        connect(address)

    assert raised.value.message.startswith(f'"{address}" is no address of a dask scheduler: {told}')
    assert "tcp://host:8786" in str(raised.value.hint)


@pytest.mark.parametrize("said", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b""])
def test_what_is_no_dask_is_given_up_in_time(said: bytes) -> None:
    over = threading.Event()

    def answer() -> None:
        with server.accept()[0] as asking:
            asking.sendall(said)
            over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer)
        answering.start()

        with pytest.raises(MachineError, match=r"no dask scheduler|not answer as a dask scheduler"):
            connect(f"tcp://127.0.0.1:{server.getsockname()[1]}", within_s=0.5)
        over.set()
        answering.join()


def test_an_address_with_certificates_of_which_there_are_none_is_an_error() -> None:
    with pytest.raises(MachineError, match="there are no certificates for tls://127"):
        connect("tls://127.0.0.1:1", within_s=0.5)


def test_other_versions_are_told_of_each_worker_once() -> None:
    ours = {"dask": "1", "numpy": "2.0", "pandas": "3"}
    old = {"dask": "1", "numpy": "1.26", "pandas": ""}

    told = other_versions(ours, {"a": old, "b": ours, "c": old, "d": OSError("gone")})

    what = "numpy 2.0 here and 1.26 there, pandas 3 here and none there"
    assert told == f"2 dask workers, a is one, have other versions than this machine: {what}"
    assert other_versions(ours, {"b": ours}) == ""


def test_what_the_modules_of_tasks_import_is_compared(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("import json\n\nimport psutil\n\n\ndef f() -> None: ...\n")
    shared = pickle.loads(make_job(1, "steps:f", run_dir=tmp_path).shared)

    found = reached(replace(shared, workflow_dir=str(tmp_path), modules=("steps",)))

    assert {"psutil", "dask", "distributed", "cloudpickle"} <= set(found)
    assert "pytest" not in found


def test_a_worker_of_another_version_says_so(address: str) -> None:
    content = pickle.dumps(({**own_versions(), "flowpar": "9.9"}, b"what no other version could read"))
    client: Any = Client

    with client(address, set_as_default=False) as asked:
        word = unpack_word(asked.submit(make_bundle, content, "", b"").result(timeout=30))

    assert "has other versions: flowpar" in word.refusal
    assert "9.9 there" in word.refusal


def test_a_worker_that_does_not_see_the_workflow_ends_the_run(executor: DaskExecutor, tmp_path: Path) -> None:
    job = make_job(1, "flowpar.testing.work:echo", run_dir=tmp_path, value=1)
    shared = replace(pickle.loads(job.shared), workflow_dir="/no/such/folder")

    executor.submit(replace(job, shared=pickle.dumps(shared)))

    with pytest.raises(MachineError, match='does not see the folder of the workflow, "/no/such/folder"'):
        executor.wait(30)


def test_a_worker_with_a_folder_of_its_own_in_the_place_of_the_runs_ends_it(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    """As where machines have the same paths, and no file system that they share."""
    for file in (tmp_path / "scratch" / "dask").iterdir():
        file.unlink()

    executor.submit(make_job(1, "flowpar.testing.work:echo", run_dir=tmp_path, value=1))

    with pytest.raises(MachineError, match=f'does not see the run folder: at "{tmp_path}" it has another one'):
        executor.wait(30)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("raise ModuleNotFoundError('it is not here')", "ModuleNotFoundError: it is not here"),
        ("import os; os._exit(1)", "it ended"),
    ],
)
def test_a_cluster_of_our_own_that_does_not_start_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    (tmp_path / "distributed.py").write_text(said)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(MachineError, match=f"the local dask cluster did not start: {told}"):
        LocalCluster(1, tmp_path / "cluster")


def test_a_module_that_a_worker_lacks_fails_its_task_and_names_the_worker(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    executor.submit(make_job(1, "no_such_module_anywhere:f", run_dir=tmp_path))

    over = executor.wait(30)[-1]
    while not isinstance(over, Completion):
        over = executor.wait(30)[-1]

    assert isinstance(over.outcome, Failure)
    assert 'there is no module "no_such_module_anywhere"' in over.outcome.message
    assert "(on the dask worker tcp://127.0.0.1:" in over.outcome.message


@pytest.mark.parametrize(
    ("executor_given", "told"),
    [
        ("pool=tcp://x", '"pool" is on this machine and takes no address'),
        ("dask=", 'there is no address after "dask="'),
        ("dusk", '"dusk" is not one of process, pool, thread, inline, dask'),
    ],
)
def test_a_wrong_option_is_said_at_once(capsys: pytest.CaptureFixture[str], executor_given: str, told: str) -> None:
    assert main(["run", "w.yaml", "--executor", executor_given]) == 2

    assert told in capsys.readouterr().err
