from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.record.run_id import begun_order

STEPS = """
import time
from pathlib import Path


def double(n: int) -> int:
    print(f"doubling {n}")
    return 2 * n


def fail(message: str = "bad row") -> None:
    print("about to fail")
    raise ValueError(message)


def mark(name: str) -> str:
    Path(name).write_text("was here")
    return name


def wait() -> None:
    print("waiting", flush=True)
    time.sleep(60)


def meet(mine: str, other: str) -> bool:
    Path(mine).touch()
    deadline = time.monotonic() + 40
    while not Path(other).exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a workflow, and the command to work on it."""

    folder: Path

    def write(self, workflow: str) -> None:
        (self.folder / "workflow.yaml").write_text(f"flowpar: 1\n{workflow}")
        (self.folder / "steps.py").write_text(STEPS)

    def become(self, other: Desk) -> None:
        """Take over all that lies on another desk, to change it as one likes."""
        shutil.copytree(other.folder, self.folder, dirs_exist_ok=True)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flowpar", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWPAR", "NO_COLOR"))}
        return {**plain, **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it from a warm process, which has its imports."""
        done: subprocess.CompletedProcess[str] = warm.run(
            arguments, cwd=self.folder, env=self.environment(**environment)
        )
        return done

    def start(
        self,
        *arguments: str,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start it from a warm process, in a process group of its own."""
        started: subprocess.Popen[str] = warm.Started(
            arguments, cwd=self.folder, env=self.environment(**environment), stdout=stdout, stderr=stderr
        )
        return started

    def cold(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it as a user does."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def newest_run(self) -> Path:
        return max((self.folder / ".flowpar" / "runs").iterdir(), key=lambda run: begun_order(run.name))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def module_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk for what the tests of a module look at and leave as it is, or copy."""
    return Desk(tmp_path_factory.mktemp("desk"))
