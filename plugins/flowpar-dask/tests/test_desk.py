"""Which bundles go, and which of them wait for what no worker has."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flowpar.execute.base import Completion
from flowpar.execute.begun import BegunFile
from flowpar.testing.job import make_job

from flowpar_dask.bundle import claim
from flowpar_dask.cluster import workers_of
from flowpar_dask.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WORKERS: Mapping[str, object] = {
    "tcp://a": {"nthreads": 1, "resources": {"GPU": 1.0}},
    "tcp://b": {"nthreads": 1, "resources": {}},
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(str(tmp_path / "claim"))
    desk.workers.see(WORKERS, least=1)
    return desk


def add(desk: Desk, run_dir: Path, number: int, **resources: float) -> None:
    job = make_job(number, "flowpar.testing.work:echo", run_dir=run_dir, value=number)
    desk.add(replace(job, resources=tuple(resources.items())), {})


def test_those_that_wait_for_what_is_scarce_keep_no_others_waiting(desk: Desk, tmp_path: Path) -> None:
    for number in range(1, 9):
        add(desk, tmp_path, number, gpu=1)
    add(desk, tmp_path, 9)

    gone = [sorted(flight.jobs) for flight in desk.take_off()]

    assert gone == [[1], [2], [9]]


def test_what_no_worker_has_is_told_once(desk: Desk, tmp_path: Path) -> None:
    add(desk, tmp_path, 1, gpu=1)
    add(desk, tmp_path, 2, gpu=2)

    assert [desk.lacking(), desk.lacking()] == [["GPU=2"], []]


def test_it_is_told_of_what_waits_with_dask_too(desk: Desk, tmp_path: Path) -> None:
    add(desk, tmp_path, 1, gpu=2)
    desk.take_off()

    assert desk.lacking() == ["GPU=2"]


class FiveAtATime:
    """A client of those versions of dask that tell of five workers where they are not asked for all."""

    def scheduler_info(self, n_workers: int = 5) -> dict[str, dict[str, object]]:
        told = range(8 if n_workers == -1 else n_workers)
        return {"workers": {f"tcp://{n}": {"nthreads": 2, "resources": {}} for n in told}}


def test_all_workers_of_a_large_cluster_count(desk: Desk) -> None:
    desk.workers.see(workers_of(FiveAtATime()), least=1)

    assert desk.workers.slots == 16


def test_a_bundle_that_nobody_began_waits_again_and_one_that_was_begun_has_failed(desk: Desk, tmp_path: Path) -> None:
    add(desk, tmp_path, 1)
    add(desk, tmp_path, 2)
    taken, free = desk.take_off()
    begun = BegunFile(f"{taken.file}.begun")
    begun.make()
    claim(taken.file, begun.path)
    with closing(begun.open()) as lines:
        lines.begin(1)

    for flight in (taken, free):
        desk.lose(flight)

    assert [(notice.job, type(notice)) for notice in desk.take_notices()] == [(1, Completion)]
    assert [sorted(flight.jobs) for flight in desk.take_off()] == [[2]]


def test_a_job_is_cancelled_at_once_unless_somebody_may_be_making_it(desk: Desk, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        add(desk, tmp_path, number, gpu=1)
    taken, _ = desk.take_off()
    claim(taken.file)

    asked = [desk.cancel(job, force=True) for job in (1, 2, 3, 4)]

    assert asked == [True, False, False, False]
    assert [notice.job for notice in desk.take_notices()] == [2, 3]
