"""What travels to workers is the same when it comes out of its pickle, whoever its base is."""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.execute.recipe import Bindings, Call, FailureView, Shared, TaskView
from flowpar.expr.template import Constant, Expression, ListTemplate, MapTemplate, Text

if TYPE_CHECKING:
    from flowpar.core.packed import Packed

VALUE = ValueRef(3, "sha256:00", is_plain=True, inline=b"abc")
SAID = Expression("tasks.a.output", "tasks.a.output")
TRAVELLERS = [
    VALUE,
    ValueRef(9, "sha256:01", is_plain=False, file="values/1.val", stamp="7:8"),
    SAID,
    Constant({"a": [1, None]}),
    Text(("a ", SAID)),
    ListTemplate((SAID, Constant(1))),
    MapTemplate((("a", SAID),)),
    Call("m:f", {"a": SAID}, {"B": Constant("c")}, Constant("d")),
    Shared("r", "/r", "w", "/w", ("/p",), {"n": 1}, outputs_address="x", outputs_key=b"k"),
    TaskView("succeeded", VALUE, item_states=("failed",), item_errors={0: FailureView("exit", "", "", 1, 2, "")}),
    Bindings({"a": TaskView("succeeded", VALUE)}, {"row": b"1"}, 3, is_matrix=True, run={"status": "x"}),
]


@pytest.mark.parametrize("value", TRAVELLERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("protocol", [4, 5])
def test_it_comes_out_as_it_went_in(value: Packed, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("value", TRAVELLERS, ids=lambda value: type(value).__name__)
def test_it_is_made_from_all_its_fields_in_their_order(value: Packed) -> None:
    _, given = value.__reduce__()

    assert given == tuple(getattr(value, field.name) for field in fields(value))  # type: ignore[arg-type]
