from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.data.codec import decode, encode
from flowpar.execute.contexts import build_contexts
from flowpar.execute.recipe import Bindings, FailureView, Shared, TaskView
from flowpar.expr.evaluate import evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.template import Expression

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARED = Shared("run-1", "/run", "words", "/work", (), {"top": 3})
ERROR = FailureView("exception", "ValueError", "bad", 2, None, "")


def ref(value: object) -> ValueRef:
    data = encode(value).join()
    return ValueRef(len(data), "", is_plain=True, inline=data)


class Reader:
    """Counts what is loaded and fetched."""

    def __init__(self, bindings: Bindings, managed: dict[tuple[str, int | None], ValueRef] | None = None) -> None:
        self.loads = 0
        self.fetched: list[Sequence[tuple[str, int | None]]] = []
        self._managed = managed or {}
        self._contexts = build_contexts(
            SHARED, bindings, load=self._load, fetch=self._fetch, environment={"HOME": "/home"}
        )

    def _load(self, ref: ValueRef) -> object:
        self.loads += 1
        return decode(ref.inline or b"")

    def _fetch(self, keys: Sequence[tuple[str, int | None]]) -> list[ValueRef | None]:
        self.fetched.append(keys)
        return [self._managed.get(key) for key in keys]

    def __call__(self, text: str) -> Any:
        return evaluate(Expression(text, text), self._contexts)


def test_what_the_run_and_the_workflow_are_called_can_be_read() -> None:
    read = Reader(Bindings(run={"status": "failed", "failed": ["a"]}))

    assert read("[inputs.top, env.HOME, run.id, run.dir, workflow.name, workflow.dir]") == [
        3,
        "/home",
        "run-1",
        "/run",
        "words",
        "/work",
    ]
    assert read("run.status + run.failed[0]") == "faileda"


def test_an_output_is_loaded_when_it_is_read_and_only_once() -> None:
    read = Reader(Bindings(tasks={"a": TaskView("succeeded", ref({"x": 1})), "b": TaskView("succeeded", ref(2))}))

    assert read("tasks.a.status") == "succeeded"
    assert read.loads == 0
    assert read("tasks.a.output.x + tasks.a.output['x']") == 2
    assert read("tasks.a.output.x") == 1
    assert read.loads == 1


def test_outputs_that_did_not_travel_are_looked_up_a_hundred_at_once_and_each_of_them_once() -> None:
    views = {f"t{number}": TaskView("succeeded", is_managed=True) for number in range(300)}
    read = Reader(Bindings(tasks=views), {(task, None): ref(task) for task in views})

    assert read("tasks.t7.output") == "t7"
    assert [read(f"tasks.{task}.output") for task in views] == list(views)
    assert len(read.fetched) == 3
    assert sorted(key for keys in read.fetched for key in keys) == sorted((task, None) for task in views)


def test_an_output_that_is_no_longer_there_is_said_of_the_task_that_is_read() -> None:
    views = {name: TaskView("succeeded", is_managed=True) for name in ("gone", "kept")}
    read = Reader(Bindings(tasks=views), {("kept", None): ref(1)})

    assert read("tasks.kept.output") == 1
    with pytest.raises(EvaluationError, match='the output of task "gone" is no longer there'):
        read("tasks.gone.output")


def test_managed_outputs_of_items_come_in_order_with_none_in_the_gaps() -> None:
    states = ("succeeded", "failed", "succeeded", "skipped")
    view = TaskView("succeeded", is_managed=True, item_states=states, item_errors={1: ERROR})
    read = Reader(Bindings(tasks={"a": view}), {("a", 0): ref("x"), ("a", 2): ref("z")})

    assert read("tasks.a.output") == ["x", None, "z", None]
    assert read.fetched == [[("a", 0), ("a", 2)]]
    assert read("[item.status for item in tasks.a.items]") == list(states)
    assert read("tasks.a.items[1].error.message") == "bad"
    assert read("tasks.a.items[0].error") is None


def test_a_managed_output_of_a_task_is_fetched() -> None:
    read = Reader(Bindings(tasks={"a": TaskView("succeeded", is_managed=True)}), {("a", None): ref([1])})

    assert read("tasks.a.output[0]") == 1


def test_an_output_that_is_not_there_is_missing() -> None:
    read = Reader(Bindings(tasks={"a": TaskView("failed", error=ERROR)}))

    with pytest.raises(EvaluationError, match='task "a" has no output: it is failed'):
        read("tasks.a.output")
    assert read("default(tasks.a.output, 'none')") == "none"
    assert read("tasks.a.error.kind") == "exception"
    assert read.loads == 0


def test_a_fan_out_that_never_began_has_no_items() -> None:
    read = Reader(Bindings(tasks={"a": TaskView("skipped")}))

    assert read("[item.status for item in tasks.a.items]") == []
    assert read("default(tasks.a.items[0].status, 'none')") == "none"


def test_a_managed_output_that_was_lost_is_an_error_and_no_default() -> None:
    read = Reader(Bindings(tasks={"a": TaskView("succeeded", is_managed=True)}))

    with pytest.raises(EvaluationError, match=r'output of task "a" is no longer there'):
        read("default(tasks.a.output, 1)")


def test_each_and_matrix_decode_what_is_read() -> None:
    each = {"row": encode({"n": 1}).join(), "unread": b"not an encoding"}
    of_each, of_matrix = Reader(Bindings(each=each, index=4)), Reader(Bindings(each=each, index=4, is_matrix=True))

    assert of_each("[each.row.n, each.index]") == [1, 4]
    assert of_each.loads == 1
    assert of_matrix("[matrix.row.n, each.index]") == [1, 4]
    with pytest.raises(EvaluationError, match="not available here"):
        of_each("matrix.row")
    with pytest.raises(EvaluationError, match='each has no "column"'):
        of_each("each.column")
