"""The executor `pool` where workers die idle, and where ends are heard before anybody is told of them."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import Success
from flowpar.data.codec import decode
from flowpar.execute import tree
from flowpar.execute.base import Completion, Started
from flowpar.execute.control import Setup
from flowpar.execute.crew import Crew
from flowpar.execute.leave import Leaves
from flowpar.execute.link import Link
from flowpar.execute.pool import PoolExecutor
from flowpar.execute.watch import Watch
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.execute.base import Notice

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0

WORK = """
    import os, time
    from pathlib import Path

    def pid(): return os.getpid()

    def wait_for(sign):
        while not Path(sign).exists():
            time.sleep(0.005)

    def never_block(): os.set_blocking(1, False)

    def blocks(): return os.getpid(), os.get_blocking(1)

    def take_output_away():
        output = os.readlink("/proc/self/fd/1")
        full = os.open("/dev/full", os.O_WRONLY)
        for number in map(int, os.listdir("/proc/self/fd")):
            if number > 2 and os.path.lexists(f"/proc/self/fd/{number}"):
                if os.readlink(f"/proc/self/fd/{number}") == output:
                    os.dup2(full, number)
        os.close(full)
        return os.getpid()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(textwrap.dedent(WORK))
    return tmp_path


@pytest.fixture
def crew(folder: Path) -> Iterator[Crew]:
    made = Crew.open(tree=None, workers=1, run_dir=folder)
    yield made
    made.close()


def finish_all(crew: Crew, *jobs: int) -> dict[int, Completion]:
    """Wait for the ends of jobs as the engine does: as long as it takes, and woken by nothing else."""
    ends: dict[int, Completion] = {}
    until = time.monotonic() + DEADLINE_S
    while (left_s := until - time.monotonic()) > 0 and not ends.keys() >= set(jobs):
        ends |= {notice.job: notice for notice in crew.wait(left_s) if isinstance(notice, Completion)}
    assert ends.keys() >= set(jobs), "not over in time"
    return ends


def finish(crew: Crew, job: int) -> Completion:
    return finish_all(crew, job)[job]


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while tree.is_alive(pid):
        assert time.monotonic() < deadline
        os.sched_yield()


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_job_that_is_handed_to_an_idle_worker_that_was_killed_is_made_by_another(
    crew: Crew, folder: Path, *, is_heard: bool
) -> None:
    crew.submit("pool", make_job(1, "work:pid", run_dir=folder))
    idle = finish(crew, 1).pid
    (launcher,) = [pid for pid in tree.descendants(os.getpid()) if tree.name_of(pid) == "flowpar:launch"]
    os.kill(launcher, signal.SIGSTOP)  # so that only its channel says that the worker is gone
    try:
        os.kill(idle, signal.SIGKILL)
        until_gone(idle)
        if is_heard:
            assert crew.wait(0.05) == []
        crew.recorded()
        crew.submit("pool", make_job(2, "work:pid", run_dir=folder))
    finally:
        os.kill(launcher, signal.SIGCONT)

    end = finish(crew, 2)

    assert isinstance(end.outcome, Success), end
    assert end.pid != idle


def value(end: Completion) -> object:
    assert isinstance(end.outcome, Success), end
    return decode(end.outcome.value.inline or b"")


def test_an_output_that_a_task_made_one_that_does_not_block_blocks_again_for_the_next(crew: Crew, folder: Path) -> None:
    for number, target in enumerate(("never_block", "blocks"), 1):
        crew.submit("pool", make_job(number, f"work:{target}", run_dir=folder))

    ends = finish_all(crew, 1, 2)

    assert value(ends[2]) == (ends[1].pid, True)


def test_what_travels_with_a_task_that_took_their_output_away_is_made_by_another_worker(
    crew: Crew, folder: Path
) -> None:
    item = iter(range(100))

    def submit(target: str) -> int:
        number = next(item)
        job = make_job(number, f"work:{target}", run_dir=folder)
        crew.submit("pool", replace(job, shared=shared, task="t", item=number))
        return number

    shared = make_job(0, "work:pid", run_dir=folder).shared
    for _ in range(30):  # from now on items of the task are known to be short
        finish(crew, submit("pid"))
    sign = folder / "sign"
    holder = replace(make_job(100, "work:wait_for", run_dir=folder, sign=str(sign)), shared=shared)
    crew.submit("pool", holder)
    taker, follower = submit("take_output_away"), submit("pid")
    sign.touch()

    ends = finish_all(crew, 100, taker, follower)

    assert value(ends[taker]) == ends[100].pid
    assert value(ends[follower]) not in {None, ends[taker].pid}


class Lookout(Watch):
    """A watch that tells whether something could be heard, and does not hear it."""

    def has_news(self) -> bool:
        return bool(self._poller.poll(0))


class Applicant:
    """Somebody else who needs the only slot."""

    cpu_milli = 1000
    has_leave = False

    def let_begin(self) -> None:
        self.has_leave = True


def test_an_end_that_is_heard_while_its_job_is_cancelled_gives_nobody_leave_before_it_is_told(folder: Path) -> None:
    watch, leaves, other = Lookout(), Leaves(1), Applicant()
    link = Link.start_guard(watch)
    link.set_up(Setup(slots=1))
    pool = PoolExecutor(link, watch, slots=1, leaves=leaves)
    notices: list[Notice] = []

    def until(kind: type[Notice], job: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not any(isinstance(notice, kind) and notice.job == job for notice in notices):
            assert time.monotonic() < deadline, notices
            notices.extend(pool.wait(0.02))

    try:
        pool.submit(make_job(1, "work:pid", run_dir=folder))
        until(Completion, 1)  # by now the launcher has nothing more to say
        pool.submit(make_job(2, "work:wait_for", run_dir=folder, sign=str(folder / "sign")))
        until(Started, 2)
        leaves.ask(other)
        (folder / "sign").touch()
        while not watch.has_news():
            os.sched_yield()

        pool.cancel(2)
        pool.recorded()

        assert not other.has_leave
        (end,) = pool.take()
        assert isinstance(end, Completion)
        assert isinstance(end.outcome, Success)
        pool.recorded()
        assert other.has_leave
    finally:
        pool.close()
        link.close()
        watch.close()
