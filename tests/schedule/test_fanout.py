"""Items of a fan-out are a counter, a window and one byte each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import InternalError
from flowpar.core.states import TaskState
from flowpar.schedule.fanout import ItemSet


def test_items_are_taken_in_order_and_within_the_window() -> None:
    items = ItemSet(3, max_parallel=2)

    assert [items.take(), items.take()] == [(0, 1), (1, 1)]
    assert not items.has_next
    items.settle(1, TaskState.SUCCEEDED)
    assert items.take() == (2, 1)


def test_a_delayed_item_comes_back_first_as_its_next_attempt() -> None:
    items = ItemSet(3)
    items.take()
    items.set_aside(0, 2)
    assert items.take() == (1, 1)

    items.release(0)

    assert items.take() == (0, 2)


def test_a_set_with_a_delayed_item_is_not_over() -> None:
    items = ItemSet(1)
    items.take()
    items.set_aside(0, 2)

    assert not items.is_over
    assert not items.has_next


def test_skipped_items_are_passed_over() -> None:
    items = ItemSet(3)
    items.skip(0)
    items.skip(2)

    assert items.take() == (1, 1)
    assert not items.has_next


def test_closing_cancels_what_is_not_out() -> None:
    items = ItemSet(4)
    items.take()
    items.take()
    items.set_aside(0, 2)

    items.close()
    items.release(0)
    items.settle(1, TaskState.SUCCEEDED)

    assert items.is_over
    assert items.states() == ("cancelled", "succeeded", "cancelled", "cancelled")


def test_no_items_are_over_at_once() -> None:
    assert ItemSet(0).is_over
    with pytest.raises(LookupError):
        ItemSet(0).take()


def test_a_settled_item_cannot_settle_again() -> None:
    items = ItemSet(1)
    items.take()
    items.settle(0, TaskState.SUCCEEDED)

    with pytest.raises(InternalError):
        items.settle(0, TaskState.FAILED)


def test_items_are_counted_and_listed_by_state() -> None:
    items = ItemSet(3)
    for _ in range(3):
        items.take()
    items.settle(1, TaskState.FAILED)
    items.settle(2, TaskState.TIMED_OUT)

    assert items.tally(TaskState.TIMED_OUT, TaskState.FAILED) == 2
    assert list(items.all_in(TaskState.FAILED)) == [1]


@given(st.integers(1, 40), st.integers(1, 6), st.data())
def test_every_item_ends_once_whatever_the_order(count: int, limit: int, data: st.DataObject) -> None:
    items, out, delayed, ended = ItemSet(count, max_parallel=limit), list[int](), list[int](), list[int]()

    while not items.is_over:
        moves = ["take"] * items.has_next + ["end", "set aside"] * bool(out) + ["release"] * bool(delayed)
        move = data.draw(st.sampled_from(moves))
        if move == "take":
            item, _ = items.take()
            assert item not in out
            out.append(item)
        elif move == "end":
            item = out.pop()
            items.settle(item, TaskState.SUCCEEDED)
            ended.append(item)
        elif move == "set aside":
            items.set_aside(out[0], 1)
            delayed.append(out.pop(0))
        else:
            items.release(delayed.pop())
        assert items.running == len(out) <= limit

    assert sorted(ended) == list(range(count))


@given(st.integers(0, 30), st.integers(1, 6), st.data())
def test_an_open_set_gives_out_what_it_is_offered_and_is_over_when_it_is_sealed(
    count: int, limit: int, data: st.DataObject
) -> None:
    items = ItemSet(0, max_parallel=limit, is_open=True)
    to_come, offered, out, ended = list(range(count)), set[int](), list[int](), list[int]()
    data.draw(st.randoms()).shuffle(to_come)

    while not items.is_over:
        moves = ["take"] * items.has_next + ["end"] * bool(out) + ["offer"] * bool(to_come)
        moves += ["seal"] * (not items.is_sealed)
        move = data.draw(st.sampled_from(moves))
        if move == "offer":
            item = to_come.pop()
            items.grow(item + 1)
            items.offer(item)
            offered.add(item)
        elif move == "take":
            item, _ = items.take()
            assert item == min(offered)
            offered.remove(item)
            out.append(item)
        elif move == "end":
            items.settle(out[0], TaskState.SUCCEEDED)
            ended.append(out.pop(0))
        else:
            items.grow(count)
            items.seal()
        assert items.running == len(out) <= limit

    assert sorted(ended) == list(range(count))
    assert items.count == count


def test_closing_an_open_set_cancels_what_was_offered_and_what_was_not() -> None:
    items = ItemSet(0, is_open=True)
    items.grow(3)
    items.offer(1)
    items.take()
    items.offer(2)

    items.close()
    items.offer(0)
    items.settle(1, TaskState.SUCCEEDED)

    assert items.is_over
    assert items.states() == ("cancelled", "succeeded", "cancelled")


def test_a_million_items_take_a_byte_each() -> None:
    items = ItemSet(1_000_000, max_parallel=8)

    for _ in range(1000):
        item, _ = items.take()
        items.settle(item, TaskState.SUCCEEDED)

    assert items.tally(TaskState.SUCCEEDED) == 1000
    assert items.tally(TaskState.PENDING) == 999_000
