"""What is wrong with a cluster, its workers or the command line is said at once."""

from __future__ import annotations

import pickle
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
from flowpar_dask.cluster import connect
from flowpar_dask.errand import make_bundle
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


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(MachineError, match=r"no address of a dask scheduler|no dask scheduler answers"):
        connect("nowhere://", within_s=0.5)


def test_a_worker_of_another_version_says_so(address: str) -> None:
    content = pickle.dumps(({**own_versions(), "flowpar": "9.9"}, b"what no other version could read"))
    client: Any = Client

    with client(address, set_as_default=False) as asked:
        word = unpack_word(asked.submit(make_bundle, content, b"").result(timeout=30))

    assert "has other versions: flowpar" in word.refusal
    assert "9.9 there" in word.refusal


def test_a_worker_that_does_not_see_the_workflow_ends_the_run(executor: DaskExecutor, tmp_path: Path) -> None:
    job = make_job(1, "flowpar.testing.work:echo", run_dir=tmp_path, value=1)
    shared = replace(pickle.loads(job.shared), workflow_dir="/no/such/folder")

    executor.submit(replace(job, shared=pickle.dumps(shared)))

    with pytest.raises(MachineError, match='does not see the folder of the workflow, "/no/such/folder"'):
        executor.wait(30)


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
