"""Finding task types by kind."""

from __future__ import annotations

import sys
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode, PluginError
from flowpar.lang.model import TaskModel
from flowpar.lang.shape import keys_of
from flowpar.plugin.local import read_local
from flowpar.plugin.registry import BUILT_IN, Registry
from flowpar.plugin.reserved import TASK_KEYS

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path


def install(folder: Path, distribution: str, *, kinds: dict[str, str], version: str = "1.0") -> None:
    """Write what an installer would leave behind."""
    record = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"{kind} = {target}" for kind, target in kinds.items()]
    (record / "entry_points.txt").write_text("\n".join(["[flowpar.tasks]", *lines, ""]))


def module(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text)


MARKED = "from flowpar.plugin import task_type\n"


def test_built_in_kinds_are_found_without_looking_at_distributions() -> None:
    source = Registry(search_path=["/nonexistent"]).find("shell")

    assert source is not None
    assert (source.target, source.distribution) == (BUILT_IN["shell"], "flowpar")


def test_an_unknown_kind_is_none(tmp_path: Path) -> None:
    assert Registry(search_path=[str(tmp_path)]).find("nothing") is None


def test_an_installed_kind_is_found_with_its_source_and_not_imported(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-boom", kinds={"boom": "flowpar_boom:boom"}, version="2.1")
    module(tmp_path, "flowpar_boom", MARKED + "raise SystemExit\n@task_type(executor='thread')\ndef boom(): ...\n")

    source = Registry(search_path=[str(tmp_path)]).find("boom")

    assert source is not None
    assert (source.target, source.origin, source.line) == ("flowpar_boom:boom", "flowpar-boom 2.1", 4)
    assert source.file == str(tmp_path / "flowpar_boom.py")
    assert source.options.executor == "thread"
    assert "flowpar_boom" not in sys.modules


def test_two_claims_are_an_error_that_names_both(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-one", kinds={"boom": "one:boom"})
    install(tmp_path, "flowpar-two", kinds={"boom": "two:boom"}, version="2.0")

    with pytest.raises(PluginError, match=r'"boom" is claimed by flowpar-one 1\.0 and by flowpar-two 2\.0') as caught:
        Registry(search_path=[str(tmp_path)]).find("boom")

    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_a_claim_that_is_not_used_harms_nobody(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-one", kinds={"boom": "one:boom", "good": "good:good"})
    install(tmp_path, "flowpar-two", kinds={"boom": "two:boom"})
    module(tmp_path, "good", "def good(): ...\n")
    registry = Registry(search_path=[str(tmp_path)])

    assert registry.find("good") is not None
    assert [source.kind for source in registry.usable()] == [*BUILT_IN, "good"]


def test_a_missing_source_names_distribution_and_version(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-gone", kinds={"gone": "flowpar_gone:gone"}, version="3")

    with pytest.raises(PluginError, match='"gone" of flowpar-gone 3 is not found: module "flowpar_gone"'):
        Registry(search_path=[str(tmp_path)]).find("gone")


def test_a_newer_api_says_what_to_upgrade(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-new", kinds={"new": "new:new"}, version="9")
    module(tmp_path, "new", MARKED + "@task_type(api=99)\ndef new(): ...\n")

    with pytest.raises(PluginError, match="of flowpar-new 9 needs plugin API 99") as caught:
        Registry(search_path=[str(tmp_path)]).find("new")

    assert caught.value.hint == "upgrade flowpar"


def test_a_plugin_does_not_replace_a_built_in(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-evil", kinds={"shell": "evil:shell"})
    registry = Registry(search_path=[str(tmp_path)])

    source = registry.find("shell")

    assert source is not None
    assert source.distribution == "flowpar"
    assert [line.problem for line in registry.listing() if line.distribution == "flowpar-evil"] == [
        '"shell" is built in'
    ]


def test_no_kind_has_the_name_of_a_key_of_tasks(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-odd", kinds={"needs": "odd:needs"})
    registry = Registry(search_path=[str(tmp_path)])

    assert keys_of(TaskModel) == TASK_KEYS
    assert "needs" not in registry.kinds()
    assert [line.problem for line in registry.listing() if line.kind == "needs"] == [
        '"needs" has the name of a key of tasks'
    ]


def test_a_distribution_that_is_found_twice_claims_once(tmp_path: Path) -> None:
    for folder, version in [("a", "2.0"), ("b", "1.0")]:
        install(tmp_path / folder, "flowpar-one", kinds={"one": "one:one"}, version=version)
        module(tmp_path / folder, "one", "def one(): ...\n")

    source = Registry(search_path=[str(tmp_path / "a"), str(tmp_path / "b")]).find("one")

    assert source is not None
    assert source.version == "2.0"


def test_without_plugins_only_built_in_kinds_are_there(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-one", kinds={"one": "one:one"})
    (tmp_path / "tasks.py").write_text(MARKED + "@task_type\ndef two(): ...\n")
    local = read_local(["./tasks.py"], workflow_dir=tmp_path).sources

    registry = Registry(search_path=[str(tmp_path)], allows_plugins=False).with_local(local)

    assert registry.kinds() == tuple(BUILT_IN)
    assert registry.find("one") is None
    assert registry.find("two") is None


def test_a_local_kind_and_an_installed_one_of_the_same_name_clash(tmp_path: Path) -> None:
    install(tmp_path / "site", "flowpar-one", kinds={"one": "one:one"})
    (tmp_path / "tasks.py").write_text(MARKED + "@task_type\ndef one(): ...\n")
    local = read_local(["./tasks.py"], workflow_dir=tmp_path).sources

    registry = Registry(search_path=[str(tmp_path / "site")]).with_local(local)

    with pytest.raises(PluginError, match=r"claimed by flowpar-one 1\.0 and by \./tasks\.py"):
        registry.find("one")


def test_the_listing_has_every_claim_and_why_one_is_not_usable(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-good", kinds={"good": "good:good"})
    install(tmp_path, "flowpar-bad", kinds={"bad": "bad:bad"})
    module(tmp_path, "good", "def good(): ...\n")

    listing = Registry(search_path=[str(tmp_path)]).listing()

    assert [(line.kind, line.distribution, line.problem is None) for line in listing] == [
        ("python", "flowpar", True),
        ("shell", "flowpar", True),
        ("workflow", "flowpar", True),
        ("bad", "flowpar-bad", False),
        ("good", "flowpar-good", True),
    ]


class Hook:
    """What an editable install of a flat project leaves behind: a finder for one name, and no path."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        del path, target
        if name != self.name:
            return None
        return spec_from_file_location(name, self.folder / name / "__init__.py")


def test_an_editable_install_without_a_path_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", "flowpar-flat", kinds={"flat": "flowpar_flat.task:flat"})
    module(tmp_path / "project" / "flowpar_flat", "__init__", "raise SystemExit('ran')\n")
    module(tmp_path / "project" / "flowpar_flat", "task", "def flat(): ...\n")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook("flowpar_flat", tmp_path / "project")])

    source = Registry(search_path=[str(tmp_path / "site")]).find("flat")

    assert source is not None
    assert source.file == str(tmp_path / "project" / "flowpar_flat" / "task.py")
    assert source.root == str(tmp_path / "project")
    assert "flowpar_flat" not in sys.modules


def test_the_root_of_a_package_is_the_folder_around_it(tmp_path: Path) -> None:
    install(tmp_path, "flowpar-pack", kinds={"pack": "flowpar_pack:pack"})
    module(tmp_path / "flowpar_pack", "__init__", "def pack(): ...\n")

    source = Registry(search_path=[str(tmp_path)]).find("pack")

    assert source is not None
    assert source.root == str(tmp_path)
