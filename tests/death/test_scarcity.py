"""A machine that gives little: few descriptors, ignored signals, closed streams. It does, or it is said why not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import OUTPUTS, Interrupted, Trial

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(180)

STARTED = ("task.started", "square")


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


@pytest.fixture
def somebody() -> int:
    """A user who has no other process."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can be somebody else, and root may have any number of processes")
    return 60_000 + os.getpid() % 5_000


@pytest.fixture
def their_trial(somebody: int) -> Iterator[Trial]:
    with TemporaryDirectory() as folder:
        made = Trial(Path(folder, "trial"))
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, somebody, -1)
        yield made
        made.clear()


@pytest.mark.parametrize(
    ("limit", "executor"),
    [(1, "process"), (3, "process"), (4, "process"), (5, "process"), (5, "thread"), (6, "thread"), (8, "process")],
)
def test_too_few_processes_are_said_or_do(their_trial: Trial, somebody: int, limit: int, executor: str) -> None:
    reads_our_python = "--inh-caps=+dac_override --ambient-caps=+dac_override --bounding-set=-all,+dac_override"
    become = f"setpriv --reuid={somebody} --clear-groups {reads_our_python} prlimit --nproc={limit}:{limit}"

    code, _, stderr = run(their_trial, f'set -- {become} "$@"', "-w", "2", "--executor", executor)

    assert code in {0, 1, 3}, stderr
    assert code == 0 or "see ulimit -u" in stderr
    assert code != 0 or limit > 3, "guard, launcher and engine alone are three"
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


@pytest.mark.parametrize("point", [1, 2])
def test_a_command_that_cannot_be_split_into_processes_says_so(trial: Trial, point: int) -> None:
    ended = trial.run(FLOWPAR_FAIL_AT=f"guard:{point}:EAGAIN")

    assert ended.code == 3
    assert "error: no process could be started: Resource temporarily unavailable" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert trial.survivors() == {}
    assert not trial.has_begun()


def test_a_run_that_ignores_the_end_of_its_terminal_goes_on(trial: Trial) -> None:
    (trial.folder / "wait").touch()
    as_nohup_does = "trap '' HUP"
    process = trial.start("run", "workflow.yaml", "--json", shell=as_nohup_does)
    trial.until(lambda: any(record["event"] == "task.started" for record in trial.records()))

    process.send_signal(signal.SIGHUP)
    (trial.folder / "wait").unlink()

    ended = trial.end_of(process)
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == OUTPUTS


def helper_of(trial: Trial, module: str) -> int:
    """Wait for the process in which multiprocessing runs a module of its own for the launcher."""

    def found() -> list[int]:
        launchers = [pid for pid, name in trial.alive().items() if name == "flowpar:launch"]
        below = [child for launcher in launchers for child in tree.children_of(launcher)]
        return [pid for pid in below if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]

    trial.until(lambda: bool(found()))
    return found()[0]


def test_the_resource_tracker_may_be_killed(trial: Trial) -> None:
    (trial.folder / "wait").touch()
    process = trial.start("run", "workflow.yaml", "--json", "-w", "2", "--start-method", "spawn")
    trial.until(lambda: bool(trial.recorded()))

    tree.send(helper_of(trial, "resource_tracker"), signal.SIGKILL)
    (trial.folder / "wait").unlink()

    ended = trial.end_of(process)
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == OUTPUTS
    assert trial.survivors() == {}


def test_a_killed_forkserver_ends_its_tasks_and_nothing_else(trial: Trial) -> None:
    (trial.folder / "wait").touch()
    process = trial.start("run", "workflow.yaml", "--json", "-w", "2", "--start-method", "forkserver")
    # Those that it has not begun to start would be started by the next one.
    trial.until(lambda: [(record["event"], record.get("task")) for record in trial.records()].count(STARTED) == 2)

    server = helper_of(trial, "forkserver")
    tree.send(server, signal.SIGKILL)
    # Its tasks are killed when it ends, which takes it a moment, and not when it is told to.
    trial.until(lambda: not tree.is_alive(server))
    (trial.folder / "wait").unlink()

    ended = trial.end_of(process)
    assert ended.code == 1, ended
    assert trial.survivors() == {}
    before = Interrupted.now(trial)
    before.check(trial.resume())


@pytest.mark.parametrize("victim", ["", "guard", "launcher", "engine", "forkserver"])
def test_a_forkserver_leaves_nothing_in_the_temporary_folder(
    trial: Trial, tmp_path_factory: pytest.TempPathFactory, victim: str
) -> None:
    (trial.folder / "wait").touch()
    temporary = tmp_path_factory.mktemp("t")  # short, as the path of a socket has to be
    options = ("-w", "2", "--start-method", "forkserver")
    process = trial.start("run", "workflow.yaml", "--json", *options, TMPDIR=str(temporary))
    trial.until(lambda: {"load", "big"} <= trial.recorded())
    assert helper_of(trial, "forkserver")

    if victim:
        launcher = next(pid for pid, name in trial.alive().items() if name == "flowpar:launch")
        (engine,) = set(tree.children_of(process.pid)) - {launcher}
        roles = {"guard": process.pid, "launcher": launcher, "engine": engine}
        tree.send(roles.get(victim) or helper_of(trial, victim), signal.SIGKILL)
    (trial.folder / "wait").unlink()

    trial.end_of(process)
    assert trial.survivors() == {}
    assert list(temporary.iterdir()) == []


def test_a_closed_stdout_loses_the_outputs_and_nothing_else(trial: Trial) -> None:
    code, _, stderr = run(trial, "exec 1>&-")

    assert code == 0, stderr
    assert json.loads(next(trial.folder.glob(".flowpar/runs/*/outputs.json")).read_text()) == OUTPUTS


def test_streams_that_take_nothing_do_not_harm_the_run(trial: Trial) -> None:
    run(trial, "exec 1>/dev/full 2>/dev/full")

    assert trial.records()[-1]["event"] == "run.finished"
    assert trial.recorded() == trial.ran().keys()
