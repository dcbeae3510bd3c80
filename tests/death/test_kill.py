"""kill -9 of the command's own processes, in the middle of tasks whose daemons ignore TERM: nobody is left."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.death.conftest import Scene

pytestmark = pytest.mark.timeout(180)


def is_taken(pid: int, number: int) -> bool:
    """Whether a process has taken a signal that it was sent, or is no more."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(mask >> (number - 1) & 1 for mask in masks)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_the_scene_is_as_drawn(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()

    guard, launcher, engine = (scene.roles[role] for role in ("guard", "launcher", "engine"))
    assert guard == scene.process.pid
    assert len({guard, launcher, engine}) == 3
    # Guard, launcher, engine, outputs, and for each task: itself, a daemon, a shell and two sleepers.
    assert scene.grows_to(4 + 2 * 5)
    assert os.getpgid(engine) == engine
    assert os.getpgid(launcher) == launcher


@pytest.mark.parametrize("victims", [("guard",), ("launcher",), ("engine",), ("launcher", "engine")], ids="+".join)
def test_nobody_outlives_a_kill(set_scene: Callable[..., Scene], victims: tuple[str, ...]) -> None:
    scene = set_scene()

    scene.kill(*victims)

    assert scene.survivors() == []


def test_the_command_ends_as_its_engine_did(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()

    scene.kill("engine")

    assert scene.end()[0] == -signal.SIGKILL


def test_the_engine_says_that_the_launcher_died(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()

    scene.kill("launcher")

    code, errors = scene.end()
    assert code == 3
    assert f"error: the launcher process (pid {scene.roles['launcher']}) died" in errors


def test_the_engine_says_that_the_outputs_are_lost(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()
    tasks = {pid for task in scene.roles["tasks"] for pid in task}
    (outputs,) = [pid for pid in scene.alive() if pid not in tasks and tree.name_of(pid) == "flowpar:outputs"]

    os.kill(outputs, signal.SIGKILL)

    code, errors = scene.end()
    assert code == 3
    assert f"error: the process that holds the outputs (pid {outputs}) was killed by SIGKILL" in errors
    assert scene.survivors() == []


def test_nobody_outlives_a_guard_that_is_killed_while_it_has_stopped_all(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()
    scene.process.send_signal(signal.SIGTSTP)
    scene.until(lambda: is_stopped(scene.process.pid))
    # A signal that was sent is taken when its process gets a processor.
    scene.until(lambda: is_stopped(scene.roles["launcher"]))

    scene.kill("guard")

    assert scene.survivors() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_engine_once_and_ends_all(set_scene: Callable[..., Scene], number: signal.Signals) -> None:
    scene = set_scene()

    scene.process.send_signal(number)

    assert scene.end()[0] == 128 + number
    assert (scene.folder / "heard").read_text() == f"[{int(number)}]"
    assert scene.survivors() == []


def test_a_signal_to_the_whole_group_reaches_the_engine_once(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()

    os.killpg(scene.process.pid, signal.SIGINT)

    assert scene.end()[0] == 130
    assert (scene.folder / "heard").read_text() == "[2]"


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
@pytest.mark.parametrize("victim", ["guard", "launcher", "engine"])
def test_nobody_outlives_a_kill_by_other_start_methods(
    set_scene: Callable[..., Scene], start_method: str, victim: str
) -> None:
    scene = set_scene(start_method=start_method)

    scene.kill(victim)

    assert scene.survivors() == []


def test_an_engine_that_does_not_answer_ends_soon_after_its_launcher(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()
    os.kill(scene.roles["engine"], signal.SIGSTOP)

    scene.kill("launcher")

    code, errors = scene.end()
    assert code == 3
    assert "flowpar: the launcher died, and the engine did not answer" in errors
    assert scene.survivors() == []


def test_a_fourth_signal_ends_an_engine_that_does_not_listen(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()
    os.kill(scene.roles["engine"], signal.SIGSTOP)

    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        scene.process.send_signal(number)
        scene.until(partial(is_taken, scene.process.pid, number))

    code, errors = scene.end()
    assert code == -signal.SIGTERM
    assert "flowpar: the engine did not end at SIGTERM, so it was killed" in errors
    assert scene.survivors() == []


def test_only_what_a_killed_task_had_left_outlives_a_guard_that_was_to_sweep_it(
    set_scene: Callable[..., Scene],
) -> None:
    scene = set_scene()
    guard, task = scene.roles["guard"], scene.roles["tasks"][0][0]
    assert scene.grows_to(4 + 2 * 5)
    below = set(tree.descendants(task))
    os.kill(guard, signal.SIGSTOP)
    # Until it has a processor both signals would wait, and it would take the one that is told to sweep first.
    scene.until(lambda: is_stopped(guard))
    os.kill(task, signal.SIGKILL)
    scene.until(lambda: not is_taken(guard, signal.SIGUSR1))

    scene.kill("guard")

    # A grandchild that had left its session is nobody's by then, as when guard and launcher are killed together.
    scene.until(lambda: set(scene.alive()) <= below)


def test_nobody_outlives_a_program_that_started_a_guard_of_its_own(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(verb="embedded")
    assert scene.roles["guard"] is None

    scene.kill("engine")

    assert scene.survivors() == []
