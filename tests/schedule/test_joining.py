"""Items that join a run of which --only picks some: what there is to say where they can't."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import RunStopping
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.core.states import TaskState
from flowpar.execute.recipe import Call, Expand
from flowpar.planning.template import Template
from flowpar.schedule.job import share
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, plan_of, planned, play, value

if TYPE_CHECKING:
    from flowpar.expr.template import Template as Text
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.simulation import Played

LOST = Failure(FailureKind.EXPRESSION, "", "its file is lost")


def picking(item: str | None, key: Text | None = None) -> PlannedTask:
    own = (planned("many[*]/t"), planned("many[*]", "many[*]/t"))
    return planned("many/(items)", template=Template("many", own, Expand({}, key=key), picks=((item, own),)))


def played(task: PlannedTask, items: FakeItems | Failure) -> Played:
    decisions = FakeDecisions(items={"items": items})
    return play([task], lambda _: Scripted(value("items")), decisions=decisions)


def told(run: Played) -> str:
    (event,) = run.sink.of(RunStopping)
    return event.reason


def test_the_items_that_are_picked_join() -> None:
    run = played(picking("1"), FakeItems(3))

    assert run.end.exit_code is ExitCode.OK
    assert {name for name, state in run.end.states.items() if state is TaskState.SUCCEEDED} == {
        "many/(items)",
        "many[1]/t",
        "many[1]",
    }


@pytest.mark.parametrize(
    ("count", "has"),
    [(0, "which has no items"), (1, "which has 1 item, counted from 0"), (2, "which has 2 items, counted from 0")],
)
def test_an_item_that_is_not_there_is_told_with_what_is(count: int, has: str) -> None:
    run = played(picking("7"), FakeItems(count))

    assert run.end.exit_code is ExitCode.USAGE
    assert told(run) == f'--only names item 7 of "many", {has}'


def test_items_that_can_not_be_read_are_no_mistake_of_who_named_one() -> None:
    run = played(picking("7"), LOST)

    assert run.end.exit_code is ExitCode.TASK_FAILED
    assert told(run) == 'the items of "many" can\'t be read: its file is lost'


def test_what_is_picked_is_bounded_and_what_is_not_picked_does_not_count() -> None:
    items = FakeItems(MOST_PART_TASKS // 2 + 1)

    run = played(picking(None), items)
    assert run.end.exit_code is ExitCode.USAGE
    assert told(run) == '--only names over 100,000 tasks of "many"; name fewer of its items'
    assert played(picking("2"), items).end.exit_code is ExitCode.OK


def test_a_job_knows_the_modules_of_tasks_that_may_join() -> None:
    inner = replace(planned("many[*]/t"), call=Call("steps.late:use", {}))
    plan = plan_of([planned("a"), planned("many/(items)", template=Template("many", (inner,), Expand({})))])

    assert "steps.late" in share(plan, "run", "/nowhere").modules
