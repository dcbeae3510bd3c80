"""What the documents show is true: workflows check, Python compiles, commands run."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.cli.main import main
from flowpar.testing.language import BOOKS
from flowpar.testing.page import Block, Command, blocks, commands, shows

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).parents[2]
PAGES = [
    PROJECT / "README.md",
    *sorted((PROJECT / "docs").glob("*.md")),
    *sorted((PROJECT / "docs").glob("decisions/*.md")),
]


def is_workflow(block: Block) -> bool:
    return block.language == "yaml" and "flowpar: 1" in block.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the data that the pages speak of."""
    for place in ("books", "data/books"):
        (tmp_path / place).mkdir(parents=True)
        for name, text in BOOKS.items():
            (tmp_path / place / name).write_text(text)
    return tmp_path


@pytest.mark.timeout(300)  # a page may run twenty workflows
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_keeps_its_word(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    found = list(blocks(page.read_text(encoding="utf-8")))
    wrong = files_with_findings(found)
    for block in found:
        place = f"{page.name}:{block.line}"
        if block.name and block.language in {"python", "yaml", "toml", "json", "dotenv"}:
            Path(block.name).parent.mkdir(parents=True, exist_ok=True)
            Path(block.name).write_text(block.text, encoding="utf-8")
        if block.language == "python":
            assert compile(block.text, place, "exec") is not None
        elif is_workflow(block) and block.name not in wrong:
            assert_checks(block, place, capsys)
        elif block.language == "yaml":
            assert yaml.safe_load(block.text) is not None, place
        elif block.language == "console":
            for command in commands(block):
                assert_runs(command, place)


def files_with_findings(found: Sequence[Block]) -> set[str]:
    """Return the files of which a command of the page shows that they are wrong."""
    shown = [command for block in found if block.language == "console" for command in commands(block)]
    return {word for command in shown if command.exit_code for word in command.text.split()}


def assert_checks(block: Block, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = block.name or "workflow.yaml"
    Path(name).write_text(block.text, encoding="utf-8")

    code = main(["check", name])

    assert code == 0, f"{place}\n{''.join(capsys.readouterr())}"


def assert_runs(command: Command, place: str) -> None:
    """Run what starts with `flowpar`; other commands are for the reader."""
    variables, words = command.taken_apart()
    if words[0] != "flowpar":
        return
    done = warm.run(words[1:], env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **variables}, is_merged=True)
    assert done.returncode == command.exit_code, f"{place}: {command.text}\n{done.stdout}"
    # The pages are written for machines of several cores.
    told = iter(done.stdout.replace(", 1 worker\n", ", 1 workers\n").splitlines())
    for expected in command.output:
        assert any(shows(expected, line) for line in told), f"{place}: no {expected!r} (any more) in\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in target]

    lost = [target for target in targets if not (page.parent / target).exists()]

    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_project_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:flowpar|tests|docs|plugins|schemas|workflows)/[\w./-]+)`", text)

    lost = [name for name in named if not (PROJECT / name).exists()]

    assert not lost
