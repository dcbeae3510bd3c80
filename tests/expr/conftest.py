"""A scope and contexts that most tests of expressions share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.types import ANY, BOOL, FLOAT, INT, NONE, PATH, STR, Constant, ListOf, MapOf, OneOf, Record, Type
from flowpar.expr.check import check
from flowpar.expr.evaluate import evaluate
from flowpar.expr.finding import ExpressionError, ExpressionErrors
from flowpar.expr.parse import parse_expression, parse_text
from flowpar.expr.work import IN_WORKER, Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flowpar.expr.template import Expression

WORD = Record("Word", (("word", STR), ("count", INT)), "steps.py", 3)


def task(output: Type) -> Record:
    status = Constant(("succeeded", "failed", "skipped"))
    return Record("task", (("output", output), ("status", status), ("error", ANY), ("items", ListOf(ANY))))


TYPES: Mapping[str, Mapping[str, Type]] = {
    "tasks": {"load-data": task(ListOf(WORD)), "load": task(ANY), "from": task(INT), "_own": task(STR)},
    "inputs": {
        "top": INT,
        "rate": FLOAT,
        "dir": PATH,
        "flag": BOOL,
        "name": STR,
        "maybe": OneOf((INT, NONE)),
        "table": MapOf(STR, INT),
        "any": ANY,
    },
    "env": {"HOME": STR},
    "run": {"id": STR, "dir": STR},
    "each": {"item": WORD, "index": INT, "lr": FLOAT},
}
IDS = {context: tuple(names) for context, names in TYPES.items()}


@dataclass(frozen=True)
class FakeScope:
    """A scope over `TYPES`; what is not in it belongs somewhere else."""

    types: Mapping[str, Mapping[str, Type]] = field(default_factory=lambda: TYPES)
    present: frozenset[str] = frozenset()

    def member(self, context: str, name: str) -> Type | None:
        return self.types[context].get(name)

    def members(self, context: str) -> Collection[str]:
        return self.types.get(context, {})

    def why_absent(self, context: str) -> str | None:
        return None if context in self.types else "it belongs to another place"


class Expressions:
    """Parses, checks and evaluates against the ids and types above."""

    ids = IDS
    scope = FakeScope()

    def parse(self, text: str) -> Expression:
        return parse_expression(text, IDS)

    def findings(self, text: str) -> list[tuple[str, str, str]]:
        """Return (code, the marked text, message and hint) of all that is wrong with an expression."""
        try:
            expression = parse_expression(text, IDS)
        except ExpressionErrors as error:
            return [_shown(text, one) for one in error.errors]
        return [_shown(text, one) for one in check(expression, FakeScope())[1]]

    def type_of(self, text: str) -> Type:
        kind, errors = check(parse_expression(text, IDS), FakeScope())
        assert errors == []
        return kind

    def value(self, text: str, limits: Limits = IN_WORKER, **contexts: Any) -> Any:
        return evaluate(parse_expression(text, IDS), contexts, limits=limits)

    def text(self, text: str, **contexts: Any) -> Any:
        return evaluate(parse_text(text, IDS), contexts)


def _shown(text: str, error: ExpressionError) -> tuple[str, str, str]:
    return error.code, text[error.start : error.end], error.message + (f"; {error.hint}" if error.hint else "")


@pytest.fixture(scope="session")
def expr() -> Expressions:
    return Expressions()
