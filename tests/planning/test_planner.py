"""A file becomes a frozen plan: edges, layers, settings, inputs; or findings."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import UsageError
from flowpar.lang.inputs import GivenInputs
from flowpar.planning.model import PlannedTask, Retry
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.planning.prepared import Prepared

STEPS = """
def make(n: int = 0) -> list[int]:
    return [n]

def add(xs: list[int], n: int = 0) -> int:
    return sum(xs) + n

def one(x: int = 0) -> int:
    return x
"""


class Project:
    """A folder with steps and a workflow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "steps.py").write_text(STEPS)

    def prepare(self, body: str, *, given: GivenInputs | None = None, executor: str | None = None) -> Prepared:
        file = self.folder / "workflow.yaml"
        file.write_text(f"flowpar: 1\n{body}")
        return prepare(file, registry=Registry(allows_plugins=False), given=given, executor=executor)

    def tasks(
        self, body: str, *, given: GivenInputs | None = None, executor: str | None = None
    ) -> dict[str, PlannedTask]:
        prepared = self.prepare(body, given=given, executor=executor)
        assert prepared.plan is not None, [each.message for each in prepared.diagnostics]
        return {task.id: task for task in prepared.plan.tasks}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


DIAMOND = """
name: diamond
tasks:
  end: {python: "steps:add", with: {xs: ["${{ tasks.left.output }}", "${{ tasks.right.output }}"]}}
  left: {python: "steps:add", with: {xs: "${{ tasks.start.output }}"}}
  right: {python: "steps:one", needs: [start, start]}
  start: {python: "steps:make"}
outputs:
  sum: ${{ tasks.end.output }}
"""


def test_references_and_needs_make_the_graph(project: Project) -> None:
    plan = project.prepare(DIAMOND).plan

    assert plan is not None
    assert plan.workflow == "diamond"
    assert plan.layers == (("start",), ("left", "right"), ("end",))
    assert [task.id for task in plan.tasks] == ["start", "left", "right", "end"]
    assert {task.id: task.needs for task in plan.tasks} == {
        "start": (),
        "left": ("start",),
        "right": ("start",),
        "end": ("left", "right"),
    }
    assert {task.id: task.layer for task in plan.tasks} == {"start": 0, "left": 1, "right": 1, "end": 2}
    assert plan.weights["start"] == 3
    assert plan.outputs_read == {"end"}


def test_only_what_is_read_is_read(project: Project) -> None:
    tasks = project.tasks(DIAMOND)

    assert tasks["left"].reads == {"start"}
    assert tasks["right"].reads == frozenset()
    assert tasks["end"].reads == {"left", "right"}


def test_the_place_in_the_file_is_kept(project: Project) -> None:
    assert {task.id: task.index for task in project.tasks(DIAMOND).values()} == {
        "end": 0,
        "left": 1,
        "right": 2,
        "start": 3,
    }


def test_a_plan_can_be_pickled(project: Project) -> None:
    plan = project.prepare(DIAMOND).plan

    assert pickle.loads(pickle.dumps(plan)) == plan


def test_a_workflow_without_a_name_has_that_of_its_file(project: Project) -> None:
    plan = project.prepare("tasks:\n  a: {shell: echo}\n").plan

    assert plan is not None
    assert plan.workflow == "workflow"


def test_settings_are_numbers_and_a_key_of_its_own_replaces_the_default_whole(project: Project) -> None:
    tasks = project.tasks("""
defaults:
  timeout: 10m
  grace: 1s
  retry: {attempts: 3, delay: 2s, backoff: 2, max_delay: 1m, jitter: true, on: [ConnectionError, exit 75]}
tasks:
  a: {python: "steps:one"}
  b: {python: "steps:one", timeout: 500ms, retry: 2, allow_failure: true}
  c: {python: "steps:one", retry: {attempts: 2}}
""")

    assert (tasks["a"].timeout_s, tasks["a"].grace_s, tasks["a"].allow_failure) == (600.0, 1.0, False)
    assert tasks["a"].retry == Retry(3, 2.0, 2.0, 60.0, jitter=True, on=("ConnectionError", "exit 75"))
    assert (tasks["b"].timeout_s, tasks["b"].retry, tasks["b"].allow_failure) == (0.5, Retry(attempts=3), True)
    assert tasks["c"].retry == Retry(attempts=2)


def test_settings_may_depend_on_inputs(project: Project) -> None:
    body = """
inputs: {tries: 2, patience: 3s}
tasks:
  a:
    python: steps:one
    timeout: ${{ inputs.patience }}
    retry: ${{ inputs.tries }}
    for_each: [1, 2]
    max_parallel: ${{ inputs.tries }}
"""
    task = project.tasks(body, given=GivenInputs(texts={"tries": "4"}))["a"]

    assert (task.timeout_s, task.retry.attempts) == (3.0, 5)
    assert task.fan_out is not None
    assert task.fan_out.max_parallel == 4


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("timeout", "soon", '"timeout" of task "a" must be a duration'),
        ("timeout", "0s", '"timeout" of task "a" must be a duration'),
        ("retry", "-1", '"retry.attempts" of task "a" must be a whole number from 0 on, not -1'),
        ("max_parallel", "0", '"max_parallel" of task "a" must be a whole number from 1 on, not 0'),
        ("on_item_error", "ignore", '"on_item_error" of task "a" must be one of finish, fail_fast, collect'),
    ],
)
def test_a_setting_that_comes_out_wrong_is_found_at_its_place(
    project: Project, setting: str, value: str, said: str
) -> None:
    prepared = project.prepare(f"""
inputs: {{given: {value}}}
tasks:
  a:
    python: steps:one
    for_each: [1]
    {setting}: ${{{{ inputs.given }}}}
""")

    assert prepared.plan is None
    (finding,) = prepared.diagnostics
    assert (finding.code, finding.span.line) == ("FP222", 8)
    assert finding.message.startswith(said)


def test_a_setting_of_the_defaults_is_found_there_once(project: Project) -> None:
    prepared = project.prepare("""
inputs: {given: soon}
defaults: {timeout: "${{ inputs.given }}"}
tasks:
  a: {shell: echo}
  b: {shell: echo}
""")

    assert [(each.code, each.span.line) for each in prepared.diagnostics] == [("FP222", 4)]


def test_what_depends_on_an_input_without_a_default_is_left_out_when_none_is_given(project: Project) -> None:
    body = """
inputs: {patience: {type: string}}
tasks:
  a: {shell: echo, timeout: "${{ inputs.patience }}", for_each: "${{ split(inputs.patience) }}"}
"""
    task = project.tasks(body)["a"]

    assert task.timeout_s is None
    assert task.fan_out is not None
    assert task.fan_out.items is None


@pytest.mark.parametrize(
    ("fan_out", "items"),
    [
        ("for_each: [1, 2, 3]", 3),
        ("for_each: ${{ range(inputs.n) }}", 4),
        ("matrix: {a: [1, 2], b: [1, 2, 3]}", 6),
        ("matrix: {a: [1, 2], b: [1, 2], exclude: [{a: 1, b: 2}], include: [{a: 9, b: 9}]}", 4),
        ("matrix: {a: [1, 2], b: []}", 0),
        ("for_each: ${{ tasks.start.output }}", None),
        ("for_each: ${{ glob(env.HOME) }}", None),
    ],
)
def test_the_number_of_items_is_known_before_the_run_where_it_can_be(
    project: Project, fan_out: str, items: int | None
) -> None:
    tasks = project.tasks(f"""
inputs: {{n: 4}}
tasks:
  start: {{python: "steps:make"}}
  a:
    python: steps:one
    {fan_out}
""")

    assert tasks["a"].fan_out is not None
    assert tasks["a"].fan_out.items == items


def test_the_task_then_the_command_line_then_the_defaults_name_the_executor(project: Project) -> None:
    body = """
defaults: {executor: thread}
tasks:
  a: {python: "steps:one", executor: inline}
  b: {python: "steps:one"}
"""

    assert {task.id: task.executor for task in project.tasks(body).values()} == {"a": "inline", "b": "thread"}
    assert {task.id: task.executor for task in project.tasks(body, executor="process").values()} == {
        "a": "inline",
        "b": "process",
    }


def test_a_thread_of_the_command_line_is_refused_for_a_task_with_an_env_of_its_own(project: Project) -> None:
    body = 'tasks:\n  a: {python: "steps:one", env: {X: "1"}}\n'

    assert project.tasks(body, executor="inline")["a"].executor == "inline"
    with pytest.raises(UsageError, match='task "a" can\'t run in a thread: it has an "env" of its own'):
        project.prepare(body, executor="thread")


def test_a_missing_input_is_found_only_when_a_run_is_asked_for(project: Project) -> None:
    body = "inputs: {n: {type: integer}}\ntasks:\n  a: {shell: echo}\n"

    assert project.prepare(body).plan is not None
    prepared = project.prepare(body, given=GivenInputs())
    assert prepared.plan is None
    assert "FP505" in {each.code for each in prepared.diagnostics}


def test_env_files_are_read_for_a_run_later_ones_winning(project: Project) -> None:
    (project.folder / "a.env").write_text("A=1\nB=1\n")
    (project.folder / "b.env").write_text("B=2\n")

    plan = project.prepare("env_file: [a.env, b.env]\ntasks:\n  a: {shell: echo}\n", given=GivenInputs()).plan

    assert plan is not None
    assert plan.env_file == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, 'env file "x.env" does not exist'),
        (b"A\n", 'env file "x.env" has no NAME=value at line 1'),
        (b"A=\xff\n", 'env file "x.env" is not UTF-8 text'),
        (b"A=\0\n", 'env file "x.env" holds a zero character'),
    ],
)
def test_an_env_file_that_cannot_be_used_is_found(project: Project, content: bytes | None, said: str) -> None:
    if content is not None:
        (project.folder / "x.env").write_bytes(content)

    prepared = project.prepare("env_file: x.env\ntasks:\n  a: {shell: echo}\n", given=GivenInputs())

    assert prepared.plan is None
    assert [(each.code, each.message, each.span.line) for each in prepared.diagnostics] == [("FP223", said, 2)]


def test_a_cycle_is_found_beside_other_findings(project: Project) -> None:
    prepared = project.prepare("""
tasks:
  a: {python: "steps:one", needs: [b]}
  b: {python: "steps:one", needs: [a]}
  c: {python: "steps:nothing"}
""")

    assert prepared.plan is None
    assert {each.code for each in prepared.diagnostics} >= {"FP220"}
    assert len(prepared.diagnostics) == 2


def test_a_chain_of_5_000_is_planned(project: Project) -> None:
    lines = ["tasks:", "  t0: {shell: echo}", *(f"  t{n}: {{shell: echo, needs: [t{n - 1}]}}" for n in range(1, 5_000))]

    plan = project.prepare("\n".join(lines)).plan

    assert plan is not None
    assert len(plan.layers) == 5_000


def test_planning_writes_nothing_and_imports_nothing(project: Project) -> None:
    (project.folder / "steps.py").write_text('raise SystemExit("imported")\n\ndef one(x: int = 0) -> int: ...\n')
    before = sorted(project.folder.iterdir())

    plan = project.prepare('tasks:\n  a: {python: "steps:one"}\n', given=GivenInputs()).plan

    assert plan is not None
    assert sorted(project.folder.iterdir()) == sorted({*before, project.folder / "workflow.yaml"})
