from __future__ import annotations

import ast

import pytest

from flowpar.expr.presence import place_of, present_when


def tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "place"),
    [("x", "x"), ("a.b", "a.b"), ('a["b"].c', "a.b.c"), ("a[0].c", "a.0.c"), ("f(x).y", None), ("a[i]", None)],
)
def test_a_place_has_one_name_however_it_is_written(text: str, place: str | None) -> None:
    assert place_of(tree(text)) == place


@pytest.mark.parametrize(
    ("condition", "is_true", "places"),
    [
        ("x is not None", True, {"x"}),
        ("x is not None", False, set()),
        ("x is None", False, {"x"}),
        ("x != None", True, {"x"}),
        ("x == 3", True, {"x"}),
        ("not (x is None)", True, {"x"}),
        ("x", True, {"x"}),
        ("x", False, set()),
        ("a.b is not None", True, {"a", "a.b"}),
        ("x and y is not None", True, {"x", "y"}),
        ("x and y", False, set()),
        ("x is None or y is None", False, {"x", "y"}),
        ("x or y", True, set()),
        ("'k' in m", True, {"m", "m.k"}),
        ("'k' not in m", False, set()),
        ("default(a.b, None) is not None", True, {"a", "a.b"}),
        ("default(a.b, 3) is not None", True, set()),
        ("bool(x)", True, {"x"}),
        ("x > 3", True, set()),
    ],
)
def test_a_condition_proves_what_is_there(condition: str, is_true: bool, places: set[str]) -> None:  # noqa: FBT001
    assert present_when(tree(condition), is_true=is_true) == places
