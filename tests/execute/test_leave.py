"""Attempts begin in order, and no more at once than there are slots, those that are not recorded included."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.leave import Leaves


@dataclass(eq=False)
class Attempt:
    """All that leaves know of an attempt."""

    cpu_milli: int
    has_leave: bool = False

    def let_begin(self) -> None:
        assert not self.has_leave
        self.has_leave = True


def taken(attempts: list[Attempt]) -> int:
    return sum(each.cpu_milli for each in attempts)


@given(
    st.integers(1, 4),
    st.lists(st.sampled_from([0, 250, 500, 1000, 1000, 1000, 2000, 5000]), max_size=20),
    st.data(),
)
def test_attempts_begin_in_order_within_the_slots_and_all_of_them(
    slots: int, shares: list[int], data: st.DataObject
) -> None:
    leaves, attempts = Leaves(slots), [Attempt(share) for share in shares]
    waiting, alive, unrecorded = list(attempts), list[Attempt](), list[Attempt]()

    while waiting or alive or unrecorded:
        moves = ["ask"] * bool(waiting) + ["end"] * bool(alive) + ["record"] * bool(unrecorded)
        match data.draw(st.sampled_from(moves)):
            case "ask":
                alive.append(waiting.pop(0))
                leaves.ask(alive[-1])
            case "end":
                ended = alive.pop(data.draw(st.integers(0, len(alive) - 1)))
                if ended.has_leave:
                    unrecorded.append(ended)
                leaves.give_back(ended)
            case _:
                unrecorded.clear()
                leaves.renew()
        begun = [each for each in (*alive, *unrecorded) if each.has_leave and each.cpu_milli]
        assert taken(begun) <= slots * 1000 or len(begun) == 1
        queue = [each.has_leave for each in alive if each.cpu_milli]
        assert not unrecorded or queue == sorted(queue, reverse=True), "one was overtaken"
        assert unrecorded or all(queue[:1]), "nothing is in the way of the first"


def test_what_takes_no_share_begins_at_once() -> None:
    leaves, first, second, free = Leaves(1), Attempt(1000), Attempt(1000), Attempt(0)

    for each in (first, second, free):
        leaves.ask(each)

    assert (first.has_leave, second.has_leave, free.has_leave) == (True, False, True)
