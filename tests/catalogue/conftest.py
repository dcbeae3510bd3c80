"""A folder with a workflow in which the real command is run, and what its journal says of it.

The tests beside this file follow the catalogue of faults in the documents on reliability: `test_t14_…` is row 14 of
the faults of tasks (T), O those of the command itself, P of the data plane, S of security, D of the graph.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.execute import tree
from flowpar.record.run_id import begun_order
from flowpar.testing import marked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEADLINE_S = 90.0
MARK = "FLOWPAR_YARD"
FLOWPAR = ("-m", "flowpar")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(slots=True)
class Yard:
    """Owns every process started in it: they carry its mark."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    is_warm: bool = True

    def write(self, workflow: str, steps: str = "") -> None:
        (self.folder / "workflow.yaml").write_text(f"flowpar: 1\nname: yard\n{textwrap.dedent(workflow)}")
        (self.folder / "steps.py").write_text(textwrap.dedent(steps))

    def start(
        self,
        *arguments: str,
        wrapper: Sequence[str] = (),
        python: Sequence[str] = FLOWPAR,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start the command, or another program for Python, by way of a wrapper such as nohup."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWPAR", "NO_COLOR"))}
        environment = {**plain, **environment, MARK: self.mark}
        command = [*wrapper, sys.executable, *python, *arguments]
        is_warm = self.is_warm and not wrapper and python is FLOWPAR
        process = self._warm(arguments, environment) if is_warm else self._cold(command, environment)
        self.started.append(process)
        return process

    def _warm(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        started: subprocess.Popen[str] = warm.Started(
            arguments, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return started

    def _cold(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end_of(self, process: subprocess.Popen[str], *, within_s: float = DEADLINE_S) -> Ended:
        began = time.monotonic()
        stdout, stderr = process.communicate(timeout=within_s)
        return Ended(process.returncode, stdout, stderr, time.monotonic() - began)

    def command(self, *arguments: str) -> Ended:
        return self.end_of(self.start(*arguments))

    def script(self, text: str, *arguments: str) -> Ended:
        """Run a program that has no file."""
        return self.end_of(self.start(*arguments, python=("-c", text)))

    def run(self, *options: str, **environment: str) -> Ended:
        return self.end_of(self.start("run", "workflow.yaml", *options, **environment))

    @property
    def run_dir(self) -> Path:
        """The folder of the newest run."""
        return max((self.folder / ".flowpar" / "runs").iterdir(), key=lambda run: begun_order(run.name))

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run_dir / "events.jsonl").read_text().splitlines()]

    def succeeded(self) -> set[str]:
        """Return which tasks have succeeded by now."""
        told = (self.run_dir / "events.jsonl").read_text().rpartition("\n")[0].splitlines()
        return {record["task"] for record in map(json.loads, told) if record["event"] == "task.succeeded"}

    def ends(self) -> dict[str, dict[str, Any]]:
        """Return the last record of each task."""
        return {record["task"]: record for record in self.records() if record.get("task")}

    def survivors(self, *, within_s: float = 3.0) -> dict[int, str]:
        """Return which processes that carry the mark are left when the time is over, by name."""
        return marked.survivors(MARK, self.mark, within_s=within_s)

    def clear(self) -> None:
        for pid in marked.alive(MARK, self.mark):
            tree.send(pid, 9)
        for process in self.started:
            process.communicate(timeout=DEADLINE_S)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.clear()


@pytest.fixture(scope="module")
def shared_yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    made = Yard(tmp_path_factory.mktemp("yard"))
    yield made
    made.clear()
