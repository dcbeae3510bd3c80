"""Which bundles go, and which of them wait for what no worker has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.job import make_job

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
    desk.see(WORKERS, least=1)
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
