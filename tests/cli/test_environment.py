from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from flowpar.cli.environment import environment_of
from flowpar.record.commit import commit_of
from flowpar.record.settled import RunFacts, Settled

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
STARTED = 1_763_806_500.0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        me = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *me, *arguments], cwd=tmp_path, check=True)  # noqa: S607

    git("init", "-q")
    (tmp_path / "steps.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return tmp_path


def told(folder: Path, commit: str | None = None) -> dict[str, str]:
    recorded = commit_of(str(folder)) if commit is None else commit
    run = RunFacts(
        run_id="r",
        workflow="w",
        file=str(folder / "workflow.yaml"),
        run_dir=str(folder),
        started_at=datetime.fromtimestamp(STARTED, UTC).isoformat(),
        workers=2,
        layers=(),
        inputs={},
        versions={"python": "3.11", **({"commit": recorded} if recorded else {})},
        options={"fail_fast": True, "timeout": None},
    )
    return dict(environment_of(Settled(run, {}, None, None, ""), None))


def test_a_checkout_without_changes_is_clean(checkout: Path) -> None:
    found = told(checkout)

    assert found["Commit"] == f"{commit_of(str(checkout))[:12]}, clean"
    assert found["Options"] == "fail_fast=True"


@pytest.mark.parametrize(
    ("changed_at", "words"), [(STARTED - 60, "dirty: "), (STARTED + 60, "clean when the run began;")]
)
def test_a_change_counts_for_the_run_when_it_is_older(checkout: Path, changed_at: float, words: str) -> None:
    (checkout / "steps.py").write_text("x = 22\n")
    os.utime(checkout / "steps.py", (changed_at, changed_at))

    found = told(checkout)["Commit"]

    assert words in found
    assert "steps.py" in found


def test_a_checkout_that_went_on_says_where_it_is(checkout: Path) -> None:
    assert told(checkout, "f" * 40)["Commit"].startswith(f"{'f' * 12} (the checkout is at ")


def test_a_run_outside_of_a_checkout_has_no_commit(checkout: Path) -> None:
    assert told(checkout, "")["Commit"] == ""
