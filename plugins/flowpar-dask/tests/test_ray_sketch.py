"""The executor for Ray that docs/scale.md shows keeps the contract, on processes that stand in for Ray's."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flowpar.execute.base import ExecutorTerms
from flowpar.testing.contracts import ExecutorContract
from flowpar.testing.page import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowpar.execute.base import Executor

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
RAY = """
import multiprocessing as mp
from multiprocessing.connection import wait as wait_for
from types import SimpleNamespace

processes = mp.get_context("forkserver")
processes.set_forkserver_preload(["flowpar.execute.attempt", "flowpar.testing.work", "flowpar_ray"])
started = {}


class RayError(Exception):
    pass


exceptions = SimpleNamespace(RayError=RayError)


def init(address=None):
    pass


def cluster_resources():
    return {"CPU": 2.0}


class remote:
    def __init__(self, function):
        self.function = function

    def options(self, *, num_cpus, max_retries, resources):
        assert max_retries == 0
        return self

    def remote(self, job):
        ours, theirs = processes.Pipe()
        process = processes.Process(target=call, args=(self.function.__name__, job, theirs))
        process.start()
        theirs.close()
        started[ours] = process
        return ours


def call(name, job, pipe):
    import flowpar_ray

    pipe.send(getattr(flowpar_ray, name).function(job))


def wait(refs, timeout):
    done = wait_for(refs, timeout)
    return done, [ref for ref in refs if ref not in done]


def get(ref):
    try:
        return ref.recv()
    except EOFError:
        raise RayError("the worker died") from None
    finally:
        started.pop(ref).join()
        ref.close()


def cancel(ref, force):
    started[ref].kill() if force else started[ref].terminate()


def shutdown():
    for ref, process in list(started.items()):
        process.kill()
        process.join()
"""


@pytest.fixture
def sketch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the page shows, beside a `ray` of ours."""
    (shown,) = (block for block in blocks(PAGE.read_text(encoding="utf-8")) if "class RayExecutor" in block.text)
    (tmp_path / "flowpar_ray.py").write_text(shown.text)
    (tmp_path / "ray.py").write_text(RAY)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("ray", "flowpar_ray"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("flowpar_ray")
    for name in ("ray", "flowpar_ray"):
        sys.modules.pop(name, None)


class TestSketch(ExecutorContract):
    @pytest.fixture
    def executor(self, run_dir: Path, sketch: Any) -> Iterator[Executor]:
        executor = sketch.RayExecutor(ExecutorTerms(str(run_dir), workers=2))
        yield executor
        executor.close()
