"""The whole language on one executor: what each runnable example comes to there is what it comes to in processes.

    pages ─► Example ─┬─ flowpar run --executor process ───► Ended: exit code, outputs, how each task and item ended
                      └─ flowpar run --executor NAME[=…] ──► Ended, the same

A test file derives `LanguageContract` and names the executor:

    class TestLanguage(LanguageContract):
        @pytest.fixture
        def executor(self, cluster): return f"far={cluster.address}"
"""

# ruff: noqa: S101 - these are tests, and pytest is what runs them

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from flowpar.core.frozen import dataclass, field
from flowpar.record.resume import read_settled
from flowpar.testing.page import blocks, commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowpar.record.settled import Settled, Standing

CASES = Path(__file__).with_name("language.md")
BOOKS = MappingProxyType(
    {"moby.txt": "Call me Ishmael call me", "emma.txt": "Emma Woodhouse handsome clever and rich and rich"}
)
"""What the examples of the documents read, in `books` and `data/books`."""
_KEPT_LANGUAGES = frozenset({"python", "yaml", "toml", "json", "dotenv"})
_SAID_ANYWAY = frozenset({"--json", "-q"})
_DEADLINE_S = 100


@dataclass(frozen=True, slots=True)
class Example:
    """A workflow of a page, how it is run, and the files that the page shows."""

    file: str
    options: tuple[str, ...]
    variables: Mapping[str, str]
    files: Mapping[str, str]

    def lay_out(self, folder: Path) -> None:
        """Write all files."""
        for place in ("books", "data/books"):
            (folder / place).mkdir(parents=True)
            for name, text in BOOKS.items():
                (folder / place / name).write_text(text, encoding="utf-8")
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: `fates` says of each task and item its state, how many attempts it had, and why it failed."""

    exit_code: int
    outputs: str
    fates: Mapping[str, tuple[object, ...]]
    said: str = field(default="", compare=False)


def examples_of(page: str) -> Iterator[Example]:
    """Give the workflows of a page as its console blocks run them; those that none runs are run as they are."""
    found = list(blocks(page))
    files = {block.name: block.text for block in found if block.name and block.language in _KEPT_LANGUAGES}
    runs = [
        _run_of(command.taken_apart()) for block in found if block.language == "console" for command in commands(block)
    ]
    shown = {run.file: run for run in runs if run is not None}
    for block in found:
        if block.language == "yaml" and block.name and "flowpar: 1" in block.text:
            run = shown.get(block.name)
            options, variables = (run.options, run.variables) if run else ((), {})
            yield Example(block.name, options, variables, files)


def _run_of(taken_apart: tuple[Mapping[str, str], Sequence[str]]) -> Example | None:
    variables, words = taken_apart
    if tuple(words[:2]) != ("flowpar", "run") or "&&" in words:
        return None
    return Example(words[2], tuple(word for word in words[3:] if word not in _SAID_ANYWAY), variables, {})


def fates_of(settled: Settled, folder: str) -> dict[str, tuple[object, ...]]:
    """Return how each task and item ended, without what differs from run to run."""
    fates: dict[str, tuple[object, ...]] = {}
    for name, task in settled.tasks.items():
        fates[name] = (*_fate(task.standing, folder), task.item_count)
        for item, standing in task.items.items():
            fates[f"{name}/{item}"] = _fate(standing, folder)
    return fates


def _fate(standing: Standing, folder: str) -> tuple[object, ...]:
    failure = standing.failure
    why = () if failure is None else (failure.kind.value, failure.type, failure.exit_code)
    message = "" if failure is None or failure.kind.value == "died" else failure.message.replace(folder, "")
    return (
        standing.state and standing.state.value,
        standing.attempt,
        standing.round,
        standing.is_tolerated,
        why,
        message,
    )


class LanguageContract:
    """A workflow comes to the same on every executor: outputs, states, attempts, items and failures.

    `pages` are Markdown files whose workflows are run, `left_out` says for the file names of some why they can't be.
    """

    pages: ClassVar[Sequence[Path]] = (CASES,)
    left_out: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def executor(self) -> str:
        """Return what stands after `--executor`."""
        pytest.fail("the suite needs a fixture `executor`, which gives the name of the executor, with its address")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test of each example."""
        if "example" in metafunc.fixturenames:
            found = [each for page in self.pages for each in examples_of(page.read_text(encoding="utf-8"))]
            kept = [each for each in found if each.file not in self.left_out]
            metafunc.parametrize("example", kept, ids=[each.file for each in kept])

    def test_it_comes_to_what_it_comes_to_in_processes(self, example: Example, executor: str, tmp_path: Path) -> None:
        """Whatever the run says beside that may differ."""
        here = self.ended(example, "process", tmp_path / "here")

        there = self.ended(example, executor, tmp_path / "there")

        assert there == here, f"{there.said}\n\nand in processes\n\n{here.said}"

    def ended(self, example: Example, executor: str, folder: Path) -> Ended:
        """Run an example in a folder of its own."""
        folder.mkdir()
        example.lay_out(folder)
        run_dir = folder / "run"
        words = [
            "run",
            example.file,
            *example.options,
            "--executor",
            executor,
            "--run-dir",
            str(run_dir),
            "--json",
            "-w",
            "2",
        ]
        done = self.command(words, folder, {**os.environ, "NO_COLOR": "1", **example.variables})
        fates = fates_of(read_settled(run_dir)[0], str(folder)) if (run_dir / "events.jsonl").exists() else {}
        return Ended(done.returncode, done.stdout.replace(str(folder), ""), fates, done.stderr)

    def command(
        self, words: Sequence[str], folder: Path, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run `flowpar` with arguments."""
        return subprocess.run(
            [sys.executable, "-m", "flowpar", *words],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
