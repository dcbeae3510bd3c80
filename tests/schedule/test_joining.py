"""Tasks of items that join a run: what stands of them, and what there is to say where --only picks some that can't."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.core.events import RunStopping, TaskSkipped
from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.core.states import TaskState
from flowpar.engine.resumption import sort_out
from flowpar.execute.recipe import Call, Expand
from flowpar.expr.template import Constant
from flowpar.planning.model import Bound, Bounds
from flowpar.planning.template import ANY_ITEM, Template
from flowpar.record.journal import Journal
from flowpar.record.reading import JOURNAL
from flowpar.record.resume import read_settled, verify
from flowpar.schedule.job import share
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, plan_of, planned, play, raised, value

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.expr.template import Template as Text
    from flowpar.planning.model import PlannedTask
    from flowpar.testing.simulation import Played

WHOLE = Bounds()
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


def keyed(*, is_given: bool) -> list[PlannedTask]:
    """Return a sub-workflow for each item of a list with keys, which its tasks are given or not."""
    entry = [planned("many[*]/(inputs)", bound=Bound({}, ANY_ITEM), fingerprint="inputs")] if is_given else []
    own = (*entry, planned("many[*]/t", *(task.id for task in entry), fingerprint="t"))
    end = planned("many[*]", "many[*]/t", kind="workflow", run_if="all_done", fingerprint="end")
    template = Template("many", (*own, end), Expand({}, key=Constant(None)))
    return [
        planned("many/(items)", kind="items", template=template, fingerprint="items"),
        planned(
            "many", "many/(items)", kind="workflow", run_if="all_done", reads=frozenset({"many/(items)"}), bounds=WHOLE
        ),
    ]


@pytest.mark.parametrize("is_given", [True, False])
def test_tasks_of_items_with_keys_stand_when_the_run_goes_on_whether_they_are_given_the_item_or_not(
    *, is_given: bool, tmp_path: Path
) -> None:
    items = FakeItems(2, names=["x"], keys=["a", "b"], values=[pickle.dumps(1), pickle.dumps(2)])
    decisions = FakeDecisions(late={"many/(items)": items})
    journal = Journal(tmp_path / JOURNAL, is_synced=False)
    play(keyed(is_given=is_given), lambda job: Scripted(value(job.task)), decisions=decisions, sink=journal)
    journal.close()
    settled, _ = read_settled(tmp_path)

    resumption = sort_out(plan_of(keyed(is_given=is_given)), verify(settled, tmp_path))

    assert resumption.changed == ()
    assert {"many", "many[a]/t", "many[b]/t", "many[b]"} <= resumption.start.standing


def test_a_sub_workflow_that_is_left_out_for_a_failure_counts_as_failed() -> None:
    tasks = [planned("fails"), *keyed(is_given=False), planned("after", "many", run_if="none_failed")]
    tasks[1] = replace(tasks[1], needs=("fails",))

    run = play(tasks, lambda _: Scripted(raised()))

    assert {run.end.states[name] for name in ("many", "after")} == {TaskState.SKIPPED}
    reasons = {event.subject.task: event.reason for event in run.sink.of(TaskSkipped)}
    assert reasons["many"] == 'task "many/(items)" was skipped'
