"""Tasks of items that only the run knows: what is looked at before a run sees them, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import UsageError
from flowpar.engine.pools import most_light, pools_of
from flowpar.lang.inputs import GivenInputs
from flowpar.planning.capacity import Capacity, misfits, pools_asked
from flowpar.planning.planner import prepare
from flowpar.planning.select import select
from flowpar.planning.template import within
from flowpar.plugin.registry import Registry
from flowpar.schedule.resources import MOST_LIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.model import Plan
    from flowpar.planning.prepared import Prepared

MAIN = """\
flowpar: 1
limits: {api: 1}
tasks:
  rows: {shell: {run: 'echo "[1]"', capture: json}}
  many: {for_each: "${{ tasks.rows.output }}", workflow: outer.yaml, with: {row: "${{ each.item }}"}}
"""
OUTER = """\
flowpar: 1
inputs: {row: 0}
tasks:
  rows: {shell: {run: 'echo "[$ROW]"', capture: json}, env: {ROW: "${{ inputs.row }}"}}
  each: {for_each: "${{ tasks.rows.output }}", workflow: inner.yaml}
  other: {shell: date}
"""
INNER = "flowpar: 1\ntasks:\n  ask: {shell: date%s}\n"
ASK = "many[*]/each[*]/ask"


def prepared_in(folder: Path, setting: str, executor: str | None = None) -> Prepared:
    (folder / "w.yaml").write_text(MAIN)
    (folder / "outer.yaml").write_text(OUTER)
    (folder / "inner.yaml").write_text(INNER % setting)
    registry = Registry(allows_plugins=False)
    return prepare(folder / "w.yaml", registry=registry, given=GivenInputs(), executor=executor)


def plan_of(folder: Path, setting: str = "") -> Plan:
    prepared = prepared_in(folder, setting)
    assert prepared.plan is not None, prepared.diagnostics.found
    return prepared.plan


def test_a_limit_that_only_they_share_is_a_pool_of_the_run(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ", resources: {api: 1}")
    pools = pools_of(plan, slots=2, light=0)

    assert pools_asked(plan) == {"api"}
    assert pools is not None
    assert pools.free("api") == 1000


def test_they_may_ask_for_less_than_a_cpu(tmp_path: Path) -> None:
    assert most_light(plan_of(tmp_path, ", resources: {cpu: 0.5}")) == MOST_LIGHT


def test_what_they_could_never_have_is_found_once(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ", resources: {cpu: 3}")

    assert [f'task "{ASK}" asks for 3 of "cpu"' in each.message for each in misfits(plan, Capacity(2))] == [True]
    picked = select(plan, ["many[0]/each[0]/ask", "many[1]/each[2]/ask"]).plan
    assert len(misfits(picked, Capacity(2))) == 1
    assert misfits(select(plan, ["many/other"]).plan, Capacity(2)) == []


def test_one_that_can_not_run_in_a_thread_is_refused(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def use() -> None: ...\n")
    setting = "}\n  use: {python: steps:use, env: {A: b}"

    with pytest.raises(UsageError, match=r'task "many\[\*\]/each\[\*\]/use" can\'t run in a thread'):
        prepared_in(tmp_path, setting, "thread")


def test_an_item_inside_of_an_item_is_another_one_where_the_outer_one_is(tmp_path: Path) -> None:
    plan = select(plan_of(tmp_path), ["many[0]/each[0]/ask"]).plan
    (outer,) = (task for task in plan.tasks if task.template is not None)
    assert outer.template is not None

    def ask(mark: str) -> str:
        assert outer.template is not None
        made = list(outer.template.instance("0", mark=mark))
        (maker,) = (task for task in made if task.template is not None)
        assert maker.template is not None
        return next(task.fingerprint for task in maker.template.instance("0") if task.id == "many[0]/each[0]/ask")

    assert len({ask("a"), ask("b"), ask("")}) == 3
    assert [task.id for task in within([outer]) if task.kind == "shell"] == ["many[*]/rows", ASK]
