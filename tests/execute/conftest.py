"""A rig that runs functions of `fake_attempt` in real processes, below a guard and a launcher of its own."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.outcome import Failure, Success
from flowpar.execute import tree
from flowpar.execute.base import Completion, Job, Notice
from flowpar.execute.control import Preload, Setup
from flowpar.execute.link import Link
from flowpar.execute.preload import TemplateExecutor
from flowpar.execute.process import ProcessExecutor
from flowpar.execute.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_S = 60.0


class Rig:
    """Owns a process executor; every wait has a deadline."""

    def __init__(self, folder: Path, *, slots: int, start_method: str, preload: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.watch = Watch()
        self.told_of_template: list[str] = []
        path = f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.link = Link.start_guard(self.watch, environment={**os.environ, "PYTHONPATH": path})
        method = "fork" if start_method == "template" else start_method
        setup = Setup(slots, method, attempt="fake_attempt:make_attempt", preload=("fake_attempt", *preload))
        self.link.set_up(setup)
        self.executor: ProcessExecutor | TemplateExecutor = ProcessExecutor(self.link, self.watch, slots=slots)
        if start_method == "template":
            self.executor = TemplateExecutor(
                self.link,
                self.watch,
                Preload(("wsgiref.types",), around="fake_attempt:noop"),
                setup=setup,
                make=lambda link: ProcessExecutor(link, self.watch, slots=slots),
                tell=lambda message, text="": self.told_of_template.append(text or message),
            )
        self.notices: list[Notice] = []
        self._number = 0

    def submit(self, name: str, text: str | Path = "", *, grace_s: float = 5.0) -> int:
        """Start a function of `fake_attempt`; return the job's number."""
        self._number += 1
        log = str(self.folder / "logs" / f"{self._number}.log")
        self.executor.submit(
            Job(self._number, f"task-{name}", None, 1, b"shared", name.encode(), str(text).encode(), log, grace_s)
        )
        return self._number

    def log(self, job: int) -> Path:
        """Return where the output of a job is kept."""
        return self.folder / "logs" / f"{job}.log"

    def until(self, is_met: Callable[[], bool]) -> None:
        """Serve the executor until something holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < deadline, f"not met in time; so far: {self.notices}"
            self.executor.recorded()
            taken = self.executor.take()
            if not taken:
                self.watch.wait(0.02)
                taken = self.executor.take()
            self.notices.extend(taken)

    def serve_unrecorded(self, is_met: Callable[[], bool]) -> None:
        """Serve the executor until something holds, as an engine does that waits for the disk."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < deadline, f"not met in time; so far: {self.notices}"
            self.watch.wait(0.02)
            self.notices.extend(self.executor.take())

    def finish(self, job: int) -> Completion:
        """Wait for the completion of a job."""
        self.until(lambda: self._completion(job) is not None)
        completion = self._completion(job)
        assert completion is not None
        return completion

    def run(self, name: str, text: str | Path = "", *, grace_s: float = 5.0) -> Completion:
        """Run a function of `fake_attempt` to its end."""
        return self.finish(self.submit(name, text, grace_s=grace_s))

    def told(self, job: int, kind: type[Any]) -> list[Any]:
        """Return the notices of one kind about a job."""
        return [notice for notice in self.notices if isinstance(notice, kind) and notice.job == job]

    @staticmethod
    def value_of(completion: Completion) -> Any:
        """Return what the function returned."""
        assert isinstance(completion.outcome, Success), completion
        assert completion.outcome.value.inline is not None
        return json.loads(completion.outcome.value.inline)

    @staticmethod
    def failure_of(completion: Completion) -> Failure:
        """Return why the attempt failed."""
        assert isinstance(completion.outcome, Failure), completion
        return completion.outcome

    @staticmethod
    def left_of(pids: list[int], *, within_s: float = 3.0) -> list[int]:
        """Return which processes are still there when the time is over."""
        deadline = time.monotonic() + within_s
        while (left := [pid for pid in pids if tree.is_alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.002)
        return left

    def pids_from(self, file: Path) -> list[int]:
        """Wait for the pids that a task writes to a file."""
        self.until(lambda: file.exists() and file.stat().st_size > 0)
        return list(map(int, file.read_text().split()))

    def close(self) -> None:
        self.executor.close()
        self.link.close()
        self.watch.close()

    def _completion(self, job: int) -> Completion | None:
        return next(iter(self.told(job, Completion)), None)


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Make a rig of any kind."""
    made: list[Rig] = []

    def make(**how: Any) -> Rig:
        made.append(Rig(tmp_path, **how))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, slots=2, start_method="fork")
    yield made
    made.close()


@pytest.fixture(params=["fork", "template", "forkserver", "spawn"])
def any_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, slots=2, start_method=request.param)
    yield made
    made.close()
