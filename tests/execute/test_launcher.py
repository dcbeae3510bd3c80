"""The launcher where the machine gives out: no processes, few descriptors."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.limits import fit_to_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@pytest.fixture
def soft_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_enough_descriptors_change_nothing() -> None:
    assert fit_to_descriptors(2) == 2


def test_a_low_soft_limit_is_raised(soft_limit: None) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    assert fit_to_descriptors(100) == 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 300


def in_a_process(limit: int, workers: int) -> str:
    """Return what `fit_to_descriptors` says in a process whose hard limit is low."""
    code = (
        "import resource, sys; from flowpar.execute.limits import fit_to_descriptors;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}));"
        f"print(fit_to_descriptors({workers}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_a_low_hard_limit_lowers_how_many_run_at_once() -> None:
    assert 1 <= int(in_a_process(48, 100)) < 20


def test_a_hopeless_limit_is_refused_with_a_hint() -> None:
    said = in_a_process(16, 4)

    assert "MachineError: this process may open only 16 files, too few to run a task" in said


@pytest.mark.parametrize(
    ("failures", "outcome"),
    [(3, "Success"), (1000, "no process could be started: Resource temporarily unavailable")],
)
def test_a_fork_that_fails_is_tried_again_for_a_while(failures: int, outcome: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "scarce.py"), str(failures)],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert done.stdout.strip() == outcome


NO_WORD = """
import os, socket
from flowpar.execute.launcher import Launcher
from flowpar.execute.wire import BadFrame, Channel

ours, theirs = socket.socketpair()
life, life_end = os.pipe()
Channel(ours).send(99, b"")
try:
    Launcher(Channel(theirs), life=life, guard=os.getppid()).run()
except BadFrame as error:
    print(error)
"""


def test_a_launcher_does_not_pass_over_what_it_does_not_understand() -> None:
    done = subprocess.run([sys.executable, "-c", NO_WORD], capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout == "an engine says no such thing\n"
