"""The executor `batch` with several tasks: whose worker makes room for another's."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.base import Completion
from flowpar.execute.crew import Crew
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0


@pytest.fixture
def pid_for(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Make an item of a task in a crew of two, and return by which process that was made."""
    (tmp_path / "work.py").write_text("def answer(): return 42\n")
    crew = Crew.open(tree=None, workers=2, run_dir=tmp_path)
    shared = make_job(0, "work:answer", run_dir=tmp_path).shared
    numbers = iter(range(100))

    def make(task: str) -> int:
        job = make_job(next(numbers), "work:answer", run_dir=tmp_path)
        crew.submit("batch", replace(job, shared=shared, task=task, item=job.number, batch=50))
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for notice in crew.wait(0.05):
                if isinstance(notice, Completion):
                    crew.recorded()
                    return notice.pid
        pytest.fail("not over in time")

    yield make
    crew.close()


def test_a_worker_stays_for_its_task_while_there_is_room_for_that_of_another(pid_for: Callable[[str], int]) -> None:
    of_a = pid_for("a")

    of_b = pid_for("b")

    assert (pid_for("a"), pid_for("b")) == (of_a, of_b)


def test_where_there_is_no_room_only_one_worker_goes(pid_for: Callable[[str], int]) -> None:
    pid_for("a")
    of_b = pid_for("b")

    pid_for("c")

    assert pid_for("b") == of_b
