"""What a program gets of a run: `RunResult`, and the file by which the run's process hands it over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import MachineError
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.schedule.run import RunEnd


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    `outputs` are the workflow's outputs as plain data, None where the run did not come to them;
    `states` has the final state of each task in file order; `status` is one of succeeded, failed,
    interrupted and timed_out; `messages` is what the run said on stderr.
    """

    outputs: Mapping[str, Any] | None
    states: Mapping[str, str]
    run_dir: Path
    status: str
    exit_code: int
    messages: str = ""


def write_result(file: Path, end: RunEnd, run_dir: Path) -> None:
    """Leave the result of a run in a file, whole or not at all."""
    content = {
        "outputs": None if end.outputs is None else json.loads(end.outputs),
        "states": {task: state.value for task, state in end.states.items()},
        "run_dir": os.fspath(run_dir),
        "status": end.status.value,
        "exit_code": int(end.exit_code),
    }
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.write_text(json.dumps(content))
        partial.replace(file)
    except OSError as error:
        raise MachineError(f'cannot write "{file}": {(error.strerror or str(error)).lower()}') from error


def read_result(file: Path, messages: str) -> RunResult | None:
    """Return the result that a run left, or None where it left none."""
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    return RunResult(
        outputs=content["outputs"],
        states=content["states"],
        run_dir=Path(content["run_dir"]),
        status=content["status"],
        exit_code=content["exit_code"],
        messages=messages,
    )
