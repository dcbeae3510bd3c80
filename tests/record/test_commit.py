from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from flowpar.record.commit import commit_of, work_tree_of

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(folder: Path, head: str) -> Path:
    git = folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text(head)
    (folder / "inner").mkdir()
    return git


def test_the_commit_is_read_from_a_branch_from_packed_refs_and_from_a_bare_head(tmp_path: Path) -> None:
    loose = checkout(tmp_path / "loose", "ref: refs/heads/main\n")
    (loose / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    packed = checkout(tmp_path / "packed", "ref: refs/heads/main\n")
    (packed / "packed-refs").write_text(f"# pack-refs\n{'f' * 40} refs/heads/other\n{COMMIT} refs/heads/main\n")
    checkout(tmp_path / "bare", f"{COMMIT}\n")

    for name in ("loose", "packed", "bare"):
        assert commit_of(str(tmp_path / name / "inner")) == COMMIT


def test_a_further_work_tree_has_its_refs_in_the_first_one(tmp_path: Path) -> None:
    git = checkout(tmp_path / "main", "ref: refs/heads/main\n")
    (git / "refs" / "heads" / "side").write_text(f"{COMMIT}\n")
    (git / "worktrees" / "side").mkdir(parents=True)
    (git / "worktrees" / "side" / "HEAD").write_text("ref: refs/heads/side\n")
    (git / "worktrees" / "side" / "commondir").write_text("../..\n")
    (tmp_path / "side").mkdir()
    (tmp_path / "side" / ".git").write_text(f"gitdir: {git / 'worktrees' / 'side'}\n")

    assert commit_of(str(tmp_path / "side")) == COMMIT


@pytest.mark.parametrize("head", ["", "ref: ../../secret", "ref: /etc/passwd", "ref: refs/heads/none", "\0", "0123"])
def test_what_is_no_commit_is_none(tmp_path: Path, head: str) -> None:
    checkout(tmp_path, head)

    assert commit_of(str(tmp_path)) == ""


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_git_says_which_files_differ_and_whether_they_did_at_a_time(tmp_path: Path) -> None:
    me = ("-c", "user.name=a", "-c", "user.email=a@b")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *me, *arguments], cwd=tmp_path, check=True)  # noqa: S607

    git("init", "-q")
    for name in ("same.py", "old.py", "gone.py"):
        (tmp_path / name).write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    clean = work_tree_of(str(tmp_path))
    (tmp_path / "old.py").write_text("x = 22\n")
    os.utime(tmp_path / "old.py", (1000, 1000))

    changed = work_tree_of(str(tmp_path))

    assert clean is not None
    assert changed is not None
    assert (clean.changed, changed.changed) == ((), ("old.py",))
    assert clean.commit == changed.commit == commit_of(str(tmp_path))
    assert changed.was_changed_by(time.time())
    assert not changed.was_changed_by(999)


def test_where_there_is_no_checkout_git_has_nothing_to_say(tmp_path: Path) -> None:
    assert work_tree_of(str(tmp_path)) is None or commit_of(str(tmp_path))
