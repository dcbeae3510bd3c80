"""Attempts made in this process, on files of a temporary workflow folder."""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import Failure, Success
from flowpar.data.store import ValueStore
from flowpar.execute.attempt import make_attempt
from flowpar.execute.base import Job
from flowpar.execute.inline_worker import Before
from flowpar.execute.recipe import Bindings, Call, Shared
from flowpar.expr.template import Constant, Expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flowpar.execute.recipe import Recipe
    from flowpar.expr.template import Template


def expression(text: str) -> Expression:
    return Expression(text, text)


@contextmanager
def everything_put_back() -> Iterator[None]:
    before, modules = Before.now(), set(sys.modules)
    try:
        yield
    finally:
        before.restore()
        for name in set(sys.modules) - modules:
            if not name.startswith("flowpar"):
                del sys.modules[name]


@dataclass
class Bench:
    """Makes attempts as a worker would and keeps what they say."""

    folder: Path
    shared: Shared
    said: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    bindings: Bindings = field(default_factory=Bindings)
    item: int | None = None
    is_isolated: bool = True
    number: int = 0

    @classmethod
    def at(cls, folder: Path) -> Bench:
        run_dir = folder / "run"
        run_dir.mkdir()
        (folder / "work").mkdir()
        shared = Shared("run-1", str(run_dir), "words", str(folder / "work"), (), {"top": 3})
        return cls(folder, shared)

    @property
    def store(self) -> ValueStore:
        return ValueStore(self.shared.run_dir)

    def share(self, **changes: Any) -> None:
        self.shared = replace(self.shared, **changes)

    def module(self, name: str, text: str) -> None:
        path = self.folder / "work" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def outcome(self, recipe: Recipe) -> Success | Failure:
        self.number += 1
        job = Job(
            number=self.number,
            task="count",
            item=self.item,
            attempt=2,
            shared=pickle.dumps(self.shared),
            recipe=pickle.dumps(recipe),
            bindings=pickle.dumps(self.bindings),
            log_file=os.devnull,
            grace_s=1.0,
        )
        outcome, warnings = make_attempt(
            job, post=lambda kind, body: self.said.append((kind, body)), is_isolated=self.is_isolated
        )
        assert warnings == ()
        return outcome

    def call(
        self, target: str, *, cwd: str | None = None, env: Mapping[str, Template] | None = None, **given: Any
    ) -> Any:
        outcome = self.outcome(self.recipe(target, given, cwd=cwd, env=env))
        assert isinstance(outcome, Success), outcome
        return self.store.get(outcome.value)

    def failure(
        self, target: str, *, cwd: str | None = None, env: Mapping[str, Template] | None = None, **given: Any
    ) -> Failure:
        outcome = self.outcome(self.recipe(target, given, cwd=cwd, env=env))
        assert isinstance(outcome, Failure), outcome
        return outcome

    @staticmethod
    def recipe(
        target: str, given: Mapping[str, Any], *, cwd: str | None = None, env: Mapping[str, Template] | None = None
    ) -> Call:
        arguments = {name: value if isinstance(value, Expression) else Constant(value) for name, value in given.items()}
        return Call(target, arguments, env or {}, None if cwd is None else Constant(cwd))
