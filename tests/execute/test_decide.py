from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import NeedsWorker
from flowpar.core.outcome import TaskFailed
from flowpar.data.store import ValueStore
from flowpar.execute.decide import expand, judge
from flowpar.execute.expansion import Expansion, load_item
from flowpar.execute.recipe import Expand
from flowpar.expr.evaluate import IN_ENGINE
from flowpar.expr.template import Constant, Expression

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTEXTS: Mapping[str, object] = {"inputs": {"n": 3, "text": "abc", "table": {"a": 1}}}


def expression(text: str) -> Expression:
    return Expression(text, text)


def names(**values: object) -> dict[str, Constant | Expression]:
    return {name: value if isinstance(value, Expression) else Constant(value) for name, value in values.items()}


def items(expansion: Expansion, store: ValueStore) -> list[dict[str, Any]]:
    return [
        {name: load_item(data, store.get) for name, data in expansion.item(index).items()}
        for index in range(expansion.count)
    ]


@pytest.fixture
def store(tmp_path: Path) -> ValueStore:
    return ValueStore(tmp_path)


def test_names_advance_together(store: ValueStore) -> None:
    found = expand(Expand(names(row=["a", "b"], weight=expression("range(2)"))), CONTEXTS)

    assert items(found, store) == [{"row": "a", "weight": 0}, {"row": "b", "weight": 1}]
    assert found.verdicts is None


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), max_size=4), min_size=1))
def test_axes_make_every_combination_the_last_one_fastest(axes: dict[str, list[int]]) -> None:
    found = expand(Expand(names(**axes), is_product=True), {})

    wanted = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    assert items(found, ValueStore("")) == wanted


def test_excluded_combinations_are_left_out_and_included_ones_come_last(store: ValueStore) -> None:
    recipe = Expand(
        names(lr=[0.1, 0.2], depth=[3, 5]),
        is_product=True,
        exclude=(names(lr=0.1, depth=5), names(lr=9)),
        include=(names(lr=1.0, depth=1),),
    )

    assert items(expand(recipe, CONTEXTS), store) == [
        {"lr": 0.1, "depth": 3},
        {"lr": 0.2, "depth": 3},
        {"lr": 0.2, "depth": 5},
        {"lr": 1.0, "depth": 1},
    ]


@pytest.mark.parametrize(("is_product", "context"), [(False, "each"), (True, "matrix")])
def test_a_condition_is_asked_for_each_item(*, is_product: bool, context: str) -> None:
    condition = expression(f"{context}.n > 1 and each.index < 3")

    found = expand(Expand(names(n=[1, 2, 3, 4]), is_product=is_product, condition=condition), CONTEXTS)

    assert found.verdicts == [False, True, True, False]


def test_no_values_make_no_items() -> None:
    assert expand(Expand(names(row=[])), CONTEXTS).count == 0
    assert expand(Expand(names(a=[1], b=[]), is_product=True), CONTEXTS).count == 0


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            Expand(names(a=[1], b=[1, 2])),
            'for_each: names advance together and need as many values each: "a" has 1, "b" has 2',
        ),
        (
            Expand(names(a=expression("inputs.text"))),
            "for_each.a: it must be a list, not str; use split(…) for the parts of a text",
        ),
        (
            Expand(names(a=expression("inputs.table"))),
            "for_each.a: it must be a list, not dict; use items(…), keys(…) or values(…)",
        ),
        (
            Expand(names(a={1, 2}), is_product=True),
            "matrix.a: it must be a list, not set; use sorted(…), for a set has no order",
        ),
        (
            Expand(names(a=iter([3]))),
            "for_each.a: it must be a list, not list_iterator; let the function return list(…) of it, or yield",
        ),
        (Expand(names(a=3)), "for_each.a: it must be a list, not int"),
        (Expand(names(a=None)), "for_each.a: it must be a list, not None"),
        (Expand(names(a=expression("inputs.nothing"))), 'for_each.a: inputs has no "nothing"'),
        (
            Expand(names(a=[1], b=[2]), is_product=True, include=(names(a=1),)),
            'matrix: each of "include" gives a value for every axis, and one has no "b"',
        ),
        (
            Expand(names(**{name: range(1000) for name in "abc"}), is_product=True),
            "matrix: 1,000,000,000 items are more than 10,000,000; let an item do several of them",
        ),
        (Expand(names(a=[1]), condition=expression("each.a")), "if: it must be true or false, not int"),
    ],
)
def test_what_makes_no_items_is_explained(recipe: Expand, message: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        expand(recipe, CONTEXTS)

    assert caught.value.failure.message.startswith(message)


def test_rows_of_an_array_are_items(store: ValueStore) -> None:
    found = expand(Expand(names(row=np.arange(6).reshape(3, 2))), {})

    assert [list(item["row"]) for item in items(found, store)] == [[0, 1], [2, 3], [4, 5]]


def test_an_expansion_survives_its_way_to_the_engine_and_large_items_go_by_pointer(store: ValueStore) -> None:
    rows = [np.full(50_000, float(index)) for index in range(3)]
    made = expand(Expand(names(row=rows, name=["a", "b", "c"]), condition=expression("each.index != 1")), {})

    read = Expansion.read(store, store.put_encoded(made.encode(), "1"))

    assert read.verdicts == [True, False, True]
    assert max(map(len, read.item(2).values())) < 1000
    assert [item["name"] for item in items(read, store)] == ["a", "b", "c"]
    assert [float(item["row"][-1]) for item in items(read, store)] == [0.0, 1.0, 2.0]


def test_a_hundred_thousand_items_are_read_one_by_one(store: ValueStore) -> None:
    made = expand(Expand(names(n=range(100_000))), {})
    read = Expansion.read(store, store.put_encoded(made.encode(), "1"))

    assert read.count == 100_000
    assert load_item(read.item(99_999)["n"], store.get) == 99_999


def test_what_the_engine_may_not_do_is_left_to_a_worker() -> None:
    with pytest.raises(NeedsWorker):
        judge(expression("len(glob('*')) > 0"), CONTEXTS, limits=IN_ENGINE)


def test_a_numpy_bool_is_a_verdict() -> None:
    assert judge(Constant(np.bool_(1)), {}) is True


def test_a_bare_list_is_named_as_it_was_written() -> None:
    with pytest.raises(TaskFailed) as caught:
        expand(Expand({"item": Constant(3)}), {})

    assert caught.value.failure.message == "for_each: it must be a list, not int"
