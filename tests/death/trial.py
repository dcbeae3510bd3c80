"""A small workflow whose command is made to die, and what must hold of it afterwards.

ran       what tasks did, a line each, in a file: their own word
recorded  what the journal says is done, read here without any code of flowpar's
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.execute import tree
from flowpar.testing import marked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEADLINE_S = 60.0
MARK = "FLOWPAR_TRIAL"
STEPS = """
import os, time
from pathlib import Path


def ran(name: str) -> None:
    number = os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(number, f"{name}\\n".encode())
    os.close(number)


def load() -> list[int]:
    ran("load")
    return [1, 2, 3]


def big() -> bytes:
    ran("big")
    print("made something big")
    return bytes(200_000)


def square(n: int) -> int:
    while Path("wait").exists():
        time.sleep(0.01)
    ran(f"square[{n - 1}]")
    return n * n


def total(squares: list[int], big: bytes) -> int:
    ran("total")
    return sum(squares) + len(big)
"""
WORKFLOW = """flowpar: 1
name: trial
tasks:
  load: {python: "steps:load"}
  big: {python: "steps:big"}
  square:
    for_each: {n: "${{ tasks.load.output }}"}
    python: steps:square
    with: {n: "${{ each.n }}"}
  total:
    python: steps:total
    with: {squares: "${{ tasks.square.output }}", big: "${{ tasks.big.output }}"}
outputs: {total: "${{ tasks.total.output }}"}
"""
SHARED_MEMORY = "/dev/shm"
TASKS = {"load", "big", "square[0]", "square[1]", "square[2]", "total"}
OUTPUTS = {"total": 200_014}


def shared_memory() -> set[str]:
    """Return the names of all locks and segments that the machine has now."""
    return {path.name for path in Path(SHARED_MEMORY).iterdir()}


def left_in_shared_memory(before: set[str]) -> set[str]:
    """Return what is new there, stays, and is in use by nobody: what others of this machine have is in use."""
    until = time.monotonic() + DEADLINE_S
    left = shared_memory() - before
    while (left := left & shared_memory() - _in_use()) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _in_use() -> set[str]:
    found: set[str] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # it is gone, or somebody else's
            found |= set(re.findall(rf"{SHARED_MEMORY}/(\S+)", maps.read_text(errors="replace")))
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float


class Trial:
    """A folder with the workflow, and commands in it that carry a mark."""

    def __init__(
        self,
        folder: Path,
        *,
        steps: str = STEPS,
        workflow: str = WORKFLOW,
        deadline_s: float = DEADLINE_S,
        is_warm: bool = True,
    ) -> None:
        """Prepare it. `is_warm`: a command that needs no shell may do without its own imports."""
        self.folder = folder
        self._is_warm = is_warm
        self._deadline_s = deadline_s
        self.mark = uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []
        folder.mkdir(exist_ok=True)
        (folder / "steps.py").write_text(steps)
        (folder / "workflow.yaml").write_text(workflow)

    def start(self, *arguments: str, shell: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start a command, after what is done in a shell first."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWPAR", "NO_COLOR"))}
        environment = {**plain, **environment, MARK: self.mark}
        if self._is_warm and not shell:
            process: subprocess.Popen[str] = warm.Started(
                arguments, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        else:
            process = self._cold(arguments, shell, environment)
        self._started.append(process)
        return process

    def _cold(self, arguments: Sequence[str], shell: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", f'{shell}\nexec "$@"', "sh", sys.executable, "-m", "flowpar", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end_of(self, process: subprocess.Popen[str]) -> Ended:
        began = time.monotonic()
        try:
            stdout, stderr = process.communicate(timeout=self._deadline_s)
        except subprocess.TimeoutExpired as error:
            how = f"alive are {self.alive()}, last was {self.records()[-3:]}"
            raise AssertionError(f"not over after {self._deadline_s:g} s; {how}") from error
        return Ended(process.returncode, stdout, stderr, time.monotonic() - began)

    def command(self, *arguments: str, **environment: str) -> Ended:
        return self.end_of(self.start(*arguments, **environment))

    def run(self, **environment: str) -> Ended:
        return self.command("run", "workflow.yaml", "-w", "2", "--json", **environment)

    def resume(self, **environment: str) -> Ended:
        """Go on with the run, or begin it where it was cut off before it began."""
        if not self.has_begun():
            return self.run(**environment)
        return self.command("resume", "-w", "2", "--json", **environment)

    def has_begun(self) -> bool:
        return bool(self.records())

    def records(self) -> list[dict[str, Any]]:
        """Return the good lines of the newest run's journal."""
        runs = sorted((self.folder / ".flowpar" / "runs").glob("*/events.jsonl"))
        if not runs:
            return []
        good = []
        for line in runs[-1].read_bytes().split(b"\n")[:-1]:
            try:
                good.append(json.loads(line))
            except ValueError:
                break
        return good

    def recorded(self) -> set[str]:
        """Return what the journal says is done: tasks, and items as `task[0]`."""
        done = [record for record in self.records() if record["event"] == "task.succeeded"]
        names = {
            f"{each['task']}[{each['item']}]" if each.get("item") is not None else str(each["task"]) for each in done
        }
        return names & TASKS

    def ran(self) -> Counter[str]:
        file = self.folder / "ran"
        return Counter(file.read_text().split("\n")[:-1]) if file.exists() else Counter()

    def until(self, is_met: Callable[[], bool]) -> None:
        """Wait until something holds."""
        until = time.monotonic() + self._deadline_s
        while not is_met():
            assert time.monotonic() < until, f"it did not come to that in time; last was {self.records()[-3:]}"
            time.sleep(0.01)

    def alive(self) -> dict[int, str]:
        """Return every process that carries the mark, by name."""
        return marked.alive(MARK, self.mark)

    def survivors(self, *, within_s: float = 3.0, but: frozenset[int] = frozenset()) -> dict[int, str]:
        """Return who is left when the time is over, `but` those that may be."""
        return marked.survivors(MARK, self.mark, within_s=within_s, but=but)

    def clear(self) -> None:
        for pid in self.alive():
            tree.send(pid, signal.SIGKILL)
        for process in self._started:
            process.communicate(timeout=DEADLINE_S)


@dataclass(slots=True)
class Interrupted:
    """What stood when a command was over: it must stand when the run is."""

    trial: Trial
    done: set[str]
    ran: Counter[str]

    @classmethod
    def now(cls, trial: Trial) -> Interrupted:
        left = trial.survivors()
        assert left == {}, f"still alive after 3 s: {left}"
        return cls(trial, trial.recorded(), trial.ran())

    def check(self, ended: Ended) -> None:
        """Nothing that was done ran again, and nothing is missing."""
        assert ended.code == 0, ended
        assert json.loads(ended.stdout) == OUTPUTS
        self.check_stands()
        assert set(self.trial.ran()) == TASKS
        assert self.trial.survivors() == {}

    def check_stands(self) -> None:
        """What was done is still recorded and did not run again."""
        assert self.done <= self.trial.recorded(), "lost"
        ran = self.trial.ran()
        assert {name: ran[name] for name in self.done} == {name: self.ran[name] for name in self.done}, "ran again"
