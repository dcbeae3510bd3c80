"""Executors whose workers stay, when no descriptor is left for another worker or for a job's pipe."""

from __future__ import annotations

import os
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import Failure, Success
from flowpar.execute.base import Completion
from flowpar.execute.control import Setup
from flowpar.execute.crew import Crew
from flowpar.execute.leave import Leaves
from flowpar.execute.link import Link
from flowpar.execute.pool import PoolExecutor
from flowpar.execute.watch import Watch
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    (tmp_path / "work.py").write_text("def answer(): return 42\n")
    made = Crew.open(tree=None, workers=2, run_dir=tmp_path)
    yield made
    made.close()


@contextmanager
def only(free: int) -> Iterator[None]:
    """Leave this process so many descriptors and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0) for _ in range(free + 1)]
    for number in taken:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def finish(crew: Crew, job: int) -> Completion:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for notice in crew.wait(0.05):
            if isinstance(notice, Completion) and notice.job == job:
                return notice
    pytest.fail(f"job {job} did not end in time")


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.parametrize("executor", ["thread", "inline", "batch", "pool"])
def test_a_job_for_which_nobody_can_be_hired_fails_and_the_next_one_is_made(
    crew: Crew, tmp_path: Path, executor: str, free: int
) -> None:
    assert crew.has_room(executor)
    job, after = (make_job(number, "work:answer", run_dir=tmp_path) for number in (1, 2))

    with only(free):
        crew.submit(executor, job)
    end = finish(crew, 1)
    crew.submit(executor, after)

    assert isinstance(end.outcome, Failure)
    assert end.outcome.message == "no pipe could be opened for it: Too many open files"
    assert isinstance(finish(crew, 2).outcome, Success)


@pytest.mark.parametrize("free", range(6))
def test_a_warm_worker_that_can_not_be_hired_keeps_no_descriptor(crew: Crew, tmp_path: Path, free: int) -> None:
    assert crew.has_room("pool")
    job = make_job(1, "work:answer", run_dir=tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))

    with only(free):
        crew.submit("pool", job)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert isinstance(finish(crew, 1).outcome, Failure)


class Applicant:
    """Somebody else who holds a slot."""

    cpu_milli = 1000
    has_leave = False

    def let_begin(self) -> None:
        self.has_leave = True


def test_a_pool_that_can_hire_nobody_does_not_go_through_all_that_waits(tmp_path: Path) -> None:
    watch, leaves = Watch(), Leaves(3)
    link = Link.start_guard(watch)
    link.set_up(Setup(slots=3))
    pool = PoolExecutor(link, watch, slots=1, leaves=leaves)
    others = [Applicant() for _ in range(3)]
    for other in others:
        leaves.ask(other)
    for number in range(3):
        pool.submit(make_job(number, "work:answer", run_dir=tmp_path))
    for other in others:
        leaves.give_back(other)

    with only(0):
        pool.recorded()

    assert [notice.job for notice in pool.take()] == [0, 1]
    assert pool.held == 1
    pool.close()
    link.close()
    watch.close()
