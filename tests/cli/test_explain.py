"""The pages on findings, from the command line."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest

from flowpar.cli.main import main

PROJECT = Path(__file__).parents[2]
PAGES = PROJECT / "docs" / "errors"


@pytest.mark.parametrize("typed", ["FP406", "fp406"])
def test_a_code_is_explained_by_its_page(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", typed]) == 0

    assert capsys.readouterr().out == (PAGES / "FP406.md").read_text(encoding="utf-8")


def test_without_a_code_all_are_listed_with_their_titles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(PAGES.glob("FP*.md"))) > 100
    assert lines[0] == "FP101: the file can't be read"


@pytest.mark.parametrize(("typed", "hint"), [("FP4006", 'did you mean "FP406"?'), ("hello", "lists them")])
def test_a_code_that_is_not_there_is_one_line(typed: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", typed]) == 2

    told = capsys.readouterr().err
    assert told.startswith(f'flowpar: there is no finding "{typed}"; ')
    assert hint in told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_check_says_where_more_is_on_a_terminal_only(
    stream: type[io.StringIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.yaml").write_text("flowpar: 1\ntask: {}\n")
    monkeypatch.setattr(sys, "stderr", stream())

    assert main(["check", str(tmp_path / "w.yaml"), "--color", "never"]) == 2

    assert isinstance(sys.stderr, io.StringIO)
    hint = ["flowpar explain FP120 says more"] if stream is Terminal else []
    assert sys.stderr.getvalue().splitlines() == ["2 errors", *hint]


def test_a_distribution_brings_the_pages_along() -> None:
    build = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    assert build["targets"]["wheel"]["force-include"] == {"docs/errors": "flowpar/pages"}
    assert "docs" in build["targets"]["sdist"]["include"]
