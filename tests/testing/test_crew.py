"""The crew in virtual time behaves as a real one would, only at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import Failure, FailureKind, Success, ValueRef
from flowpar.execute.base import Completion, Job, Reported, Started
from flowpar.testing.clock import FakeClock
from flowpar.testing.crew import FakeCrew, Scripted
from flowpar.testing.job import make_job

DONE = Success(ValueRef(1, "sha256:00", is_plain=True, inline=b"x"))


def job(number: int) -> Job:
    return make_job(number, "m:f", run_dir=Path("/nonexistent"))


def crew_of(scripts: dict[int, Scripted], *, workers: int = 2, ahead: int = 1) -> tuple[FakeCrew, FakeClock]:
    clock = FakeClock(monotonic=0)
    return FakeCrew(lambda job: scripts[job.number], clock, workers=workers, ahead=ahead), clock


def completions(crew: FakeCrew, timeout_s: float | None = None) -> list[tuple[int, float]]:
    return [(notice.job, notice.ended) for notice in crew.wait(timeout_s) if isinstance(notice, Completion)]


def test_a_job_starts_at_once_and_ends_after_its_time() -> None:
    crew, clock = crew_of({1: Scripted(DONE, 5)})

    crew.submit("process", job(1))

    assert [type(notice) for notice in crew.wait(None)] == [Started]
    assert clock.monotonic() == 0
    assert completions(crew) == [(1, 5)]
    assert clock.monotonic() == 5


def test_a_wait_ends_when_its_time_is_over() -> None:
    crew, clock = crew_of({1: Scripted(DONE, 5)})
    crew.submit("process", job(1))
    crew.wait(0)

    assert completions(crew, 2) == []
    assert clock.monotonic() == 2


def test_a_job_held_ahead_starts_when_a_slot_is_free() -> None:
    crew, _ = crew_of({1: Scripted(DONE, 5), 2: Scripted(DONE, 1)}, workers=1)
    crew.submit("process", job(1))
    crew.submit("process", job(2))
    assert not crew.has_room("process")

    first = [type(notice) for notice in crew.wait(None)]
    second = [type(notice) for notice in crew.wait(None)]
    third = [type(notice) for notice in crew.wait(None)]

    # What the second wait told is recorded when the third begins.
    assert (first, second, third) == ([Started], [Completion], [Started])
    assert completions(crew) == [(2, 6)]
    assert crew.most_running == 1


def test_executors_have_slots_of_their_own() -> None:
    crew, _ = crew_of({1: Scripted(DONE), 2: Scripted(DONE)}, workers=1, ahead=0)
    crew.submit("process", job(1))

    assert not crew.has_room("process")
    assert crew.has_room("thread")


def test_too_many_jobs_and_a_number_twice_are_mistakes_of_the_loop() -> None:
    crew, _ = crew_of({1: Scripted(DONE), 2: Scripted(DONE)}, workers=2, ahead=0)
    crew.submit("process", job(1))

    with pytest.raises(AssertionError, match="given twice"):
        crew.submit("process", job(1))
    crew.submit("process", job(2))
    with pytest.raises(AssertionError, match="no room"):
        crew.submit("process", job(3))


def test_waiting_for_nothing_for_ever_is_a_mistake_of_the_loop() -> None:
    crew, _ = crew_of({})

    with pytest.raises(AssertionError, match="nothing is running"):
        crew.wait(None)


def test_a_polite_job_leaves_when_asked() -> None:
    crew, _ = crew_of({1: Scripted(DONE, 100, term_s=2)})
    crew.submit("process", job(1))
    crew.wait(0)

    crew.cancel(1)

    (over,) = crew.wait(None)
    assert isinstance(over, Completion)
    assert isinstance(over.outcome, Failure)
    assert (over.ended, over.outcome.kind, over.outcome.message) == (2, FailureKind.DIED, "killed by SIGTERM")


def test_a_stubborn_job_leaves_when_forced_only() -> None:
    crew, clock = crew_of({1: Scripted(DONE, 100, term_s=None)})
    crew.submit("process", job(1))
    crew.wait(0)
    crew.cancel(1)
    assert completions(crew, 5) == []

    crew.cancel(1, force=True)

    assert completions(crew) == [(1, 5)]
    assert clock.monotonic() == 5


def test_a_job_that_has_not_started_is_cancelled_without_a_process() -> None:
    crew, _ = crew_of({1: Scripted(DONE, 100), 2: Scripted(DONE)}, workers=1)
    crew.submit("process", job(1))
    crew.submit("process", job(2))
    crew.wait(0)

    crew.cancel(2)

    (over,) = crew.wait(0)
    assert isinstance(over, Completion)
    assert (over.job, over.pid) == (2, 0)
    assert crew.running == (1,)


def test_a_cancel_of_an_unknown_job_does_nothing() -> None:
    crew, _ = crew_of({})

    crew.cancel(7, force=True)

    assert crew.wait(0) == []
    assert crew.cancelled == [(7, True)]


def test_reports_come_with_the_start() -> None:
    report = Reported(0, "progress", {"done": 1})
    crew, _ = crew_of({1: Scripted(DONE, reports=(report,))})

    crew.submit("process", job(1))

    assert crew.wait(None)[1] == Reported(1, "progress", {"done": 1})


def test_actions_happen_at_their_time_and_end_the_wait() -> None:
    crew, clock = crew_of({1: Scripted(DONE, 10)})
    crew.submit("process", job(1))
    crew.wait(0)
    seen: list[float] = []
    crew.at(4, lambda: seen.append(clock.monotonic()))

    assert completions(crew) == []
    assert seen == [4]


@given(st.lists(st.tuples(st.floats(0, 10), st.booleans()), min_size=1, max_size=12), st.integers(1, 3))
def test_every_job_completes_exactly_once_whatever_is_cancelled(jobs: list[tuple[float, bool]], workers: int) -> None:
    scripts = {n: Scripted(DONE, seconds, term_s=1.0) for n, (seconds, _) in enumerate(jobs)}
    crew, _ = crew_of(scripts, workers=workers)
    pending, over = list(range(len(jobs))), list[int]()

    while len(over) < len(jobs):
        while pending and crew.has_room("process"):
            crew.submit("process", job(pending.pop(0)))
            last = crew.submitted[-1][1].number
            if jobs[last][1]:
                crew.cancel(last)
        over += [number for number, _ in completions(crew)]

    assert sorted(over) == list(range(len(jobs)))
    assert crew.most_running <= workers
