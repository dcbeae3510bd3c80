"""Nothing in an expression takes long or grows large, in a worker nor in the engine."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.errors import NeedsWorker
from flowpar.expr.evaluate import IN_ENGINE, EvaluationError, Limits

if TYPE_CHECKING:
    from tests.expr.conftest import Expressions

SMALL = Limits(steps=200_000)

DOUBLED = "[1]"
for _level in range(20):
    DOUBLED = f"[[x{_level}, x{_level}] for x{_level} in {DOUBLED}]"


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 1000000000000",
        "10 * 'x' * 1000000000",
        "[0] * 1000000000000",
        "1000000000000 * [0]",
        "range(1000000000000)",
        "range(-1000000000000, 10000000000000000000000000000)",
        "range(100000000000, 0, -1)",
        "[[x for x in range(1000)] for y in range(1000)]",
        "[[0] * 100000 for x in range(1000)]",
        "['x' * 1000000 for x in range(1000)]",
        "replace('x' * 1000, 'x', 'y' * 100000)",
        "replace('x' * 1000, '', 'y' * 100000)",
        "join(['x' * 1000] * 100000)",
        "join(['x', 'x'] * 10000, 'y' * 1000)",
        "str([['x' * 1000] * 1000] * 100)",
        "json([['x' * 1000] * 1000] * 100)",
        "[['x'] * 1000] * 1000 == [['x'] * 1000] * 1000",
        f"{DOUBLED} == {DOUBLED}",
        f"{DOUBLED} < {DOUBLED}",
        f"{{str({DOUBLED}): 1}}",
        f"unique([{DOUBLED}])",
        "flatten([[1] * 1000] * 1000)",
        "sorted([[1] * 1000] * 1000)",
        "unique([[x] for x in range(2000)])",
        "matches('a' * 100000, '(a*)*(b|c)$')",
        "split('a ' * 1000000)",
        "sum(inputs.endless)",
        "[x for x in inputs.endless]",
    ],
)
def test_too_much_work_is_refused_before_it_is_done(text: str, expr: Expressions) -> None:
    """Without the bound it would take minutes, or all the memory."""
    with pytest.raises(EvaluationError, match="more than 200,000 steps"):
        expr.value(text, SMALL, inputs={"endless": itertools.count()})


@pytest.mark.parametrize(
    "text", ["[x for x in range(9999) if [y for y in range(9999)]]", "matches('a' * 100000, '(a*)*b')", "glob('**')"]
)
def test_the_engine_leaves_what_takes_long_to_a_worker(text: str, expr: Expressions) -> None:
    with pytest.raises(NeedsWorker):
        expr.value(text, IN_ENGINE)


def test_the_engine_does_what_is_quick(expr: Expressions) -> None:
    assert expr.value("matches('release/1', '^release/') and len(range(100)) == 100", IN_ENGINE) is True


@pytest.mark.parametrize("text", [" * ".join(["9" * 1000] * 9), "int('9' * 5000)", "9" * 2000 + " + 1.5"])
def test_numbers_do_not_grow_without_end(text: str, expr: Expressions) -> None:
    with pytest.raises(EvaluationError, match=r"too large|not a whole number|OverflowError"):
        expr.value(text)


def test_other_whole_numbers_do_not_repeat_without_end(expr: Expressions) -> None:
    numpy = pytest.importorskip("numpy")

    with pytest.raises(EvaluationError, match="more than 200,000 steps"):
        expr.value("[0] * inputs.any", SMALL, inputs={"any": numpy.int64(10**12)})


def test_an_ordinary_amount_of_work_is_no_trouble(expr: Expressions) -> None:
    rows = [{"name": f"n{number}", "ok": number % 2 == 0} for number in range(100_000)]

    names = expr.value("[row.name for row in inputs.any if row.ok]", inputs={"any": rows})

    assert len(names) == 50_000


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text", ["str(inputs.any)", "json(inputs.any)", "inputs.any == inputs.other", "from_json('[' * 50000)"]
)
def test_values_nested_without_end_are_an_error_like_any_other(text: str, expr: Expressions) -> None:
    contexts = {"any": nested(50_000), "other": nested(50_000)}

    with pytest.raises(EvaluationError, match="nested too deeply"):
        expr.value(text, inputs=contexts)


def test_long_chains_within_the_limit_are_evaluated(expr: Expressions) -> None:
    assert expr.value(" + ".join(["1"] * 90)) == 90
    assert expr.value(" and ".join(["True"] * 900)) is True
    assert expr.value("[" * 90 + "1" + "]" * 90 + "[0]" * 5) is not None
