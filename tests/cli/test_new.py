from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from flowpar.cli.main import main

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(distribution: Path) -> None:
    """Leave behind what an installer would."""
    project = tomllib.loads((distribution / "pyproject.toml").read_text())["project"]
    info = distribution / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"{kind} = {target}" for kind, target in project["entry-points"]["flowpar.tasks"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[flowpar.tasks]", *points, ""]))


def done_in(distribution: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=distribution,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(distribution / "src"), str(PROJECT)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_written_passes_its_own_tests_and_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "plugin", "word-count"]) == 0

    out, err = capsys.readouterr()
    made = folder / "flowpar-word-count"
    assert [Path(line) for line in out.splitlines()] == [
        Path("flowpar-word-count", name)
        for name in (
            "pyproject.toml",
            "README.md",
            "workflow.yaml",
            "src/flowpar_word_count/__init__.py",
            "src/flowpar_word_count/py.typed",
            "src/flowpar_word_count/task.py",
            "tests/test_word_count.py",
        )
    ]
    assert err == "next: cd flowpar-word-count && pip install -e '.[tests]' && pytest\n"
    install(made)
    tests = done_in(made, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    assert (tests.returncode, " passed" in tests.stdout) == (0, True), tests.stdout
    run = done_in(made, "flowpar", "run", "workflow.yaml", "-q", "--json")
    assert (run.returncode, run.stdout) == (0, '{"said": "hey hey hey "}\n'), run.stderr


def test_what_is_written_is_in_style(folder: Path) -> None:
    assert main(["new", "plugin", "tidy"]) == 0

    made = folder / "flowpar-tidy"
    style = ["--config", str(PROJECT / "pyproject.toml"), "--config", "lint.isort.known-first-party=['flowpar_tidy']"]
    assert done_in(made, "ruff", "format", "--check", *style[:2], "src", "tests").returncode == 0
    checked = done_in(made, "ruff", "check", *style, "--ignore", "INP001,S101,D,PLR2004", "src", "tests")
    assert checked.returncode == 0, checked.stdout
    assert yaml.safe_load((made / "workflow.yaml").read_text())["flowpar"] == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Up Case", '"Up Case" is no name of a task type; it has lower case letters, digits and _'),
        ("lambda", '"lambda" is a word of Python, and the name of a function is needed; say lambda_task'),
        ("flowpar-shell", '"shell" is built in, and no plugin replaces it; choose another name'),
        ("timeout", '"timeout" is a key that every task has; choose another name'),
    ],
)
def test_a_name_that_no_task_type_can_have_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    assert main(["new", "plugin", name]) == 2

    assert capsys.readouterr().err.rstrip() == f"flowpar: {message}"
    assert list(folder.iterdir()) == []


def test_nothing_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "here").mkdir()
    (folder / "here" / "README.md").write_text("precious\n")

    assert main(["new", "plugin", "tidy", "-o", "here"]) == 2

    assert '"here/README.md" is there already' in capsys.readouterr().err
    assert [path.name for path in (folder / "here").iterdir()] == ["README.md"]
