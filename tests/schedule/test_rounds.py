"""Repeats in the loop: round after round until it is enough, with retries and items, and on after a cut."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from flowpar.core.events import TaskEnded, TaskRepeating, TaskRetrying, TaskStarted
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.states import TaskState
from flowpar.planning.model import FanOut, PlannedTask, Repeat, Retry
from flowpar.schedule.run import RunOptions
from flowpar.schedule.start import Begun, Round, Start, Tried
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, planned, play, raised, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Bindings
    from flowpar.testing.simulation import Played


def bound(job: Job) -> Bindings:
    found: Bindings = pickle.loads(job.bindings)
    return found


def repeated(rounds: int = 5, *, delay_s: float = 0.0, takes_last: bool = False, **changes: object) -> PlannedTask:
    return planned("poll", repeat=Repeat(rounds, delay_s, takes_last=takes_last), **changes)


def enough_after(rounds: int) -> Callable[[Job], Scripted]:
    return lambda job: Scripted(value(f"round {bound(job).round}", is_last=bound(job).round >= rounds))


def rounds_of(played: Played) -> list[tuple[int, int]]:
    return [(event.subject.round, event.subject.attempt) for event in played.sink.of(TaskStarted)]


def end_of(played: Played, task: str = "poll") -> TaskEnded:
    (event,) = [each for each in played.sink.of(TaskEnded) if each.subject.task == task and each.subject.item is None]
    return event


def test_a_task_runs_again_until_it_is_enough_and_its_last_output_is_its_own() -> None:
    played = play([repeated(), planned("after", "poll")], enough_after(3))

    assert rounds_of(played)[:3] == [(1, 1), (2, 1), (3, 1)]
    assert [event.subject.round for event in played.sink.of(TaskRepeating)] == [1, 2]
    assert end_of(played).outcome == value("round 3")
    assert played.end.states == {"poll": TaskState.SUCCEEDED, "after": TaskState.SUCCEEDED}


def test_each_round_is_given_what_the_one_before_gave() -> None:
    played = play([repeated()], enough_after(3))

    given = [bound(job).previous for _, job in played.crew.submitted]
    assert given == [None, value("round 1").value, value("round 2").value]


def test_a_delay_lies_between_two_rounds() -> None:
    played = play([repeated(delay_s=10.0)], enough_after(3))

    assert played.clock.monotonic() >= 20.0


def test_too_few_rounds_are_a_failure_that_says_so_and_keeps_the_last_output() -> None:
    played = play([repeated(2)], enough_after(9))

    end = end_of(played)
    assert isinstance(end.outcome, Failure)
    assert end.outcome.kind is FailureKind.ROUNDS
    assert end.outcome.message == '2 rounds were made, the most that "max" allows, and "until" never held'
    assert end.previous == value("round 2").value
    assert [event.subject.round for event in played.sink.of(TaskRepeating)] == [1]


def test_the_last_round_may_be_taken_as_it_is() -> None:
    played = play([repeated(2, takes_last=True)], enough_after(9))

    assert end_of(played).outcome == value("round 2")


def test_attempts_count_anew_in_each_round() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(raised()) if job.attempt == 1 else enough_after(2)(job)

    played = play([repeated(retry=Retry(2))], script)

    assert rounds_of(played) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert len(played.sink.of(TaskRetrying)) == 2
    assert end_of(played).state is TaskState.SUCCEEDED


def test_a_round_that_fails_ends_the_repeat() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(raised()) if bound(job).round == 2 else enough_after(5)(job)

    played = play([repeated()], script)

    assert rounds_of(played) == [(1, 1), (2, 1)]
    assert end_of(played).state is TaskState.FAILED


def test_each_item_repeats_by_itself() -> None:
    task = repeated(fan_out=FanOut({}, max_parallel=2))
    decisions = FakeDecisions(items={"poll": FakeItems(4)})

    played = play([task], lambda job: enough_after((job.item or 0) + 1)(job), decisions=decisions)

    made: dict[int | None, list[int]] = {}
    for event in played.sink.of(TaskStarted):
        made.setdefault(event.subject.item, []).append(event.subject.round)
    assert made == {0: [1], 1: [1, 2], 2: [1, 2, 3], 3: [1, 2, 3, 4]}
    assert played.end.states == {"poll": TaskState.SUCCEEDED}


def test_a_run_that_goes_on_takes_up_after_the_last_round_that_was_over() -> None:
    last = value("round 2").value
    begun = Begun(tried={None: Tried(1, round=3)}, rounds={None: Round(2, last)})
    options = RunOptions("run", "/nowhere/run", start=Start({"poll": begun}))

    played = play([repeated(4)], enough_after(4), options=options)

    assert rounds_of(played) == [(3, 2), (4, 1)]  # one attempt of the third round was cut off
    assert bound(played.crew.submitted[0][1]).previous == last


def test_a_repeat_that_had_too_few_rounds_gets_as_many_again() -> None:
    begun = Begun(rounds={None: Round(2, value("round 2").value, base=2)})
    options = RunOptions("run", "/nowhere/run", start=Start({"poll": begun}))

    played = play([repeated(2)], enough_after(9), options=options)

    assert rounds_of(played) == [(3, 1), (4, 1)]
    assert end_of(played).state is TaskState.FAILED
