"""docs/expressions.md shows each function with an example, and each example is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.expr.functions import FUNCTIONS

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
ROW = re.compile(
    r"^\| `(?P<signature>\w+\(.*?\))` \| [^|]+ \| `(?P<example>[^|]+)` \| `(?P<value>[^|]+)` \|$", re.MULTILINE
)
ROWS = [row.groupdict() for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def test_every_function_is_on_the_page_once_with_its_signature() -> None:
    assert sorted(row["signature"] for row in ROWS) == sorted(map(str, FUNCTIONS.values()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["signature"])
def test_examples_are_true_and_use_their_function(row: dict[str, str], expr: Expressions) -> None:
    assert expr.value(row["example"]) == ast.literal_eval(row["value"])
    assert expr.findings(row["example"]) == []
    assert f"{row['signature'].split('(')[0]}(" in row["example"]
