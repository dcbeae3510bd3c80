"""Sub-workflows in a plan: ids of their own, each task once and after what it needs, whatever the nesting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.planning.model import Plan

MAX_FILES = 4


@st.composite
def documents(draw: st.DrawFn) -> list[str]:
    """Draw files of which each calls only later ones."""
    count = draw(st.integers(1, MAX_FILES))
    return [_document(draw, number, count) for number in range(count)]


def _document(draw: st.DrawFn, number: int, count: int) -> str:
    tasks = []
    for place in range(draw(st.integers(1, 3))):
        reads = draw(st.sampled_from([None, *range(place)]))
        value = "${{ inputs.x }}" if reads is None else f"${{{{ len(str(tasks.t{reads}.output)) }}}}"
        needs = [f"t{need}" for need in range(place) if draw(st.booleans())]
        callee = draw(st.integers(number + 1, count)) if number + 1 < count else count
        if callee < count:
            condition = ", if: inputs.x > 0" if draw(st.booleans()) else ""
            body = f'workflow: f{callee}.yaml, with: {{x: "{value}"}}{condition}'
        else:
            body = f'shell: "echo $A", env: {{A: "{value}"}}'
        tasks.append(f"  t{place}: {{{body}, needs: [{', '.join(needs)}]}}\n")
    return f"flowpar: 1\ninputs: {{x: 1}}\ntasks:\n{''.join(tasks)}outputs:\n  x: 1\n"


def plan_of(folder: Path, files: list[str]) -> Plan:
    for number, text in enumerate(files):
        (folder / f"f{number}.yaml").write_text(text)
    prepared = prepare(folder / "f0.yaml", registry=Registry(allows_plugins=False), given=GivenInputs())
    errors = [finding for finding in prepared.diagnostics if finding.severity.value == "error"]
    assert prepared.plan is not None, errors
    return prepared.plan


@given(files=documents())
def test_any_nesting_unfolds_into_a_plan(tmp_path_factory: pytest.TempPathFactory, files: list[str]) -> None:
    plan = plan_of(tmp_path_factory.mktemp("unfold"), files)

    ids = [task.id for task in plan.tasks]
    assert len(set(ids)) == len(ids)
    before: set[str] = set()
    for task in plan.tasks:
        assert set(task.needs) <= before, f"{task.id} comes before what it needs"
        assert task.reads | task.decides_on <= set(task.needs)
        assert task.fingerprint
        before.add(task.id)
    assert sorted(task.index for task in plan.tasks) == list(range(len(ids)))
    assert [name for layer in plan.layers for name in layer] == ids


@given(files=documents())
def test_what_a_sub_workflow_gives_waits_for_all_of_it(
    tmp_path_factory: pytest.TempPathFactory, files: list[str]
) -> None:
    plan = plan_of(tmp_path_factory.mktemp("unfold"), files)

    tasks = {task.id: task for task in plan.tasks}
    for task in plan.tasks:
        if task.kind == "workflow":
            inner = {name for name in tasks if name.startswith(f"{task.id}/")}
            direct = {name for name in inner if "/" not in name.removeprefix(f"{task.id}/")}
            assert set(task.needs) >= direct
            entry = f"{task.id}/(inputs)"
            roots = {name for name in direct - {entry} if not tasks[name].needs}
            assert entry not in inner or not roots, "a task would begin before there is a reason to"


def test_inputs_that_are_known_need_no_task(tmp_path: Path) -> None:
    main = "flowpar: 1\ninputs: {x: 3}\ntasks:\n  t: {workflow: f1.yaml, with: {x: '${{ inputs.x * 2 }}'}}\n"
    inner = "flowpar: 1\ninputs: {x: 1}\ntasks:\n  s: {shell: 'echo $A', env: {A: '${{ inputs.x }}'}}\n"

    plan = plan_of(tmp_path, [main, inner])

    tasks = {task.id: task for task in plan.tasks}
    assert list(tasks) == ["t/s", "t"]
    scope = tasks["t/s"].scope
    assert scope is not None
    assert (scope.prefix, dict(scope.inputs)) == ("t/", {"x": 6})


def findings_of(folder: Path, files: list[str]) -> list[Diagnostic]:
    for number, text in enumerate(files):
        (folder / f"f{number}.yaml").write_text(text)
    prepared = prepare(folder / "f0.yaml", registry=Registry(allows_plugins=False), given=GivenInputs())
    assert prepared.plan is None
    return prepared.diagnostics.found


def test_items_are_bounded_with_all_that_is_in_them(tmp_path: Path) -> None:
    rows = ", ".join(map(str, range(1000)))
    tasks = "".join(f"  t{number}: {{shell: date}}\n" for number in range(1000))
    many = f"flowpar: 1\ntasks:\n  many: {{for_each: [{rows}], workflow: f1.yaml}}\n"
    once = "flowpar: 1\ntasks:\n  once: {workflow: f2.yaml}\n"
    inner = f"flowpar: 1\ntasks:\n  each: {{for_each: [{rows}], workflow: f2.yaml}}\n"

    for files in (
        [many, once, f"flowpar: 1\ntasks:\n{tasks}"],
        [many, inner, "flowpar: 1\ntasks: {t: {shell: date}}\n"],
    ):
        (found,) = findings_of(tmp_path, files)
        assert (found.code, found.file) == ("FP252", str(tmp_path / "f0.yaml"))
        assert found.message == 'the items of task "many" have over 100,000 tasks together'
        assert found.hint


def test_what_is_wrong_with_a_workflow_that_tidies_up_is_told_where_it_stands(tmp_path: Path) -> None:
    main = "flowpar: 1\ninputs: {big: 9}\ntasks: {t: {shell: date}}\nfinally:\n  tidy: {workflow: f1.yaml, with: %s}\n"
    sub = (
        "flowpar: 1\ninputs: {n: {type: integer, maximum: 3}}\ntasks: {t: {shell: date, env: {N: '${{ inputs.n }}'}}}\n"
    )

    (found,) = findings_of(tmp_path, [main % '{n: "${{ inputs.big }}"}', sub])

    assert (found.code, found.span.line) == ("FP255", 5)
