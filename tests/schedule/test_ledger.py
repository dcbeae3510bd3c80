"""What tasks came to, as jobs see it: small outputs travel, large ones are looked up, unread ones are let go."""

from __future__ import annotations

import pytest

from flowpar.core.errors import InternalError
from flowpar.core.outcome import ValueRef
from flowpar.core.states import TaskState
from flowpar.planning.model import FanOut
from flowpar.schedule.fanout import ItemSet
from flowpar.schedule.ledger import TRAVELS_BYTES, TRAVELS_WITH_ITEMS_BYTES, Ledger, Record
from flowpar.testing.simulation import planned, raised, value


def ref(size: int) -> ValueRef:
    return ValueRef(size, "none:", is_plain=True, inline=b"x" * size)


def record(name: str, *needs: str, reads: tuple[str, ...] = (), **changes: object) -> Record:
    return Record(planned(name, *needs, reads=frozenset(reads), **changes), (0, 0.0, 0))


def ended(name: str, size: int = 10) -> Record:
    made = record(name)
    made.state = TaskState.SUCCEEDED
    made.output = ref(size)
    return made


def fanned_out(count: int, size: int = 10) -> Record:
    made = record("many", fan_out=FanOut({}))
    made.items = ItemSet(count)
    for item in range(count):
        made.items.take()
        made.items.settle(item, TaskState.SUCCEEDED)
        made.keep_item_output(item, ref(size))
    made.state = TaskState.SUCCEEDED
    return made


def test_a_small_output_travels() -> None:
    view = Ledger([ended("a")]).views(["a"])["a"]

    assert (view.status, view.output, view.is_managed) == ("succeeded", ref(10), False)


def test_outputs_travel_until_they_are_too_much() -> None:
    views = Ledger([ended("a", 60_000), ended("b", 60_000), ended("c", 60_000)]).views("abc", limit_bytes=130_000)

    assert [views[name].is_managed for name in "abc"] == [False, False, True]
    assert views["c"].output is None


def test_a_file_travels_as_its_name() -> None:
    big = ended("a")
    big.output = ValueRef(1 << 30, "sha256:0", is_plain=False, file="values/1.val")

    assert Ledger([big]).views(["a"], limit_bytes=TRAVELS_WITH_ITEMS_BYTES)["a"].output == big.output


def test_outputs_of_few_items_travel_in_their_places() -> None:
    many = fanned_out(2)
    assert many.items is not None
    many.items = ItemSet(3)
    many.items.skip(2)

    view = Ledger([many]).views(["many"])["many"]

    assert view.item_outputs == (ref(10), ref(10), None)
    assert not view.is_managed


def test_outputs_of_many_items_are_looked_up() -> None:
    many = fanned_out(200, size=TRAVELS_BYTES // 100)

    view = Ledger([many]).views(["many"])["many"]

    assert many.item_outputs is None
    assert (view.item_outputs, view.is_managed) == (None, True)
    assert view.item_states == ("succeeded",) * 200


def test_a_task_with_items_carries_less() -> None:
    many = fanned_out(20, size=1_000)

    assert Ledger([many]).views(["many"], limit_bytes=TRAVELS_WITH_ITEMS_BYTES)["many"].is_managed


def test_a_failed_task_has_an_error_and_no_output() -> None:
    failed = record("a")
    failed.state = TaskState.FAILED
    failed.keep_outcome(raised("KeyError", "'x'"), 3)

    view = Ledger([failed]).views(["a"])["a"]

    assert view.error is not None
    assert (view.error.type, view.error.message, view.error.attempt) == ("KeyError", "'x'", 3)
    assert (view.output, view.is_managed) == (None, False)


def test_a_failed_fan_out_has_no_output_though_items_have() -> None:
    many = fanned_out(2)
    many.state = TaskState.FAILED

    view = Ledger([many]).views(["many"])["many"]

    assert (view.item_outputs, view.is_managed) == (None, False)


def test_an_output_is_released_after_its_last_reader() -> None:
    source, first, second = ended("a"), record("b", "a", reads=("a",)), record("c", "a", reads=("a",))
    ledger = Ledger([source, first, second])

    assert ledger.is_read("a")
    assert ledger.close(first) == []
    assert ledger.close(second) == [("a", None)]
    assert not ledger.is_read("a")
    assert source.output is None


def test_outputs_of_items_are_released_one_by_one() -> None:
    many, reader = fanned_out(3), record("b", "many", reads=("many",))
    ledger = Ledger([many, reader])

    assert ledger.close(reader) == [("many", 0), ("many", 1), ("many", 2)]
    assert many.item_outputs is None


def test_what_the_workflow_reads_is_kept_to_the_end() -> None:
    source, reader = ended("a"), record("b", "a", reads=("a",))
    ledger = Ledger([source, reader], read_at_the_end={"a"})

    assert ledger.close(reader) == []
    assert source.output == ref(10)


def test_a_reader_that_is_skipped_releases_too_though_the_source_still_runs() -> None:
    source, reader = record("a"), record("b", "a", reads=("a",))
    ledger = Ledger([source, reader])

    assert ledger.close(reader) == []
    assert not ledger.is_read("a")


def test_an_illegal_move_is_a_bug_of_ours() -> None:
    done = ended("a")

    with pytest.raises(InternalError, match='task "a" cannot go from succeeded to running'):
        done.move(TaskState.RUNNING)


def test_of_many_failed_items_only_the_first_keep_their_traceback() -> None:
    many = record("many")
    for item in range(150):
        many.keep_item_error(item, raised(message="x" * 500), 1)

    assert len(many.item_errors) == 150
    assert len(many.item_errors[0].message) == 500
    assert len(many.item_errors[149].message) == 200


def test_the_lowest_item_that_failed_is_kept() -> None:
    many = record("many")
    for item in (5, 2, 9, 3):
        many.note_failed_item(item, raised(message=str(item)))

    assert many.first_failed == (2, raised(message="2"))


def test_a_success_is_kept_by_its_place() -> None:
    made = record("a")
    made.keep_outcome(value("x"), 2)

    assert (made.attempt, made.output, made.error) == (2, value("x").value, None)
