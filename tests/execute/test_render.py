from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydantic
import pytest

from flowpar.core.outcome import TaskFailed
from flowpar.execute.render import render, to_plain
from flowpar.expr.template import Constant, Expression, Template


class Colour(enum.Enum):
    RED = 1


class Mode(enum.StrEnum):
    FAST = "fast"


class Pair(NamedTuple):
    left: int
    right: Path


@dataclass
class Row:
    name: str
    at: dt.date


class Model(pydantic.BaseModel):
    path: Path
    tags: set[str]


class Opaque:
    pass


def nowhere(_: object) -> str:
    raise AssertionError("nothing is to be put apart")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        ("x", "x"),
        ("\ud800", "\\ud800"),
        (Path("a/b"), "a/b"),
        (dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC), "2024-05-01T12:00:00+00:00"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (decimal.Decimal("1.10"), "1.10"),
        (Colour.RED, "RED"),
        (Mode.FAST, "fast"),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (range(2), [0, 1]),
        (Pair(1, Path("p")), {"left": 1, "right": "p"}),
        (Row("n", dt.date(2024, 5, 1)), {"name": "n", "at": "2024-05-01"}),
        (Model(path=Path("p"), tags={"b", "a"}), {"path": "p", "tags": ["a", "b"]}),
        ({1: "a", None: "b", Colour.RED: "c", (1, 2): "d"}, {"1": "c", "null": "b", "(1, 2)": "d"}),
        (np.float64(1.5), 1.5),
        (np.int32(4), 4),
        (np.bool_(0), False),
        (np.array(2), 2),
        (np.float32("nan"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_become_json(value: object, wanted: object) -> None:
    plain = to_plain(value, nowhere)

    assert plain == wanted
    assert json.loads(json.dumps(plain)) == plain


def test_what_json_cannot_hold_is_put_apart_with_its_class() -> None:
    kept: list[object] = []

    def keep(value: object) -> str:
        kept.append(value)
        return f"values/{len(kept)}.val"

    plain = to_plain({"a": [b"x"], "b": Opaque()}, keep)

    assert plain == {
        "a": [{"$type": "bytes", "$value": "values/1.val"}],
        "b": {"$type": f"{__name__}.Opaque", "$value": "values/2.val"},
    }
    assert [type(value).__name__ for value in kept] == ["bytes", "Opaque"]


def test_every_output_without_a_value_is_named() -> None:
    endless: list[object] = []
    endless.append(endless)
    outputs: dict[str, Template] = {
        "good": Constant(1),
        "rows": Expression("inputs.rows", "inputs.rows"),
        "endless": Constant(endless),
    }

    with pytest.raises(TaskFailed) as caught:
        render(outputs, {"inputs": {}}, nowhere)

    message = caught.value.failure.message
    assert 'output "rows": inputs has no "rows"' in message
    assert 'output "endless": it is nested too deeply for JSON, or holds itself' in message
    assert "good" not in message
