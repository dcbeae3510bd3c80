"""Jobs for tests of executors: one call of a function with constant arguments."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from flowpar.execute.base import Job
from flowpar.execute.recipe import Bindings, Call, Shared
from flowpar.expr.template import Constant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def make_job(number: int, target: str, *, run_dir: Path, python_path: Sequence[str] = (), **arguments: object) -> Job:
    """Return a job that calls `target` ("module:function"); `run_dir` must be there when it runs."""
    shared = Shared(
        run_id="test",
        run_dir=str(run_dir),
        workflow_name="test",
        workflow_dir=str(run_dir),
        python_path=tuple(python_path),
        inputs={},
    )
    call = Call(target, {name: Constant(value) for name, value in arguments.items()})
    return Job(
        number=number,
        task=f"task{number}",
        item=None,
        attempt=1,
        shared=pickle.dumps(shared, 5),
        recipe=pickle.dumps(call, 5),
        bindings=pickle.dumps(Bindings(), 5),
        log_file=str(run_dir / "logs" / f"{number}.log"),
        grace_s=1.0,
    )
