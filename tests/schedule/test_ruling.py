"""The engine decides on plain data, and leaves to a worker what is not, is large, or is the worker's own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import Failure, FailureKind, ValueRef
from flowpar.data.store import ValueStore
from flowpar.execute.decide import expand
from flowpar.execute.expansion import Expansion
from flowpar.execute.recipe import Expand, FailureView, Shared, TaskView
from flowpar.expr.parse import parse_condition, parse_text
from flowpar.planning.model import FanOut
from flowpar.schedule.decision import NOT_HERE
from flowpar.schedule.ruling import EngineDecisions
from flowpar.testing.crew import FakeOutputs
from flowpar.testing.simulation import planned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.expr.template import Template
    from flowpar.planning.model import PlannedTask

IDS = {"tasks": ("up", "many"), "inputs": ("n",), "each": ("x",), "matrix": ("a", "b"), "env": (), "run": ("id", "dir")}


@dataclass(frozen=True)
class Thing:
    """A class of a user's, which the engine must not open."""

    size: int


@dataclass
class Bench:
    """Decisions over the values of a folder."""

    store: ValueStore
    outputs: FakeOutputs = field(default_factory=FakeOutputs)
    views: dict[str, TaskView] = field(default_factory=dict)

    @property
    def decisions(self) -> EngineDecisions:
        shared = Shared("run-1", "/nowhere", "name", "/nowhere", (), {"n": 3})
        return EngineDecisions(shared, self.store, lambda: self.outputs)

    def keep(self, value: object) -> None:
        self.views["up"] = TaskView("succeeded", self.store.put(value, "up"))

    def judge(self, condition: str) -> object:
        return self.decisions.judge(planned("t", condition=parse_condition(condition, IDS)), self.views)

    def expand(self, task: PlannedTask) -> object:
        return self.decisions.expand(task, self.views)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(ValueStore(tmp_path))


def mapped(*, condition: str | None = None, is_product: bool = False, **names: str) -> PlannedTask:
    templates: Mapping[str, Template] = {name: parse_text(text, IDS) for name, text in names.items()}
    when = None if condition is None else parse_condition(condition, IDS)
    fan_out = FanOut(templates, is_product=is_product)
    return planned("t", fan_out=fan_out, condition=when, condition_is_per_item=when is not None)


@pytest.mark.parametrize(("condition", "verdict"), [("inputs.n > 2", True), ("inputs.n > 3", False)])
def test_a_condition_on_inputs_is_judged(bench: Bench, condition: str, verdict: object) -> None:
    assert bench.judge(condition) is verdict


def test_a_condition_on_a_plain_output_is_judged(bench: Bench) -> None:
    bench.keep({"rows": [1, 2, 3]})

    assert bench.judge("len(tasks.up.output.rows) == 3") is True


def test_a_condition_on_an_error_is_judged(bench: Bench) -> None:
    bench.views["up"] = TaskView("failed", error=FailureView("exit", "exit", "exited", 1, 75, ""))

    assert bench.judge("tasks.up.status == 'failed' and tasks.up.error.exit_code == 75") is True


def test_a_value_of_a_users_class_is_left_to_a_worker(bench: Bench) -> None:
    bench.keep(Thing(3))

    assert bench.judge("tasks.up.output.size == 3") is NOT_HERE
    assert bench.judge("tasks.up.status == 'succeeded'") is True


def test_a_large_value_is_left_to_a_worker(bench: Bench) -> None:
    bench.keep(list(range(1_000_000)))

    assert bench.judge("len(tasks.up.output) > 0") is NOT_HERE


@pytest.mark.parametrize("condition", ["env.HOME == 'x'", "len(glob('*')) > 0"])
def test_what_only_workers_know_or_may_take_long_is_left_to_them(bench: Bench, condition: str) -> None:
    assert bench.judge(condition) is NOT_HERE


@pytest.mark.parametrize("condition", ["tasks.up.output.size > 1", "inputs.n // 0 == 1", "inputs.n"])
def test_a_condition_without_a_verdict_is_a_failure(bench: Bench, condition: str) -> None:
    bench.keep({"rows": 1})

    failure = bench.judge(condition)

    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.EXPRESSION
    assert failure.message.startswith("if: ")


def test_outputs_of_items_are_looked_up(bench: Bench) -> None:
    bench.outputs.update({("many", item): bench.store.put(item * 10, f"m{item}") for item in range(3)})
    bench.views["many"] = TaskView("succeeded", is_managed=True, item_states=("succeeded", "skipped", "succeeded"))

    assert bench.judge("tasks.many.output == [0, None, 20]") is True


def test_very_many_outputs_are_left_to_a_worker(bench: Bench) -> None:
    bench.views["many"] = TaskView("succeeded", is_managed=True, item_states=("succeeded",) * 1_001)

    assert bench.judge("len(tasks.many.output) > 0") is NOT_HERE


def test_items_are_expanded_from_a_plain_list(bench: Bench) -> None:
    bench.keep(["a", "b"])

    items = bench.expand(mapped(x="${{ tasks.up.output }}"))

    assert isinstance(items, Expansion)
    assert items.count == 2
    assert pickle.loads(items.item(1)["x"]) == "b"
    assert items.verdicts is None


def test_a_condition_for_each_item_gives_verdicts(bench: Bench) -> None:
    items = bench.expand(mapped(condition="each.x > 1", x="${{ range(4) }}"))

    assert isinstance(items, Expansion)
    assert items.verdicts == [False, False, True, True]


def test_a_matrix_is_a_product(bench: Bench) -> None:
    items = bench.expand(mapped(is_product=True, a="${{ range(2) }}", b="${{ range(3) }}"))

    assert isinstance(items, Expansion)
    assert items.count == 6


def test_names_of_unequal_length_are_a_failure(bench: Bench) -> None:
    failure = bench.expand(mapped(x="${{ range(2) }}", y="${{ range(3) }}"))

    assert isinstance(failure, Failure)
    assert '"x" has 2, "y" has 3' in failure.message


def test_a_list_of_users_objects_is_left_to_a_worker(bench: Bench) -> None:
    bench.keep([Thing(1), Thing(2)])

    assert bench.expand(mapped(x="${{ tasks.up.output }}")) is NOT_HERE


def test_what_a_worker_expanded_is_read_without_opening_items(bench: Bench) -> None:
    bench.keep([Thing(1), Thing(2)])
    recipe = Expand({"x": parse_text("${{ inputs.n }}", IDS)})
    made = expand(recipe, {"inputs": {"n": [Thing(1), Thing(2)]}})

    items = bench.decisions.read_expanded(bench.store.put_encoded(made.encode(), "expansion"))

    assert not isinstance(items, Failure)
    assert items.count == 2
    assert pickle.loads(items.item(1)["x"]) == Thing(2)


@pytest.mark.parametrize("value", [True, False])
def test_what_a_worker_judged_is_read(bench: Bench, *, value: bool) -> None:
    assert bench.decisions.read_judged(bench.store.put(value, "verdict")) is value


def test_a_verdict_that_is_none_is_a_failure(bench: Bench) -> None:
    assert isinstance(bench.decisions.read_judged(bench.store.put("yes", "verdict")), Failure)
    assert isinstance(bench.decisions.read_rendered(bench.store.put(7, "text")), Failure)


def test_a_planted_value_is_not_opened(bench: Bench) -> None:
    planted = pickle.dumps(Thing(1))
    ref = ValueRef(len(planted), "sha256:0", is_plain=True, inline=planted)

    failure = bench.decisions.read_judged(ref)

    assert isinstance(failure, Failure)
    assert "cannot be read" in failure.message
