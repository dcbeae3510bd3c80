"""Processes that are forked ahead of their jobs: who gets one, and that nobody can tell by it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind
from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.execute.conftest import Rig

MANY = 8


def spares() -> list[int]:
    """Return those that wait by now."""
    return [pid for pid in tree.descendants(os.getpid()) if tree.name_of(pid) == "flowpar:spare"]


def spare_after_many(rig: Rig) -> int:
    """Run many jobs, one after another, and wait for a spare."""
    for _ in range(MANY):
        rig.run("noop")
    rig.until(lambda: len(spares()) == 1)
    return spares()[0]


def test_after_many_jobs_the_next_one_finds_a_process(rig: Rig) -> None:
    spare = spare_after_many(rig)

    assert rig.run("echo", "hello").pid == spare
    rig.until(lambda: len(spares()) == 1)
    assert spares() != [spare]


def test_a_task_in_a_spare_finds_what_one_finds_that_was_forked_for_it(rig: Rig) -> None:
    rig.run("noop")  # what the launcher imports to see the end of one
    forked = rig.value_of(rig.run("surroundings"))
    spare = spare_after_many(rig)
    found = rig.value_of(rig.run("surroundings"))

    assert found.pop("pid") == found.pop("session") == spare
    forked = {name: value for name, value in forked.items() if name in found}
    assert found == forked


def test_a_run_of_few_jobs_has_no_spare(rig: Rig) -> None:
    for _ in range(MANY - 2):
        rig.run("noop")

    assert spares() == []


def test_no_spare_is_forked_while_all_slots_are_taken(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(slots=1, start_method="fork")
    spare = spare_after_many(rig)

    hanging = rig.submit("begin_and_hang", rig.folder / "begun")
    assert rig.pids_from(rig.folder / "begun") == [spare]
    assert spares() == []
    rig.executor.cancel(hanging, force=True)
    rig.finish(hanging)
    rig.until(lambda: len(spares()) == 1)


def test_a_job_that_is_too_large_to_be_handed_over_is_forked_for(rig: Rig) -> None:
    spare = spare_after_many(rig)
    end = rig.run("echo", "x" * 100_000)

    assert rig.value_of(end) == "x" * 100_000
    assert end.pid != spare
    assert rig.run("noop").pid == spare


def test_spares_that_are_killed_take_no_job_with_them_and_there_is_an_end_of_them(rig: Rig) -> None:
    spare = spare_after_many(rig)
    for _ in range(2):
        os.kill(spare, signal.SIGKILL)
        rig.until(lambda: spares() not in ([], [spare]))  # noqa: B023
        (spare,) = spares()
    os.kill(spare, signal.SIGKILL)

    assert rig.left_of([spare]) == []
    assert rig.value_of(rig.run("echo", "hello")) == "hello"
    assert spares() == []


def test_a_task_in_a_spare_can_be_cancelled(rig: Rig) -> None:
    spare = spare_after_many(rig)
    job = rig.submit("begin_and_hang", rig.folder / "begun")
    assert rig.pids_from(rig.folder / "begun") == [spare]
    rig.executor.cancel(job)

    assert rig.failure_of(rig.finish(job)).kind is FailureKind.DIED


def test_a_spare_ends_with_the_launcher(rig: Rig) -> None:
    spare = spare_after_many(rig)
    (launcher,) = [pid for pid in tree.descendants(os.getpid()) if spare in tree.children_of(pid)]
    os.kill(launcher, signal.SIGKILL)

    assert rig.left_of([spare]) == []


def test_a_spare_ends_with_the_engine(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(slots=2, start_method="fork")
    spare = spare_after_many(rig)
    rig.close()

    assert rig.left_of([spare]) == []
