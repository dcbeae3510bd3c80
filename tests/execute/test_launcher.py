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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_a_low_hard_limit_lowers_how_many_run_at_once() -> None:
    assert 1 <= int(in_a_process(48, 100)) < 20


def test_a_hopeless_limit_is_refused_with_a_hint() -> None:
    said = in_a_process(16, 4)

    assert "MachineError: this process may open only 16 files, too few to run a task" in said


@pytest.mark.parametrize(
    ("failures", "outcome"),
    [(3, "Success"), (1000, "no process could be started: Resource temporarily unavailable; see ulimit -u")],
)
def test_a_fork_that_fails_is_tried_again_for_a_while(failures: int, outcome: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "scarce.py"), str(failures)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.strip() == outcome


NO_WORD = """
import os, socket
from flowpar.execute.control import Word, unpack_failed
from flowpar.execute.launcher import Launcher
from flowpar.execute.wire import Channel

ours, theirs = socket.socketpair()
life, life_end = os.pipe()
engine = Channel(ours)
engine.send(99, b"")
code = Launcher(Channel(theirs), life=life, guard=os.getppid()).run()
(frame,) = engine.receive()
assert frame.kind == Word.FAILED
is_ours, text = unpack_failed(frame.body)
print(code, is_ours, text.splitlines()[-1])
"""


def test_a_launcher_that_does_not_understand_a_word_ends_and_says_why() -> None:
    done = subprocess.run([sys.executable, "-c", NO_WORD], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "70 True flowpar.execute.wire.BadFrame: an engine says no such thing\n"


BROKEN = """
import os, socket
from flowpar.core.errors import FlowparError
from flowpar.execute.launcher import Launcher
from flowpar.execute.link import Link
from flowpar.execute.control import Setup
from flowpar.execute.starter import Starter
from flowpar.execute.watch import Watch
from flowpar.execute.wire import Channel

class BrokenStarter(Starter):
    def start(self, order, name):
        raise {error}

ours, theirs = socket.socketpair()
life, life_end = os.pipe()
if os.fork() == 0:
    ours.close()
    os._exit(Launcher(Channel(theirs), life=life, guard=os.getppid(), make_starter=BrokenStarter).run())
theirs.close()
watch = Watch()
link = Link(ours, watch, launcher=7, guard=None)
link.set_up(Setup(1))
link.serve(None, "no:where", name="nothing")
try:
    while True:
        watch.wait(10)
except FlowparError as error:
    print(type(error).__name__, error.message.splitlines()[0], "|", error.message.splitlines()[-1])
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('EOFError("of a pipe")', "InternalError the launcher process failed | EOFError: of a pipe\n70\n"),
        ('KeyError("a key")', "InternalError the launcher process failed | KeyError: 'a key'\n70\n"),
    ],
)
def test_a_launcher_that_dies_of_an_exception_says_it_through_the_engine(error: str, said: str) -> None:
    script = BROKEN.format(error=error)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == said
