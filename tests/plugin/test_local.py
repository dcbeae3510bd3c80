"""Task types in a workflow's own files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from flowpar.plugin.local import LocalPlugins, read_local

if TYPE_CHECKING:
    from pathlib import Path

TASK = "from flowpar.plugin import task_type\n@task_type\ndef {name}(): ...\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    folder = tmp_path / "checkout" / "flows"
    folder.mkdir()
    return folder


def only_problem(plugins: LocalPlugins) -> tuple[str, str]:
    assert plugins.sources == ()
    (problem,) = plugins.problems
    return problem.code, problem.message


@pytest.mark.parametrize(
    ("entry", "file", "target"),
    [
        ("./tasks.py", "tasks.py", "tasks:one"),
        ("tasks.py", "tasks.py", "tasks:one"),
        ("lib/tasks.py", "lib/tasks.py", "lib.tasks:one"),
        ("lib/__init__.py", "lib/__init__.py", "lib:one"),
        ("lib.tasks", "lib/tasks.py", "lib.tasks:one"),
    ],
)
def test_a_file_or_module_brings_its_marked_functions(project: Path, entry: str, file: str, target: str) -> None:
    path = project / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(TASK.format(name="one") + "def two(): ...\n")

    plugins = read_local([entry], workflow_dir=project)

    assert plugins.problems == ()
    (source,) = plugins.sources
    assert (source.kind, source.target, source.distribution, source.is_local) == ("one", target, entry, True)


def test_a_file_elsewhere_in_the_project_needs_python_path(project: Path) -> None:
    library = project.parent / "library"
    library.mkdir()
    (library / "tasks.py").write_text(TASK.format(name="one"))

    without = read_local(["../library/tasks.py"], workflow_dir=project)
    with_it = read_local(["../library/tasks.py"], workflow_dir=project, python_path=[str(library)])

    assert only_problem(without) == ("FP606", 'plugin file "../library/tasks.py" cannot be imported by a task')
    assert without.problems[0].hint == 'add "../library" to python_path'
    assert [source.target for source in with_it.sources] == ["tasks:one"]


def test_a_file_that_is_named_like_no_module_is_told_how_to_be(project: Path) -> None:
    (project / "my-tasks.py").write_text(TASK.format(name="one"))

    plugins = read_local(["./my-tasks.py"], workflow_dir=project)

    assert only_problem(plugins) == ("FP606", 'plugin file "./my-tasks.py" cannot be imported by a task')
    assert plugins.problems[0].hint == "name it like a Python module: letters, digits and _, and .py"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("./nowhere.py", 'plugin file "./nowhere.py" is not found'),
        ("./folder/", 'plugin file "./folder/" is a folder'),
        ("./pipe.py", 'plugin file "./pipe.py" is not a file'),
        ("no.where", 'plugin module "no.where" is not found in the workflow\'s folder or python_path'),
        ("a b", 'plugin module "a b" is not found in the workflow\'s folder or python_path'),
        ("./a\0b.py", 'plugin file "./a\0b.py" is not found'),
    ],
)
def test_what_is_no_file_is_said(project: Path, entry: str, message: str) -> None:
    (project / "folder").mkdir()
    os.mkfifo(project / "pipe.py")

    assert only_problem(read_local([entry], workflow_dir=project)) == ("FP601", message)


@pytest.mark.parametrize("entry", ["/etc/passwd", "../../outside.py", "./link.py"])
def test_a_file_outside_of_the_project_is_refused_unread(project: Path, entry: str) -> None:
    outside = project.parent.parent / "outside.py"
    outside.write_text("not python, and secret")
    (project / "link.py").symlink_to(outside)

    code, message = only_problem(read_local([entry], workflow_dir=project))

    assert code == "FP602"
    assert "secret" not in message


def test_without_a_checkout_the_project_is_the_workflows_folder(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "outside.py").write_text(TASK.format(name="one"))

    code, _ = only_problem(read_local(["../outside.py"], workflow_dir=tmp_path / "flows"))

    assert code == "FP602"


def test_broken_python_is_a_problem_at_its_line(project: Path) -> None:
    (project / "tasks.py").write_text("x = 1\ndef (:\n")

    (problem,) = read_local(["./tasks.py"], workflow_dir=project).problems

    assert (problem.code, problem.line, problem.file) == ("FP603", 2, str(project / "tasks.py"))
    assert problem.message == 'plugin file "./tasks.py" is not valid Python: invalid syntax'


def test_a_file_without_task_types_says_how_to_mark_one(project: Path) -> None:
    (project / "tasks.py").write_text("def one(): ...\n")

    plugins = read_local(["./tasks.py"], workflow_dir=project)

    assert only_problem(plugins) == ("FP604", 'plugin file "./tasks.py" has no task type')
    assert plugins.problems[0].hint == "put @task_type from flowpar.plugin on each function that is one"


def test_a_kind_is_brought_once(project: Path) -> None:
    (project / "a.py").write_text(TASK.format(name="one"))
    (project / "b.py").write_text(TASK.format(name="one"))

    plugins = read_local(["./a.py", "./b.py"], workflow_dir=project)

    assert [source.distribution for source in plugins.sources] == ["./a.py"]
    (problem,) = plugins.problems
    assert (problem.index, problem.code) == (1, "FP605")
    assert problem.message == 'task type "one" is claimed by "./a.py" and by "./b.py"'


def test_a_kind_with_the_name_of_a_key_of_tasks_could_never_be_used(project: Path) -> None:
    (project / "a.py").write_text(TASK.format(name="needs"))

    code, message = only_problem(read_local(["./a.py"], workflow_dir=project))

    assert (code, message) == ("FP605", 'task type "needs" of "./a.py" has the name of a key of tasks')


def test_a_built_in_kind_is_not_replaced(project: Path) -> None:
    (project / "a.py").write_text(TASK.format(name="shell"))

    code, message = only_problem(read_local(["./a.py"], workflow_dir=project))

    assert (code, message) == ("FP605", 'task type "shell" of "./a.py" is built in')


def test_a_newer_api_is_refused(project: Path) -> None:
    text = "from flowpar.plugin import task_type\n@task_type(api=99)\ndef one(): ...\n"
    (project / "a.py").write_text(text)

    code, message = only_problem(read_local(["./a.py"], workflow_dir=project))

    assert (code, message) == ("FP607", 'task type "one" of "./a.py" needs plugin API 99, and this flowpar has 1')


def test_all_entries_are_read_whatever_is_wrong_with_one(project: Path) -> None:
    (project / "good.py").write_text(TASK.format(name="good"))

    plugins = read_local(["./bad.py", "./good.py", "../../x.py"], workflow_dir=project)

    assert [source.kind for source in plugins.sources] == ["good"]
    assert [problem.index for problem in plugins.problems] == [0, 2]
