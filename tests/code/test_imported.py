"""Which installed packages come with a module, read from sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.code.imported import ImportedPackages
from flowpar.code.library import Library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a folder of installed packages: alpha (with alpha.inner and alpha.other), beta, gamma."""
    site = tmp_path / "lib" / "site-packages"
    for name in ("alpha", "beta", "gamma"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("import delta\n")
    for name in ("inner", "other"):
        (site / "alpha" / f"{name}.py").write_text("")
    (site / "delta.py").write_text("")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def packages(project: Path) -> ImportedPackages:
    return ImportedPackages(Library([str(project), str(project.parent / "lib" / "site-packages")]))


def of(project: Path, text: str) -> tuple[str, ...]:
    (project / "steps.py").write_text(text)
    return packages(project).of("steps")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import alpha", ("alpha",)),
        ("import alpha.inner as one, beta", ("alpha", "alpha.inner", "beta")),
        ("from alpha import inner, VALUE", ("alpha", "alpha.inner")),
        ("from alpha.other import *", ("alpha", "alpha.other")),
        ("import os, json\nfrom pathlib import Path", ()),
        ("import nothing_of_the_kind", ()),
        ("try:\n    import beta\nexcept ImportError:\n    import gamma", ("beta",)),
        ("with open('x'):\n    import beta", ("beta",)),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import beta", ()),
        ("import sys\nif sys.platform == 'win32':\n    import beta", ()),
        ("def late():\n    import beta", ()),
        ("import flowpar.plugin", ()),
        ("import beta\nimport alpha\nimport beta", ("beta", "alpha")),
        ("this is no Python", ()),
    ],
)
def test_what_is_sure_to_be_imported_counts(project: Path, text: str, expected: tuple[str, ...]) -> None:
    assert of(project, text) == expected


def test_the_projects_own_modules_are_followed_and_not_named(project: Path) -> None:
    (project / "pack").mkdir()
    (project / "pack" / "__init__.py").write_text("import gamma\n")
    (project / "pack" / "one.py").write_text("from . import two\nfrom .two import helper\nimport alpha\n")
    (project / "pack" / "two.py").write_text("import beta, pack.one\n")

    assert packages(project).of("pack.one") == ("gamma", "beta", "alpha")


def test_a_module_of_the_project_hides_a_package_of_its_name(project: Path) -> None:
    (project / "beta.py").write_text("import alpha\n")

    assert of(project, "import beta") == ("alpha",)


def test_an_installed_module_comes_itself(project: Path) -> None:
    assert packages(project).of("alpha.inner") == ("alpha", "alpha.inner")


def test_a_script_brings_what_it_imports(project: Path) -> None:
    assert packages(project).of_text("import beta\noutput = beta.x") == ("beta",)
    assert packages(project).of_text("import beta\n!") == ()


def test_whose_a_module_is(project: Path) -> None:
    (project / "steps.py").write_text("")
    asked = packages(project)

    assert [asked.is_of_project(name) for name in ("steps", "alpha", "json", "absent")] == [True, False, False, None]
