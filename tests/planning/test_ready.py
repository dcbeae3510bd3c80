"""A plan that was kept is taken only where a new one would be the same, and costs no YAML, pydantic or networkx."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.planning.ready import keep, ready, ready_again
from flowpar.plugin.registry import Registry
from flowpar.record.folder import RunFolder
from flowpar.record.plans import PLAN, _seal, drop_loose_plans
from flowpar.report.excerpt import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from flowpar.planning.prepared import Prepared

WORKFLOW = """flowpar: 1
name: kept
python_path: [lib]
plugins: [./kinds.py]
env_file: [.env]
inputs: {top: 3, unused: 1}
tasks:
  load: {python: "steps:load", with: {top: "${{ inputs.top }}"}, timeout: "${{ env.PATIENCE }}"}
  many: {for_each: {n: "${{ range(inputs.top) }}"}, python: "steps:count", with: {page: "${{ tasks.load.output }}"}}
  mine: {marked: {text: hello}}
  theirs: {stamp: {text: hello}}
  said: {shell: "echo hello"}
"""
STEPS = """from pages import Page

def load(top: int) -> Page: ...

def count(page: Page) -> int: ...
"""
PAGES = """from dataclasses import dataclass

@dataclass
class Page:
    words: int
"""
KINDS = """from flowpar.plugin import task_type

@task_type
def marked(text: str) -> str:
    return text
"""
STAMP = "def stamp(text: str) -> str:\n    return text\n"
SECRET = "hunter2-hunter2"  # noqa: S105 - what must not be found


@dataclass
class Project:
    """A workflow that draws on all that a plan may be made from, and the state of its runs."""

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    executor: str | None = None
    allows_plugins: bool = True

    def __post_init__(self) -> None:
        self.write("workflow.yaml", WORKFLOW)
        self.write("lib/steps.py", STEPS)
        self.write("lib/pages.py", PAGES)
        self.write("kinds.py", KINDS)
        self.write(".env", f"PATIENCE=5s\nTOKEN={SECRET}\n")
        self.write("site/stamps.py", STAMP)
        self.install("1.0")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        if path.is_file():
            path.write_text(path.read_text().replace(old, new))

    def install(self, version: str) -> None:
        info = "site/stamps-1.dist-info"
        self.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: stamps\nVersion: {version}\n")
        self.write(f"{info}/entry_points.txt", "[flowpar.tasks]\nstamp = stamps:stamp\n")

    @property
    def registry(self) -> Registry:
        site = str(self.folder / "site")
        return Registry(search_path=[site], allows_plugins=self.allows_plugins, runs_local_checks=True)

    @property
    def given(self) -> GivenInputs:
        return GivenInputs(texts=self.texts, environment=os.environ, folder=self.folder)

    @property
    def workflow(self) -> str:
        return str(self.folder / "workflow.yaml")

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def new(self) -> Prepared:
        return prepare(self.workflow, registry=self.registry, given=self.given, executor=self.executor)

    def ready(self) -> Prepared:
        return ready(
            self.workflow, registry=self.registry, given=self.given, executor=self.executor, state_dir=self.state
        )

    def run(self) -> Prepared:
        """Do what a run does with its plan before it begins."""
        prepared = self.ready()
        if prepared.plan is not None:
            keep(prepared, RunFolder.create(self.state, "kept"))
        return prepared

    def run_again(self, run_dir: Path, recorded: Mapping[str, object], **texts: str) -> Prepared:
        again = GivenInputs(texts=texts, folder=self.folder, recorded=recorded)
        return ready_again(self.workflow, run_dir, registry=self.registry, given=again, executor=self.executor)

    def plans(self) -> list[Path]:
        return sorted((self.state / "plans").iterdir())

    def newest_run(self) -> Path:
        return max((self.state / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(autouse=True)
def path_of_modules() -> Iterator[None]:
    """Do not look a plugin's own modules up where the tests are."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    sys.path.append(str(tmp_path / "site"))
    return made


def told(prepared: Prepared) -> tuple[object, str]:
    return prepared.plan, render(prepared.diagnostics, prepared.sources)


def tried(act: Callable[[], Prepared]) -> Prepared | str:
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - with a kept plan it is the same one
        return repr(error)


def outcome(found: Prepared | str) -> object:
    return found if isinstance(found, str) else told(found)


def test_an_unchanged_workflow_has_the_plan_of_before(project: Project) -> None:
    first = project.run()

    second = project.run()

    assert not first.is_kept
    assert second.is_kept
    assert told(second) == told(first) == told(project.new())


def test_warnings_are_told_each_time(project: Project) -> None:
    project.run()

    kept = project.ready()

    assert kept.is_kept
    assert '"unused"' in told(kept)[1]
    assert "inputs: {top: 3, unused: 1}" in told(kept)[1]


def test_values_of_env_files_are_read_again_and_never_written(project: Project) -> None:
    project.run()
    project.replace(".env", "TOKEN=", "TOKEN=not-")

    kept = project.run()

    assert kept.is_kept
    assert kept.plan is not None
    assert kept.plan.env_file["TOKEN"] == f"not-{SECRET}"
    files = [path for path in project.state.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


EDITS: dict[str, Callable[[Project], object]] = {
    "a task of the workflow": lambda p: p.replace("workflow.yaml", "echo hello", "echo bye"),
    "a comment in the workflow": lambda p: p.replace("workflow.yaml", "name: kept", "name: kept # still"),
    "a parameter of a target": lambda p: p.replace("lib/steps.py", "(top: int)", "(top: str)"),
    "the body of a target": lambda p: p.replace("lib/steps.py", "...", "return None"),
    "a class of an annotation": lambda p: p.replace("lib/pages.py", "words: int", "words: str"),
    "a target that is gone": lambda p: p.replace("lib/steps.py", "def load", "def lode"),
    "a module that comes first": lambda p: p.write("steps.py", STEPS.replace("top: int", "top: float")),
    "a package that comes first": lambda p: p.write("pages/__init__.py", PAGES.replace("int", "bytes")),
    "a compiled module that comes first": lambda p: p.write("steps.abi3.so", ""),
    "a module that is gone": lambda p: (p.folder / "lib/pages.py").unlink(missing_ok=True),
    "a variable of an env file": lambda p: p.replace(".env", "PATIENCE=5s", "PATIENCE=7s"),
    "a line that is none in an env file": lambda p: p.replace(".env", "TOKEN=", "TOKEN "),
    "an env file that is gone": lambda p: (p.folder / ".env").unlink(missing_ok=True),
    "an input": lambda p: p.texts.update(top="4"),
    "an input that does not fit": lambda p: p.texts.update(top="many"),
    "the executor": lambda p: setattr(p, "executor", "thread"),
    "a parameter of an own task type": lambda p: p.replace("kinds.py", "text: str", "text: int"),
    "an option of an own task type": lambda p: p.replace("kinds.py", "@task_type", '@task_type(executor="thread")'),
    "a second task type of the same kind": lambda p: p.replace("kinds.py", "def marked", "def stamp"),
    "the version of a plugin": lambda p: p.install("2.0"),
    "a parameter of a plugin": lambda p: p.write("site/stamps.py", STAMP.replace("text: str", "text: int")),
    "a plugin that is gone": lambda p: (p.folder / "site/stamps-1.dist-info/entry_points.txt").unlink(missing_ok=True),
    "no plugins at all": lambda p: setattr(p, "allows_plugins", False),
}
HARMLESS: dict[str, Callable[[Project], object]] = {
    "an output of a task": lambda p: p.write("result.txt", "42"),
    "a module that nobody asks for": lambda p: p.write("lib/other.py", "import steps"),
    "the cache of an import": lambda p: p.write("lib/__pycache__/steps.cpython-311.pyc", ""),
    "times of files": lambda p: os.utime(p.folder / "workflow.yaml", (1, 1)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_made_the_plan_is_asked_again(project: Project, edit: str) -> None:
    project.run()
    assert project.ready().is_kept
    EDITS[edit](project)

    again = tried(project.ready)

    assert isinstance(again, str) or not again.is_kept
    assert outcome(again) == outcome(tried(project.new))


@pytest.mark.parametrize("edit", HARMLESS)
def test_what_had_no_part_in_the_plan_does_not_count(project: Project, edit: str) -> None:
    project.run()
    HARMLESS[edit](project)

    assert project.ready().is_kept


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.sampled_from([*EDITS, *HARMLESS]), max_size=5))
def test_whatever_is_edited_the_plan_is_that_of_now(tmp_path_factory: pytest.TempPathFactory, edits: list[str]) -> None:
    project = Project(tmp_path_factory.mktemp("project"))
    sys.path.append(str(project.folder / "site"))
    tried(project.run)
    for edit in edits:
        {**EDITS, **HARMLESS}[edit](project)

        found = tried(project.run)

        assert outcome(found) == outcome(tried(project.new))
    sys.path.pop()


def test_variables_that_settings_read_count_and_no_others(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(".env", "")
    monkeypatch.setenv("PATIENCE", "1s")
    project.run()
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert project.ready().is_kept
    monkeypatch.setenv("PATIENCE", "2s")

    again = project.ready()

    assert not again.is_kept
    assert again.plan is not None
    assert again.plan.tasks[0].timeout_s == 2


def test_a_warning_of_a_variable_that_is_no_longer_set_comes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(
        "workflow.yaml",
        'flowpar: 1\nenv: {TOKEN: a}\ntasks:\n  a: {python: "os:getenv", with: {key: "${{ env.TOKENS }}"}}\n',
    )
    monkeypatch.setenv("TOKENS", "1")
    assert told(project.run())[1] == ""
    assert project.ready().is_kept
    monkeypatch.delenv("TOKENS")

    assert "FP706" in told(project.ready())[1]


def test_where_the_command_is_typed_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run()
    monkeypatch.chdir(project.folder)

    assert not project.ready().is_kept


def test_a_task_type_with_a_check_of_its_own_is_asked_each_time(project: Project) -> None:
    check = "def look(text: object) -> list[object]:\n    return []\n\n"
    project.write("kinds.py", KINDS.replace("@task_type", f"{check}@task_type(check=look)"))
    assert project.run().plan is not None

    assert not project.ready().is_kept


def test_a_run_that_goes_on_has_the_plan_of_its_folder(project: Project) -> None:
    plan = project.run().plan
    assert plan is not None

    again = project.run_again(project.newest_run(), {"top": 3, "unused": 1})

    assert again.is_kept
    assert again.plan == plan


def test_a_run_that_goes_on_with_other_inputs_has_a_new_plan(project: Project) -> None:
    project.run()
    run_dir = project.newest_run()

    given_now = project.run_again(run_dir, {"top": 3, "unused": 1}, top="5")
    other_journal = project.run_again(run_dir, {"top": 4, "unused": 1})

    assert not given_now.is_kept
    assert not other_journal.is_kept
    assert given_now.plan is not None
    assert given_now.plan.inputs["top"] == 5


def test_a_run_of_a_kept_plan_has_it_in_its_folder_too(project: Project) -> None:
    project.run()
    project.run()
    first, second = sorted((project.state / "runs").iterdir())

    assert (first / PLAN).samefile(second / PLAN)


def test_any_damage_means_a_new_plan(project: Project) -> None:
    project.run()
    (file,) = project.plans()
    whole = file.read_bytes()
    expected = told(project.new())
    places = [*range(0, len(whole), 211), len(whole) - 1]
    damaged = [whole[:place] for place in places]
    damaged += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in places]
    for content in damaged:
        file.write_bytes(content)

        again = project.ready()

        assert not again.is_kept
        assert told(again) == expected


def test_a_sealed_file_that_is_no_plan_means_a_new_plan(project: Project) -> None:
    project.run()
    (file,) = project.plans()
    whole = file.read_bytes().partition(b"\n")[2]
    for place in range(0, len(whole), 67):
        for body in (whole[:place], whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]):
            file.write_bytes(_seal(body) + b"\n" + body)

            assert project.ready().plan is not None


class Evil:
    """Pickles as a call of a function that is none of ours."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.flag),)


def test_a_forged_file_runs_nothing(project: Project) -> None:
    project.run()
    (file,) = project.plans()
    body = pickle.dumps(Evil(project.folder / "ran"))
    file.write_bytes(_seal(body) + b"\n" + body)

    again = project.ready()

    assert not again.is_kept
    assert not (project.folder / "ran").exists()


def test_a_file_that_others_may_touch_is_not_taken(project: Project) -> None:
    project.run()
    (file,) = project.plans()
    file.chmod(0o620)

    assert not project.ready().is_kept


def test_a_link_is_not_followed(project: Project) -> None:
    project.run()
    (file,) = project.plans()
    file.rename(project.folder / "elsewhere")
    file.symlink_to(project.folder / "elsewhere")

    assert not project.ready().is_kept


def test_the_newest_plans_of_a_workflow_are_kept(project: Project) -> None:
    for top in range(12):
        project.texts["top"] = str(top)
        project.run()
    assert len(project.plans()) == 8

    project.texts["top"] = "11"

    assert project.ready().is_kept


def test_plans_go_with_the_runs(project: Project) -> None:
    project.run()
    drop_loose_plans(project.state)
    assert len(project.plans()) == 1
    (project.newest_run() / PLAN).unlink()

    drop_loose_plans(project.state)

    assert project.plans() == []


def test_an_input_that_is_a_path_stays_one(project: Project) -> None:
    project.write(
        "workflow.yaml",
        "flowpar: 1\ninputs: {place: {type: path, default: here}}\n"
        'tasks:\n  a: {python: "os:scandir", with: {path: "${{ inputs.place }}"}}\n',
    )
    project.run()

    kept = project.ready()

    assert kept.is_kept
    assert kept.plan is not None
    assert kept.plan.inputs == {"place": project.folder / "here"}
    recorded = {"place": str(project.folder / "here")}
    assert project.run_again(project.newest_run(), recorded).plan == kept.plan


def test_without_a_file_of_state_nothing_is_kept(project: Project) -> None:
    prepared = replace(project.ready(), shelf=None)

    keep(prepared, RunFolder.create(project.state, "kept"))

    assert not (project.state / "plans").exists()


def test_the_second_start_imports_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def one() -> int:\n    return 1\n")
    (tmp_path / "workflow.yaml").write_text(
        'flowpar: 1\ntasks:\n  a: {python: "steps:one"}\n  b: {python: "steps:one", needs: [a]}\noutputs: {}\n'
    )
    command = [sys.executable, "-X", "importtime", "-m", "flowpar", "run", "workflow.yaml", "-q"]
    first, second = (
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stderr
        for _ in range(2)
    )

    heavy = ("yaml", "pydantic", "networkx")
    assert all(f" {name}\n" in first for name in heavy)
    assert not any(f" {name}\n" in second for name in heavy)
