"""Code that is read once: an import runs it, finds the same modules as ever, and hears of each change."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.compiled import CompiledModules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("zebra", "zebra_words", "zebra_odd", "zebras", "zebras.far", "zebras.near", "zebras.near.by")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A project whose modules import each other, first on the path."""
    (tmp_path / "zebra.py").write_text("import zebra_words\nSTRIPES = zebra_words.COUNT\n")
    (tmp_path / "zebra_words.py").write_text("COUNT = 7\nRUNS = []\n")
    (tmp_path / "zebra_odd.py").write_text("def (\n")
    (tmp_path / "zebras" / "near").mkdir(parents=True)
    (tmp_path / "zebras" / "__init__.py").write_text("HERD = 3\n")
    (tmp_path / "zebras" / "far.py").write_text("from . import near\nfrom .near.by import STEPS\n")
    (tmp_path / "zebras" / "near" / "by.py").write_text("STEPS = 1\n")
    path, finders = list(sys.path), list(sys.meta_path)
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path[:], sys.meta_path[:] = path, finders
    for name in NAMES:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def compiled(folder: Path, *names: str) -> CompiledModules:
    finder = CompiledModules(str(folder))
    finder.read(names)
    finder.take_place()
    return finder


def kept(finder: CompiledModules, folder: Path) -> set[str]:
    """The modules that the finder itself finds, each from where its import would look."""
    places = {name: [str(folder.joinpath(*name.split(".")[:-1]))] if "." in name else None for name in NAMES}
    return {name for name in NAMES if finder.find_spec(name, places[name])}


def test_nothing_runs_when_code_is_read(folder: Path) -> None:
    (folder / "zebra.py").write_text("raise SystemExit('ran')\n")

    assert kept(compiled(folder, "zebra"), folder) == {"zebra"}
    with pytest.raises(SystemExit, match="ran"):
        importlib.import_module("zebra")


def test_what_a_module_imports_of_the_folder_is_read_too(folder: Path) -> None:
    finder = compiled(folder, "zebra", "zebras.far")

    assert kept(finder, folder) == {"zebra", "zebra_words", "zebras", "zebras.far"}


@pytest.mark.parametrize("name", ["zebra", "zebra_words", "zebras", "zebras.far"])
def test_an_imported_module_is_what_it_would_have_been(folder: Path, name: str) -> None:
    plain = importlib.import_module(name)
    for known in NAMES:
        sys.modules.pop(known, None)
    finder = compiled(folder, "zebra", "zebras.far")
    assert name in kept(finder, folder)

    module = importlib.import_module(name)

    assert module is not plain
    assert type(module.__loader__) is not SourceFileLoader
    assert module.__file__ == plain.__file__
    assert module.__cached__ == plain.__cached__
    assert module.__package__ == plain.__package__
    assert getattr(module, "__path__", None) == getattr(plain, "__path__", None)
    assert module.__spec__ is not None
    assert plain.__spec__ is not None
    assert (module.__spec__.name, module.__spec__.origin) == (plain.__spec__.name, plain.__spec__.origin)
    assert inspect.getsource(module) == inspect.getsource(plain)
    assert {key for key in vars(module) if key[0] != "_"} == {key for key in vars(plain) if key[0] != "_"}


def test_a_file_that_changed_is_read_again(folder: Path) -> None:
    finder = compiled(folder, "zebra")
    (folder / "zebra_words.py").write_text("COUNT = 123\n")

    assert importlib.import_module("zebra").STRIPES == 123
    assert "zebra_words" not in kept(finder, folder)


def test_a_change_that_leaves_the_size_is_seen_by_its_time(folder: Path) -> None:
    compiled(folder, "zebra")
    before = (folder / "zebra_words.py").stat()
    (folder / "zebra_words.py").write_text("COUNT = 8\nRUNS = []\n")
    os.utime(folder / "zebra_words.py", ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))

    assert importlib.import_module("zebra").STRIPES == 8


def test_a_file_that_is_gone_is_not_imported(folder: Path) -> None:
    finder = compiled(folder, "zebra")
    (folder / "zebra_words.py").unlink()

    assert finder.find_spec("zebra_words") is None


def test_a_folder_in_front_on_the_path_goes_first(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    compiled(folder, "zebra")
    front = tmp_path_factory.mktemp("front")
    (front / "zebra.py").write_text("STRIPES = 1\n")
    sys.path.insert(0, str(front))

    assert importlib.import_module("zebra").STRIPES == 1


class Foreign:
    """Somebody's finder that has zebras of its own."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        del path, target
        return ModuleSpec("zebra", SourceFileLoader("zebra", "elsewhere.py")) if name == "zebra" else None


def test_a_finder_that_somebody_put_in_front_keeps_its_place(folder: Path) -> None:
    foreign = Foreign()
    sys.meta_path.insert(0, foreign)

    finder = compiled(folder, "zebra")

    places = [sys.meta_path.index(each) for each in (foreign, finder, PathFinder)]
    assert places == sorted(places)


def test_it_stands_first_where_nobody_else_looks_into_folders(folder: Path) -> None:
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder]

    finder = compiled(folder, "zebra")
    finder.take_place()

    assert sys.meta_path == [finder, BuiltinImporter, FrozenImporter, PathFinder]


@pytest.mark.parametrize("name", ["sys", "zipimport"])
def test_a_file_called_as_what_python_has_built_in_is_never_found(folder: Path, name: str) -> None:
    (folder / f"{name}.py").write_text("raise SystemExit('ran')\n")

    assert compiled(folder, name).find_spec(name) is None


def test_what_cannot_be_compiled_is_left_to_the_import(folder: Path) -> None:
    finder = compiled(folder, "zebra_odd", "no_such_module", "zebras.nothing", "zebra.inside")

    assert kept(finder, folder) == {"zebras", "zebra", "zebra_words"}
    with pytest.raises(SyntaxError):
        importlib.import_module("zebra_odd")


def test_modules_of_another_folder_are_not_read(folder: Path) -> None:
    finder = compiled(folder, "json", "os.path")

    assert finder.find_spec("json") is None
    assert finder.find_spec("os") is None
