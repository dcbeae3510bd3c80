"""Executors that plugins bring: found by name, imported where they are used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode, PluginError
from flowpar.core.executors import EXECUTORS, address_variable, split_address
from flowpar.plugin.executors import InstalledExecutors
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


def install(folder: Path, distribution: str, target: str, *, name: str = "far") -> None:
    record = folder / f"{distribution}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(f"[flowpar.executors]\n{name} = {target}\n")


def installed(folder: Path, **options: bool) -> InstalledExecutors:
    return InstalledExecutors(search_path=[str(folder)], **options)


def test_a_name_is_known_without_importing_anything(tmp_path: Path) -> None:
    install(tmp_path, "flowpar_far", "flowpar_far_away:Far")

    assert installed(tmp_path).names == ("far",)
    assert installed(tmp_path).problem("far") is None
    assert "flowpar_far_away" not in sys.modules


def test_it_is_listed_beside_the_task_types(tmp_path: Path) -> None:
    install(tmp_path, "flowpar_far", "flowpar_far_away:Far")

    listed = {line.kind: line for line in Registry(search_path=[str(tmp_path)]).listing()}

    assert (listed["far"].brings, listed["far"].distribution) == ("executor", "flowpar_far")
    assert listed["shell"].brings == "task type"


def test_none_is_known_without_plugins(tmp_path: Path) -> None:
    install(tmp_path, "flowpar_far", "flowpar_far_away:Far")

    assert installed(tmp_path, allows_plugins=False).names == ()


def test_no_plugin_replaces_one_of_ours(tmp_path: Path) -> None:
    install(tmp_path, "flowpar_far", "flowpar_far_away:Far", name="pool")

    assert installed(tmp_path).names == ()


def test_two_claims_are_an_error_that_names_both(tmp_path: Path) -> None:
    install(tmp_path, "one", "one:Far")
    install(tmp_path, "two", "two:Far")

    with pytest.raises(PluginError, match=r'"far" is claimed by one 1\.0 and by two 1\.0'):
        installed(tmp_path).find("far")


def test_who_is_not_there_says_what_is_and_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match='there is no executor "dask"; there are: process, pool') as caught:
        installed(tmp_path).load("dask")

    assert caught.value.hint == "pip install flowpar-dask"
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_who_is_misspelt_is_told_who_was_meant(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        installed(tmp_path).load("threads")

    assert caught.value.hint == 'did you mean "thread"?'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise ValueError('no')\n", r"of flowpar_far 1\.0 can't be imported: ValueError: no"),
        ("class Near: ...\n", "can't be imported: AttributeError"),
        ("class Far:\n    api = 99\n", "needs plugin API 99, but flowpar"),
    ],
)
def test_what_can_not_be_used_is_an_error_with_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    module = f"far_{abs(hash(text))}"
    (tmp_path / f"{module}.py").write_text(text)
    install(tmp_path, "flowpar_far", f"{module}:Far")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(PluginError, match=told):
        installed(tmp_path).load("far")


def test_an_address_stands_after_the_name() -> None:
    assert split_address("dask=tcp://host:8786") == ("dask", "tcp://host:8786")
    assert split_address("dask") == ("dask", "")
    assert address_variable("my-far") == "FLOWPAR_EXECUTOR_MY_FAR"
    assert "dask" not in EXECUTORS
