"""Which values that are files may be removed: those of which nobody is left who reads them, now or on a resume."""

from __future__ import annotations

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.core.states import TaskState
from flowpar.schedule.ledger import Ledger, Record
from flowpar.testing.simulation import planned

FILE = ValueRef(1 << 20, "none:", is_plain=True, file="values/1.val")


def record(name: str, *needs: str, state: TaskState = TaskState.SUCCEEDED, **changes: object) -> Record:
    made = Record(planned(name, *needs, reads=frozenset(needs), **changes), (0, 0.0, 0))
    made.state = state
    return made


def unneeded(*records: Record, read_at_the_end: frozenset[str] = frozenset()) -> list[ValueRef]:
    """Return the values that may be removed after all tasks ended, of which the first has one that is a file."""
    ledger = Ledger(records, read_at_the_end=read_at_the_end)
    ledger.holding.hold(records[0].task, FILE)
    for each in records:
        ledger.close(each)
    return ledger.holding.take_unneeded()


def test_a_value_may_be_removed_once_when_all_that_read_it_succeeded() -> None:
    source, first, second = record("a"), record("b", "a"), record("c", "a")
    ledger = Ledger([source, first, second])
    ledger.holding.hold(source.task, FILE)

    ledger.close(first)
    before = ledger.holding.take_unneeded()
    ledger.close(second)

    assert before == []
    assert ledger.holding.take_unneeded() == [FILE]
    assert ledger.holding.take_unneeded() == []


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.TIMED_OUT, TaskState.CANCELLED, TaskState.SKIPPED])
def test_it_is_kept_for_a_reader_that_may_run_on_a_resume(state: TaskState) -> None:
    assert unneeded(record("a"), record("b", "a"), record("c", "a", state=state)) == []


def test_it_is_kept_for_a_reader_that_is_below_one_that_may_run_on_a_resume() -> None:
    asked_again = record("maybe", state=TaskState.SKIPPED)
    below = Record(planned("b", "maybe", "a", reads=frozenset("a")), (0, 0.0, 0))
    below.state = TaskState.SUCCEEDED

    assert unneeded(record("a"), asked_again, below) == []


def test_a_reader_that_was_skipped_early_counts_when_the_value_comes() -> None:
    source, skipped, reader = record("a"), record("b", "a", state=TaskState.SKIPPED), record("c", "a")
    ledger = Ledger([source, skipped, reader])

    ledger.close(skipped)
    ledger.holding.hold(source.task, FILE)
    ledger.close(reader)

    assert ledger.holding.take_unneeded() == []


def test_it_is_kept_for_what_tidies_up_and_for_rounds() -> None:
    for reader in (record("b", "a", in_finally=True), record("b", "a", tidies="x"), record("b", "a", lap=1)):
        assert unneeded(record("a"), reader) == []


def test_results_are_kept() -> None:
    assert unneeded(record("a"), record("b")) == []  # nobody reads it
    assert unneeded(record("a"), record("b", "a"), read_at_the_end=frozenset("a")) == []


def test_what_its_own_task_has_of_it_is_kept_where_that_failed() -> None:
    assert unneeded(record("a", state=TaskState.FAILED), record("b", "a")) == []


@pytest.mark.parametrize(("state", "left"), [(TaskState.SUCCEEDED, [FILE]), (TaskState.FAILED, [])])
def test_the_items_that_a_worker_made_go_with_the_success_of_their_task(state: TaskState, left: list[ValueRef]) -> None:
    task = record("a", state=state)
    ledger = Ledger([task])
    ledger.holding.hold_items(task.task, FILE)

    ledger.close(task)

    assert ledger.holding.take_unneeded() == left
