"""Reading task types from source text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.plugin.source import DeclaredOptions, SourceProblem, find_source, parse, read_function, read_marked

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_function_is_found_without_running_its_module(tmp_path: Path) -> None:
    write(tmp_path, "boom.py", "raise SystemExit('ran')\ndef fetch(url: str) -> str: ...\n")

    function = read_function("boom:fetch", [str(tmp_path)])

    assert (function.name, function.module, function.line) == ("fetch", "boom", 2)
    assert "boom" not in sys.modules


def test_the_packages_around_a_module_are_not_run_either(tmp_path: Path) -> None:
    write(tmp_path, "around/__init__.py", "raise SystemExit('ran')\n")
    write(tmp_path, "around/inner.py", "def fetch(url): ...\n")

    assert read_function("around.inner:fetch", [str(tmp_path)]).module == "around.inner"
    assert "around" not in sys.modules


def test_namespace_packages_are_walked_over_all_folders(tmp_path: Path) -> None:
    write(tmp_path, "a/space/one.py", "")
    file = write(tmp_path, "b/space/two.py", "")

    assert find_source("space.two", [str(tmp_path / "a"), str(tmp_path / "b")]) == file


def test_a_package_hides_namespace_portions_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, "a/space/one.py", "")
    write(tmp_path, "b/space/__init__.py", "")

    assert find_source("space.one", [str(tmp_path / "a"), str(tmp_path / "b")]) is None


@pytest.mark.parametrize("text", ["from .client import fetch", "from pack.client import get as fetch"])
def test_a_function_that_is_imported_is_found_where_it_is_defined(tmp_path: Path, text: str) -> None:
    write(tmp_path, "pack/__init__.py", text)
    write(tmp_path, "pack/client.py", "def fetch(): ...\ndef get(): ...\n")

    assert read_function("pack:fetch", [str(tmp_path)]).module == "pack.client"


def test_imports_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, "one.py", "from two import fetch")
    write(tmp_path, "two.py", "from one import fetch")

    with pytest.raises(SourceProblem, match='function "fetch" is not found'):
        read_function("one:fetch", [str(tmp_path)])


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceProblem, match='module "nowhere" is not found'):
        read_function("nowhere:fetch", [str(tmp_path)])


def test_options_are_read_from_literals(tmp_path: Path) -> None:
    text = """
from flowpar.plugin import task_type

def look(arguments): return []

@task_type(executor="thread", secrets=("token",), preload=["httpx"], streams=True,
           resources={"api": 1, "memory": "1GiB"}, check=look, api=1)
def fetch(url: str, token: str) -> str: ...
"""
    write(tmp_path, "task.py", text)

    options = read_function("task:fetch", [str(tmp_path)]).options

    wanted = DeclaredOptions("thread", ("token",), ("httpx",), True, {"api": 1, "memory": "1GiB"}, "task:look", 1)  # noqa: FBT003
    assert options == wanted


def test_a_check_is_named_where_it_is_defined(tmp_path: Path) -> None:
    text = "from .rule import look as l\nfrom flowpar.plugin import task_type\n@task_type(check=l)\ndef fetch(): ...\n"
    write(tmp_path, "pack/__init__.py", "")
    write(tmp_path, "pack/task.py", text)

    assert read_function("pack.task:fetch", [str(tmp_path)]).options.check == "pack.rule:look"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("executor=NAME", 'gives task_type another "executor" than a literal text'),
        ("executor=3", 'gives task_type another "executor" than a literal text'),
        ("secrets='token'", 'gives task_type another "secrets" than a literal tuple'),
        ("streams=1", 'gives task_type another "streams" than True or False'),
        ("api=True", 'gives task_type another "api" than a literal whole number'),
        ("check=lambda a: []", 'gives task_type another "check" than the name of a function'),
        ("resources=[1]", 'gives task_type another "resources" than a literal mapping'),
        ("colour='red'", 'gives task_type the unknown option "colour"; it has executor,'),
        ("exekutor='thread'", 'gives task_type the unknown option "exekutor"; did you mean "executor"'),
        ("files=('urll',)", 'names "urll" in "files" of task_type, no parameter of "fetch"; did you mean "url"'),
        ("secrets=('token',)", 'names "token" in "secrets" of task_type, no parameter of "fetch"; it has url'),
        ("**OPTIONS", r'gives task_type the unknown option "\*\*"'),
    ],
)
def test_an_option_that_cannot_be_read_is_a_problem_at_its_place(tmp_path: Path, option: str, message: str) -> None:
    write(tmp_path, "task.py", f"from flowpar.plugin import task_type\n@task_type({option})\ndef fetch(url): ...\n")

    with pytest.raises(SourceProblem, match=message) as caught:
        read_function("task:fetch", [str(tmp_path)])

    assert caught.value.line == 2
    assert caught.value.column > 1


def test_what_takes_any_name_may_name_any_file(tmp_path: Path) -> None:
    text = "from flowpar.plugin import task_type\n@task_type(files=('path',))\ndef fetch(**options): ...\n"
    write(tmp_path, "task.py", text)

    assert read_function("task:fetch", [str(tmp_path)]).options.files == ("path",)


@pytest.mark.parametrize(
    "text",
    [
        "from flowpar.plugin import task_type\n@task_type\ndef fetch(): ...",
        "from flowpar.plugin import task_type as t\n@t()\nasync def fetch(): ...",
        "import flowpar.plugin\n@flowpar.plugin.task_type(streams=True)\ndef fetch(): ...",
        "from flowpar import plugin\n@plugin.task_type\ndef fetch(): ...",
    ],
)
def test_only_marked_functions_of_a_file_are_task_types(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, "tasks.py", text + "\ndef other(): ...\n@staticmethod\ndef third(): ...\n")

    assert [function.name for function in read_marked(file, "tasks")] == ["fetch"]


def test_a_decorator_of_that_name_from_elsewhere_marks_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, "tasks.py", "from other import task_type\n@task_type\ndef fetch(): ...\n")

    assert read_marked(file, "tasks") == ()


def test_broken_source_is_a_problem_at_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "broken.py", "x = 1\ndef (:\n")

    with pytest.raises(SourceProblem, match="is not valid Python") as caught:
        parse(file)

    assert caught.value.line == 2


@pytest.mark.parametrize("data", [b"\x00", b"\xff\xfe", b"(" * 100_000, b"-" * 200_000 + b"1"])
def test_bytes_that_are_no_python_are_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "odd.py"
    file.write_bytes(data)

    with pytest.raises(SourceProblem) as caught:
        parse(file)

    assert caught.value.file == file


def test_odd_escapes_raise_no_warning(tmp_path: Path) -> None:
    assert parse(write(tmp_path, "odd.py", "x = '\\d'\n")).body


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "huge.py"
    with file.open("wb") as stream:
        stream.truncate(5 * 1024 * 1024)

    with pytest.raises(SourceProblem, match="larger than 4 MiB"):
        parse(file)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_module_name_upsets_the_walk(name: str) -> None:
    found = find_source(name, ["/nonexistent"])

    assert found is None or found.is_file()
