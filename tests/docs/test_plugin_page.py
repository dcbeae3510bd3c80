"""The distribution that docs/plugins.md shows is whole: installed as it stands, its own tests pass."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flowpar.testing.page import blocks

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
NAME = "flowpar-checksum"


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """Write the files of the page, and what an installer would leave behind for them."""
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.name and block.name.startswith(NAME):
            file = tmp_path / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    folder = tmp_path / NAME
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    installed = folder / "src" / f"{NAME.replace('-', '_')}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [f"{kind} = {target}" for kind, target in project["entry-points"]["flowpar.tasks"].items()]
    (installed / "entry_points.txt").write_text("\n".join(["[flowpar.tasks]", *points, ""]))
    (folder / "src" / "flowpar_checksum" / "__init__.py").write_text('"""The task type `checksum`."""\n')
    return folder


def run(distribution: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=distribution,
        env={**os.environ, "PYTHONPATH": str(distribution / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_its_own_tests_pass(distribution: Path) -> None:
    done = run(distribution, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "tests")

    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout


def test_it_is_listed(distribution: Path) -> None:
    done = run(distribution, "flowpar", "plugins")

    assert "checksum" in done.stdout
    assert "flowpar-checksum 1.0" in done.stdout


def test_its_own_check_is_heard(distribution: Path) -> None:
    (distribution / "w.yaml").write_text(
        "flowpar: 1\nname: w\ntasks:\n  a:\n    checksum: {file: w.yaml, algorithm: md5}\n"
    )

    done = run(distribution, "flowpar", "check", "w.yaml")

    assert done.returncode == 0
    assert "w.yaml:5:41: warning[FP608]: md5 is broken; sha256 is as fast" in done.stdout


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """Write the executor of the page, and what an installer would leave behind for it."""
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.name and block.name.startswith("flowpar-far"):
            file = tmp_path / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    installed = tmp_path / "flowpar-far" / "src" / "flowpar_far-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: flowpar-far\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[flowpar.executors]\nfar = flowpar_far:Far\n")
    return tmp_path / "flowpar-far"


def test_the_executor_passes_its_suite(far: Path) -> None:
    done = run(far, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "tests")

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_executor_runs_a_workflow_and_keeps_what_it_prints(far: Path) -> None:
    (far / "workflow.yaml").write_text("flowpar: 1\ntasks: {a: {shell: echo hello}}\n")

    done = run(far, "flowpar", "run", "workflow.yaml", "--executor", "far")

    assert done.returncode == 0, done.stderr
    assert run(far, "flowpar", "logs", "last").stdout == "hello\n"
