"""Where modules are found, by files alone."""

from __future__ import annotations

import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from flowpar.code.module import ModuleSource, NotFound, find_module, is_installed
from flowpar.tasks import shell


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def found(name: str, *path: Path) -> ModuleSource:
    module = find_module(name, path)
    assert isinstance(module, ModuleSource), module
    return module


def test_a_package_wins_over_a_module_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "a/__init__.py")

    assert found("a", tmp_path).file == str(tmp_path / "a" / "__init__.py")


def test_a_module_wins_over_a_folder_without_init(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "a/b.py")

    assert found("a", tmp_path).file == str(tmp_path / "a.py")
    assert isinstance(find_module("a.b", [tmp_path]), NotFound)


def test_the_folders_of_a_namespace_package_are_one(tmp_path: Path) -> None:
    write(tmp_path, "one/a/x.py", "two/a/y.py")
    path = (tmp_path / "one", tmp_path / "two")

    assert found("a", *path).locations == tuple(str(folder / "a") for folder in path)
    assert found("a.y", *path).file == str(tmp_path / "two" / "a" / "y.py")


def test_the_first_folder_of_the_path_wins(tmp_path: Path) -> None:
    write(tmp_path, "one/a.py", "two/a.py")

    assert found("a", tmp_path / "two", tmp_path / "one").file == str(tmp_path / "two" / "a.py")


def test_a_script_of_our_name_does_not_hide_us(tmp_path: Path) -> None:
    write(tmp_path, "flowpar.py", "flowpar/tasks/shell.py")

    assert Path(found("flowpar.tasks.shell", tmp_path).file) == Path(shell.__file__)


def test_a_module_of_c_has_no_source(tmp_path: Path) -> None:
    write(tmp_path, f"fast{EXTENSION_SUFFIXES[0]}")

    assert not found("fast", tmp_path).has_source


def test_an_archive_on_the_path_may_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("zipped_steps.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "more.zip"))

    assert not found("zipped_steps").has_source


def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, "pack/words.py", "pack/_private.txt", "pack/deep/x.py", "notes.md")

    missing = find_module("pack.wrods.more", [tmp_path])

    assert missing == NotFound("pack.wrods.more", "pack.wrods", ("deep", "words"))


@pytest.mark.parametrize("file", ["src/shop/__init__.py", "src/shop.py", "lib/shop/orders.py"])
def test_a_package_in_a_usual_folder_that_is_not_on_the_path_is_named(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()

    missing = find_module("shop.orders", [tmp_path])

    assert isinstance(missing, NotFound)
    assert (missing.missing, missing.below) == ("shop", file.partition("/")[0])


def test_installed_names_are_not_offered(tmp_path: Path) -> None:
    write(tmp_path, "steps.py")

    missing = find_module("stesp", [tmp_path, *sys.path])

    assert isinstance(missing, NotFound)
    assert "steps" in missing.known
    assert not {"json", "yaml"} & set(missing.known)


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a-b", "1a", "../a"])
def test_a_name_that_is_none_is_not_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "a.py")

    assert isinstance(find_module(name, [tmp_path]), NotFound)


def test_folders_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.py")

    assert found("a", tmp_path / "gone", tmp_path / "a.py", tmp_path).file == str(tmp_path / "a.py")


def test_the_standard_library_is_installed_and_a_project_is_not(tmp_path: Path) -> None:
    json = found("json")

    assert is_installed(found("json.encoder", *map(type(tmp_path), sys.path)).file)
    assert not json.file or is_installed(json.file)
    assert not is_installed(str(tmp_path))
