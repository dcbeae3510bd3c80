"""The whole language is the same on each built-in executor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.testing.language import CASES, LanguageContract, examples_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

LANGUAGE = Path(__file__).parents[2] / "docs" / "language.md"
OTHER_FOLDER = dict.fromkeys(
    ("library.yaml", "halving.yaml", "patient.yaml", "by_name.yaml"),
    "a sub-workflow in another folder can't share a process (FP259)",
)
pytestmark = pytest.mark.timeout(180)


class OfOurOwn(LanguageContract):
    name: ClassVar[str]

    @pytest.fixture
    def executor(self) -> str:
        return self.name

    def command(
        self, words: Sequence[str], folder: Path, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = warm.run(words, cwd=folder, env=variables)
        return done


class TestPool(OfOurOwn):
    name = "pool"


@pytest.mark.soak
class TestPoolByTheDocuments(OfOurOwn):
    name = "pool"
    pages = (LANGUAGE,)


@pytest.mark.soak
class TestThread(OfOurOwn):
    name = "thread"
    pages = (CASES, LANGUAGE)
    left_out: ClassVar = {
        **OTHER_FOLDER,
        "failures.yaml": "threads have no memory of their own, and can't be ended one by one",
        "items.yaml": "a thread that kills itself takes the others along",
        "alone.yaml": "threads have no folder and no environment of their own",
    }


@pytest.mark.soak
class TestInline(OfOurOwn):
    name = "inline"
    pages = (CASES, LANGUAGE)
    left_out: ClassVar = {**OTHER_FOLDER, "failures.yaml": "one process has one memory for all"}


def test_each_workflow_of_the_language_is_an_example() -> None:
    found = list(examples_of(LANGUAGE.read_text(encoding="utf-8")))

    assert len(found) > 30
    assert {("words.yaml", ("-i", "top=1")), ("upload.yaml", ())} <= {(each.file, each.options) for each in found}
    assert [dict(each.variables) for each in found if each.file == "upload.yaml"] == [
        {"UPLOAD_TOKEN": "hunter2-hunter2"}
    ]
