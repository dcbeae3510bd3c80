"""The key of each item: plain, and no two alike."""

from __future__ import annotations

import pytest

from flowpar.core.outcome import TaskFailed
from flowpar.data.codec import decode_plain
from flowpar.execute.decide import expand
from flowpar.execute.expansion import Expansion
from flowpar.execute.recipe import Expand
from flowpar.expr.parse import parse_condition
from flowpar.expr.template import Constant


def keys_of(values: list[object], key: str, *, condition: str | None = None) -> Expansion:
    ids = {"each": ("item", "index", "key"), "matrix": ()}
    asked = None if condition is None else parse_condition(condition, ids)
    return expand(Expand({"item": Constant(values)}, key=parse_condition(key, ids), condition=asked), {})


def test_each_item_has_its_key() -> None:
    found = keys_of(["a", "b"], "upper(each.item)")

    assert found.keys == ["A", "B"]
    assert Expansion.opened({**_parts(found)}).keys == ["A", "B"]


def _parts(found: Expansion) -> dict[str, object]:
    return dict(decode_plain(found.encode().join()))  # type: ignore[call-overload, no-any-return]


def test_numbers_and_bools_are_keys_of_their_own() -> None:
    assert keys_of([1, True, 1.5, "1"], "each.item").keys == [1, True, 1.5, "1"]


def test_two_items_with_one_key_are_both_named() -> None:
    with pytest.raises(TaskFailed) as caught:
        keys_of(["a", "b", "a"], "each.item")

    assert caught.value.failure.message == 'key: items 0 and 2 have the same, "a"'


def test_a_key_that_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TaskFailed) as caught:
        keys_of(["a", ["b"]], "each.item")

    assert caught.value.failure.message == "key: that of item 1 must be text, a number or true or false, not list"


def test_an_if_may_ask_for_the_key() -> None:
    assert keys_of([3, 4], "each.item * 2", condition="each.key > 6").verdicts == [False, True]
