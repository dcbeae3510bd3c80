"""The built-in executors keep the contract of all executors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from flowpar.execute.crew import Crew
from flowpar.testing.contracts import ExecutorContract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flowpar.execute.base import Executor, Job, Notice

pytestmark = pytest.mark.timeout(180)

WORKERS = 2


class OneOfTheCrew:
    """An executor of a crew, as if it stood alone."""

    def __init__(self, crew: Crew, name: str) -> None:
        self._crew = crew
        self._name = name
        self._is_closed = False

    @property
    def capacity(self) -> int:
        return WORKERS

    def submit(self, job: Job) -> None:
        self._crew.recorded()
        assert self._crew.has_room(self._name)
        self._crew.submit(self._name, job)

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        return self._crew.wait(timeout_s)

    def cancel(self, job: int, *, force: bool = False) -> None:
        self._crew.cancel(job, force=force)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._crew.close()


class OfTheCrew(ExecutorContract):
    name: ClassVar[str]

    @pytest.fixture
    def executor(self, run_dir: Path) -> Iterator[Executor]:
        executor = OneOfTheCrew(Crew.open(tree=None, workers=WORKERS, run_dir=run_dir), self.name)
        yield executor
        executor.close()


class TestProcess(OfTheCrew):
    name = "process"


class TestThread(OfTheCrew):
    name = "thread"


class TestInline(OfTheCrew):
    name = "inline"


class TestBatch(OfTheCrew):
    name = "batch"


class TestPool(OfTheCrew):
    name = "pool"
