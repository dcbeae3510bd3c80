"""A machine that gives little: few descriptors, ignored signals, closed streams. It does, or it is said why not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import OUTPUTS, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    made = Trial(tmp_path)
    yield made
    made.clear()


def run(trial: Trial, shell: str, *options: str) -> tuple[int, str, str]:
    ended = trial.end_of(trial.start("run", "workflow.yaml", "--json", *options, shell=shell))
    assert trial.survivors() == {}
    return ended.code, ended.stdout, ended.stderr


@pytest.mark.parametrize("limit", [64, 48, 40])
def test_few_descriptors_let_less_run_at_once(trial: Trial, limit: int) -> None:
    code, stdout, stderr = run(trial, f"ulimit -n {limit}", "-w", "16")

    assert code == 0, stderr
    assert json.loads(stdout) == OUTPUTS
    assert ", 16 workers" not in stderr


@pytest.mark.parametrize("limit", [32, 24, 16, 10])
def test_too_few_descriptors_are_said_or_do(trial: Trial, limit: int) -> None:
    code, _, stderr = run(trial, f"ulimit -n {limit}", "-w", "2")

    assert code in {0, 3}, stderr
    assert code == 0 or "open" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    "shell",
    [
        "trap '' CHLD",
        "trap '' PIPE",
        "trap '' TERM",
        "exec 0<&-",
        "exec 2>&-",
        "umask 777",
        "umask 0",
        "cd . && unset HOME PATH",
    ],
)
def test_what_a_command_inherits_does_no_harm(trial: Trial, shell: str) -> None:
    code, stdout, stderr = run(trial, shell)

    assert code == 0, stderr
    assert json.loads(stdout) == OUTPUTS


def test_a_closed_stdout_loses_the_outputs_and_nothing_else(trial: Trial) -> None:
    code, _, stderr = run(trial, "exec 1>&-")

    assert code == 0, stderr
    assert json.loads(next(trial.folder.glob(".flowpar/runs/*/outputs.json")).read_text()) == OUTPUTS


def test_streams_that_take_nothing_do_not_harm_the_run(trial: Trial) -> None:
    run(trial, "exec 1>/dev/full 2>/dev/full")

    assert trial.records()[-1]["event"] == "run.finished"
    assert trial.recorded() == trial.ran().keys()
