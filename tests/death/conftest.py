"""A scene of real processes, found by a mark in their environment, whoever their parent is by now."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import Trial

from flowpar.execute import tree
from flowpar.testing import marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_S = 60.0
MARK = "FLOWPAR_SCENE"


class Scene:
    """A running `scene.py`."""

    def __init__(self, folder: Path, *, verb: str = "run", start_method: str = "fork") -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        fakes = Path(__file__).parents[1] / "execute"
        path = f"{fakes}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "scene.py"), verb, str(folder), start_method],
            env={**os.environ, "PYTHONPATH": path, MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.roles = self._roles()

    def _roles(self) -> dict[str, Any]:
        file = self.folder / "scene.json"
        until = time.monotonic() + DEADLINE_S
        while not file.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "the scene was not set in time"
            time.sleep(0.005)
        roles: dict[str, Any] = json.loads(file.read_text())
        return roles

    def alive(self) -> list[int]:
        """Return every process that carries the mark."""
        return list(marked.alive(MARK, self.mark))

    def grows_to(self, count: int) -> bool:
        """Whether so many processes are alive, at once or soon."""
        until = time.monotonic() + DEADLINE_S
        while len(self.alive()) != count and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.alive()) == count

    def until(self, is_met: Callable[[], bool]) -> None:
        """Wait until something holds."""
        until = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < until, "it did not come to that in time"
            time.sleep(0.002)

    def kill(self, *roles: str) -> None:
        """Kill some of the processes at once."""
        for role in roles:
            os.kill(self.roles[role], signal.SIGKILL)

    def survivors(self, *, within_s: float = 3.0) -> list[int]:
        """Return who is left when the time is over."""
        return list(marked.survivors(MARK, self.mark, within_s=within_s))

    def end(self) -> tuple[int, str]:
        """Return the exit code and what stood on stderr."""
        _, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, errors

    def clear(self) -> None:
        for pid in self.alive():
            tree.send(pid, signal.SIGKILL)
        self.process.communicate(timeout=DEADLINE_S)


@pytest.fixture
def set_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    scenes: list[Scene] = []

    def set_one(**kwargs: Any) -> Scene:
        scenes.append(Scene(tmp_path, **kwargs))
        return scenes[-1]

    yield set_one
    for scene in scenes:
        scene.clear()


@pytest.fixture
def make_trial(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    """Make trials, each in a folder of its own."""
    made: list[Trial] = []

    def make(**how: Any) -> Trial:
        made.append(Trial(tmp_path / str(len(made)), **how))
        return made[-1]

    yield make
    for trial in made:
        trial.clear()
