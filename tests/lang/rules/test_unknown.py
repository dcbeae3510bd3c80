"""What a strict check says about what nobody can check."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Strict = Callable[[str], list[str]]

STEPS = """
    from typing import Any
    import numpy as np
    def load(path: str): return [1]
    def names() -> list: return []
    def meant() -> list[Any]: ...
    def array() -> np.ndarray: ...
    def total(xs: list[int]) -> int: ...
    def untyped(xs, k=1) -> int: ...
    def takes(a: np.ndarray, b: Any = None) -> int: ...
    def wrap(f): return lambda *a: f(*a)
    @wrap
    def hidden(x: int) -> int: ...
"""


@pytest.fixture
def strict(tmp_path: Path) -> Strict:
    """Return a function that gives "line code" of what a strict check finds and a plain one does not."""

    def strict(text: str) -> list[str]:
        (tmp_path / "steps.py").write_text(textwrap.dedent(STEPS))
        file = tmp_path / "workflow.yaml"
        file.write_text("flowpar: 1\n" + textwrap.dedent(text).lstrip())
        registry = Registry(allows_plugins=False)
        plain = set(check(file, registry=registry).diagnostics)
        found = check(file, registry=registry, is_strict=True).diagnostics
        assert plain <= set(found)
        return [f"{one.span.line} {one.code} {len(one.labels)}" for one in found if one not in plain]

    return strict


def test_each_unannotated_return_that_is_read_is_told_once(strict: Strict) -> None:
    found = strict("""
        tasks:
          load: {python: "steps:load", with: {path: a}}
          again: {python: "steps:load", with: {path: b}}
          unread: {python: "steps:hidden", with: {x: 1}}
          total: {python: "steps:total", with: {xs: "${{ tasks.load.output }}"}}
          total2: {python: "steps:total", with: {xs: "${{ tasks.again.output }}"}}
    """)

    assert found == ["3 FP710 1"]


def test_a_signature_that_a_decorator_hides_is_told(strict: Strict) -> None:
    found = strict("""
        tasks:
          hidden: {python: "steps:hidden", with: {x: 1}}
        outputs:
          x: ${{ tasks.hidden.output }}
    """)

    assert found == ["3 FP710 1"]


def test_each_unannotated_parameter_that_is_given_something_is_told_once(strict: Strict) -> None:
    found = strict("""
        tasks:
          one: {python: "steps:untyped", with: {xs: 1}}
          two:
            python: steps:untyped
            with:
              xs: 2
              k: 3
    """)

    assert found == ["3 FP711 1", "8 FP711 1"]


def test_what_is_not_known_of_an_argument_is_told_once_for_each_cause(strict: Strict) -> None:
    found = strict("""
        inputs:
          data: {type: any, default: [1]}
          rows: {type: list, default: [1]}
        tasks:
          names: {python: "steps:names"}
          one: {python: "steps:total", with: {xs: "${{ tasks.names.output }}"}}
          two: {python: "steps:total", with: {xs: "${{ inputs.data }}"}}
          three: {python: "steps:total", with: {xs: "${{ inputs.rows }}"}}
          four: {python: "steps:total", with: {xs: "${{ inputs.data }}"}}
          five: {python: "steps:total", with: {xs: "${{ from_json('[1]') }}"}}
    """)

    assert found == ["7 FP712 2", "8 FP712 1", "9 FP712 1", "11 FP712 1"]


def test_nothing_is_said_where_any_is_meant_or_nothing_is_asked(strict: Strict) -> None:
    found = strict("""
        tasks:
          meant: {python: "steps:meant"}
          array: {python: "steps:array"}
          total: {python: "steps:total", with: {xs: "${{ tasks.meant.output }}"}}
          takes: {python: "steps:takes", with: {a: "${{ tasks.array.output }}", b: "${{ from_json('1') }}"}}
          none: {python: "steps:total", with: {xs: []}}
    """)

    assert found == []
