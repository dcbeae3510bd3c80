"""Each diagnostic code has a page, and each page shows what `flowpar check` really says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.cli.main import main
from flowpar.testing.page import Block, blocks, commands

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).parents[2]
PAGES = sorted((PROJECT / "docs" / "errors").glob("FP*.md"))
CODE = re.compile(r"""["'](FP\d{3})["']""")
COUNT_LINE = re.compile(r"\n?[^\n]*\d+ (error|warning|finding)s?[^\n]*\n*\Z")


def codes_in_source() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (PROJECT / "flowpar").rglob("*.py"))
    return {code for text in texts for code in CODE.findall(text)}


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in PAGES} == codes_in_source()


def in_section(page: str, section: str) -> list[Block]:
    return [block for block in blocks(page) if block.section == section]


def write_files(found: Sequence[Block], folder: Path) -> None:
    for block in found:
        name = "workflow.yaml" if block.language == "yaml" and not block.name else block.name
        if name and block.language in {"yaml", "python"}:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block.text, encoding="utf-8")


def check(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    capsys.readouterr()
    # What is installed beside flowpar on some machine belongs to no page; plugin files of a page's own do.
    has_own = "\nplugins:" in (folder / "workflow.yaml").read_text(encoding="utf-8")
    strict = ["--strict"] if "--strict" in page else []
    main(["check", *([] if has_own else ["--no-plugins"]), *strict, "workflow.yaml"])
    told = capsys.readouterr()
    return told.out + told.err


def findings_of(told: str) -> list[str]:
    return COUNT_LINE.sub("", told).rstrip().splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_form(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.match(rf"# {page.stem}: \S[^\n]*\n\n\S", text)
    sections = {block.section for block in blocks(text)}
    languages = [block.language for block in in_section(text, "Example")]
    assert {"Example", "Instead"} <= sections
    assert "console" in languages or languages[-2:] == ["yaml", "text"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_is_told_as_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page.read_text(encoding="utf-8")
    found = in_section(text, "Example")
    write_files(found, tmp_path)
    if found[-1].language == "console":
        assert_console(found[-1], tmp_path)
        return

    told = findings_of(check(text, tmp_path, monkeypatch, capsys))

    assert f"[{page.stem}]" in found[-1].text
    assert told == found[-1].text.rstrip().splitlines()


def assert_console(block: Block, folder: Path) -> None:
    for command in commands(block):
        variables, words = command.taken_apart()
        assert words[0] == "flowpar"
        done = warm.run(words[1:], cwd=folder, env={"NO_COLOR": "1", "PATH": "/usr/bin:/bin", **variables})
        assert [line for line in done.stderr.splitlines() if line] == list(command.output)
        assert done.returncode != 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_instead_has_no_such_finding(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page.read_text(encoding="utf-8")
    write_files(in_section(text, "Example"), tmp_path)
    instead = in_section(text, "Instead")
    if not any(block.language == "yaml" for block in instead):
        assert any(block.language == "console" for block in instead)
        return
    write_files(instead, tmp_path)

    told = check(text, tmp_path, monkeypatch, capsys)

    assert f"[{page.stem}]" not in told
    assert "error[" not in told
