"""What a dask worker makes of bundles and cancels that come in an odd order: a run's side of the link, and one worker.

The worker makes one attempt at a time, so what comes second waits behind what came first.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

import psutil
import pytest
from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.base import Completion
from flowpar.execute.begun import BegunFile
from flowpar.execute.crew import Crew
from flowpar.testing.job import make_job

from flowpar_dask.bench import Bench, StationTerms
from flowpar_dask.bundle import Bundle, mark_of, unpack_word
from flowpar_dask.calls import cancel_jobs
from flowpar_dask.cluster import LocalCluster
from flowpar_dask.ending import told_late
from flowpar_dask.errand import Errand
from flowpar_dask.flight import Flight
from flowpar_dask.link import Link
from flowpar_dask.near import Near

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from conftest import Yard
    from flowpar.execute.base import Job, Notice

    from flowpar_dask.bundle import Word

PATIENCE_S = 60.0
# Less than a station stays that has nothing to do.
SOON_S = 20.0


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster with one worker."""
    cluster = LocalCluster(1, tmp_path_factory.mktemp("lone"))
    yield cluster.address
    cluster.close()


class Run:
    """The link of a run without its executor: what is sent comes as it is told here, and nothing else does."""

    def __init__(self, address: str, folder: Path) -> None:
        self.folder = folder
        self.name = secrets.token_hex(8)
        self.link = Link(address, self.name)
        self.mark = mark_of(str(folder), self.name)
        self.mark.parent.mkdir(parents=True)
        self.mark.touch()
        self._words: SimpleQueue[Word] = SimpleQueue()
        self._flights = 0
        self.link.hear(lambda content: self._words.put(unpack_word(content)))

    def job(self, number: int, work: str = "echo", **arguments: Any) -> Job:
        return make_job(number, f"flowpar.testing.work:{work}", run_dir=self.folder, **arguments)

    def send(self, *jobs: Job) -> Flight:
        self._flights += 1
        file = f"{self.mark}-{self._flights}"
        flight = Flight(self._flights, file, {job.number: job for job in jobs}, jobs[0].shared, {}, ())
        self.link.launch(flight, flight.bundle(self.name, {}), ended=lambda: None)
        return flight

    def told(self, flight: Flight) -> tuple[list[Notice], tuple[int, ...]]:
        """Wait for the end of a bundle; return what was told of it, and which jobs have not begun."""
        notices: list[Notice] = []
        unbegun: tuple[int, ...] = ()
        while True:
            word = self._words.get(timeout=PATIENCE_S)
            assert not word.refusal
            if word.number == flight.number:
                notices += word.notices
                unbegun += word.unbegun
                if word.is_last:
                    return notices, unbegun


@pytest.fixture
def run(lone: str, tmp_path: Path) -> Iterator[Run]:
    run = Run(lone, tmp_path)
    yield run
    run.link.close(is_shared=True)


def outcomes(notices: list[Notice]) -> dict[int, object]:
    """Return what jobs came to: the kind of a failure, or True."""
    ends = {notice.job: notice.outcome for notice in notices if isinstance(notice, Completion)}
    return {job: outcome.kind if isinstance(outcome, Failure) else True for job, outcome in ends.items()}


@pytest.mark.parametrize("has_station", [False, True])
def test_a_cancel_that_overtakes_its_job_is_heeded(run: Run, *, has_station: bool) -> None:
    if has_station:
        run.told(run.send(run.job(9, value=9)))
    marker = run.folder / "begun"

    run.link.call(cancel_jobs, [1], force=False).result(PATIENCE_S)
    flight = run.send(run.job(1, "linger", seconds=0, marker=str(marker)), run.job(2, value=2))

    assert outcomes(run.told(flight)[0]) == {1: FailureKind.CANCELLED, 2: True}
    assert not marker.exists()


def test_a_cancel_of_one_run_is_none_of_anothers(run: Run, lone: str, tmp_path: Path) -> None:
    other = Run(lone, tmp_path / "other")

    other.link.call(cancel_jobs, [1], force=False).result(PATIENCE_S)

    assert outcomes(run.told(run.send(run.job(1, value=1)))[0]) == {1: True}
    other.link.close(is_shared=True)


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30], ids=["pool", "process"])
def test_a_worker_that_was_taken_for_lost_makes_what_comes_then(run: Run, memory_bytes: int) -> None:
    before = run.send(run.job(1, value=1))
    run.told(before)

    begun = before.begun()  # as a run does that takes the worker for lost
    after = run.send(replace(run.job(2, value=2), memory_bytes=memory_bytes))

    assert begun is not None
    assert begun.jobs == {1}
    assert outcomes(run.told(after)[0]) == {2: True}


def test_a_process_that_is_over_counts_where_its_worker_is_lost_with_what_it_has_to_say(run: Run) -> None:
    flight = run.send(replace(run.job(1, value=1), memory_bytes=1 << 30))
    run.told(flight)

    begun = flight.begun()

    assert begun is not None
    assert outcomes([told_late(done, pid) for pid, done in begun.over.values()]) == {1: True}


def test_what_it_was_making_when_it_was_taken_for_lost_is_ended_and_the_rest_is_made(run: Run, yard: Yard) -> None:
    marker = run.folder / "begun"
    before = run.send(run.job(1, "linger", seconds=600, marker=str(marker)))
    yard.until(lambda: marker.exists() and bool(marker.read_text()))
    maker = psutil.Process(int(marker.read_text()))

    begun = before.begun()
    before.future.release()  # nobody wants it any more
    after = run.send(run.job(2, value=2))

    assert begun is not None
    assert begun.jobs == {1}
    assert outcomes(run.told(after)[0]) == {2: True}
    assert not psutil.wait_procs([maker], timeout=SOON_S)[1]


def test_nothing_begins_any_more_where_its_worker_is_taken_for_lost(run: Run) -> None:
    begun = BegunFile(f"{run.mark}.begun")
    begun.make()
    near = Near(run.name, str(run.folder), str(run.folder / "near"), str(run.folder / "own"), 0)
    terms = StationTerms(run.job(1).shared, 1, "tcp://here", begun, near, lambda _: False)
    job = replace(run.job(1, value=1), memory_bytes=1 << 30)  # a process of its own

    with closing(Crew.open(tree=None, workers=1)) as crew, closing(Bench(crew, terms)) as bench:
        bench.begin(Errand(Bundle(run.name, 1, "", (job,), {}), "tcp://here", lambda _: None))
        begun.close()

        assert not bench.fill()
        assert not bench.given


def test_the_end_of_a_run_ends_its_processes_at_once(run: Run) -> None:
    (notice,) = [each for each in run.told(run.send(run.job(1, value=1)))[0] if isinstance(each, Completion)]
    worker = psutil.Process(notice.pid)

    run.link.close(is_shared=True)

    assert not psutil.wait_procs([worker], timeout=SOON_S)[1]
