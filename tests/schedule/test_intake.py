"""What feeds a fan-out comes in any order; an item is there when each of its values is."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import ValueRef
from flowpar.execute.expansion import Expansion, load_item
from flowpar.schedule.intake import Intake


def ref(value: object) -> ValueRef:
    data = pickle.dumps(value, 5)
    return ValueRef(len(data), f"sum:{value}", is_plain=True, inline=data)


def opened(data: bytes) -> object:
    return load_item(data, lambda found: pickle.loads(found.inline or b""))


@given(st.integers(0, 12), st.integers(1, 3), st.randoms())
def test_an_item_is_complete_once_whatever_the_order(count: int, width: int, random: object) -> None:
    sources = [f"s{number}" for number in range(width)]
    arrivals = [(source, index) for source in sources for index in range(count)]
    random.shuffle(arrivals)  # type: ignore[attr-defined]
    intake, complete = Intake(["x", *sources], {"x": "s0", **{s: s for s in sources}}), list[int]()

    for source, index in arrivals:
        if intake.take(source, index, ref((source, index))):
            complete.append(index)
            assert opened(intake.item(index)["x"]) == ("s0", index)
    for source in sources:
        assert not intake.is_over
        intake.end(source, count)

    assert sorted(complete) == list(range(count))
    assert intake.is_over
    assert intake.mismatch() is None


def test_names_that_are_known_beforehand_come_along() -> None:
    intake = Intake(["x", "w"], {"x": "a"})
    assert intake.take("a", 1, ref(7))
    intake.early.append(1)

    assert intake.settle(Expansion.of({"w": [0.1, 0.2]})) == [1]

    assert {name: opened(data) for name, data in intake.item(1).items()} == {"x": 7, "w": 0.2}


def test_an_item_without_a_value_is_none() -> None:
    intake = Intake(["x"], {"x": "a"})
    intake.take("a", 0, None)

    assert opened(intake.item(0)["x"]) is None


def test_unequal_lengths_are_told_as_soon_as_they_are_known() -> None:
    intake = Intake(["x", "y", "w"], {"x": "a", "y": "b"})
    intake.settle(Expansion.of({"w": [1, 2]}))
    intake.take("a", 1, ref(1))
    assert intake.mismatch() is None

    intake.take("a", 2, ref(1))

    assert intake.mismatch() == '"w" has 2, "x" has more than 2, "y" has more than 2'
    intake.end("a", 3)
    intake.end("b", 2)
    assert intake.mismatch() == '"x" has 3, "y" has 2, "w" has 2'


def digest_of(value: ValueRef) -> str:
    intake = Intake(["x"], {"x": "a"})
    intake.take("a", 0, value)
    return intake.digest(0)


def test_the_digest_is_that_of_the_value_or_of_its_encoding_where_it_is_not_plain() -> None:
    large = ValueRef(1 << 20, "sum:large", is_plain=False, file="values/1.val")
    other = ValueRef(1 << 20, "sum:other", is_plain=False, file="values/2.val")

    assert digest_of(ref(5)) == Expansion.of({"x": [5]}).digest(0)
    assert digest_of(large) == digest_of(large)
    assert digest_of(large) != digest_of(other)


def test_what_ended_is_forgotten() -> None:
    intake = Intake(["x"], {"x": "a"})
    for index in range(100):
        intake.take("a", index, ref(index))
        intake.drop(index)

    assert not intake._values  # noqa: SLF001 - that nothing is left cannot be seen otherwise
