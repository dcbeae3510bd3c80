"""Which commit a folder is at, and whether its files differ from it.

commit_of      read from `.git`, two small files: cheap enough for the start of a run
work_tree_of   asked of git, which looks at every file: for a report
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from flowpar.core.frozen import dataclass

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST_BYTES = 1 << 20
_PATIENCE_S = 5.0
# No lock is taken that a git of the user's would wait for, and no program is asked that a repository names.
_STATUS = ("--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--untracked-files=no")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """What a checkout looks like now: the commit it is at, and which of its files differ from that."""

    commit: str
    changed: tuple[str, ...]
    root: str

    def was_changed_by(self, at: float) -> bool:
        """Whether a file that differs now was as it is at a time; one that is gone counts."""
        return any(_changed_at(Path(self.root, name)) <= at for name in self.changed)


def commit_of(folder: str) -> str:
    """Return the commit that is checked out where a folder is, "" where none is found."""
    for parent in (Path(folder), *Path(folder).parents):
        with suppress(OSError, ValueError):
            if (parent / ".git").exists():
                return _commit_in(_git_folder(parent / ".git"))
    return ""


def work_tree_of(folder: str) -> WorkTree | None:
    """Ask git about the checkout that a folder is in; None where there is none, no git, or it takes long."""
    root = _asked(folder, "rev-parse", "--show-toplevel")
    status = None if root is None else _asked(folder, *_STATUS)
    if root is None or status is None:
        return None
    changed, entries = [], iter(status.split("\0"))
    for entry in entries:
        changed.append(entry[3:])
        if entry[:1] in {"R", "C"}:
            next(entries, "")  # the name that it had
    return WorkTree(commit_of(folder), tuple(filter(None, changed)), root.rstrip("\n"))


def _asked(folder: str, *arguments: str) -> str | None:
    import subprocess  # late: a run, which reads a commit, asks nobody

    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],  # noqa: S607 - the git of who asks
            capture_output=True,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout)


def _git_folder(path: Path) -> Path:
    """Return the folder that `.git` is, or names where it is a file: in a submodule, or a further work tree."""
    if path.is_dir():
        return path
    return path.parent / _read(path).removeprefix("gitdir:").strip()


def _commit_in(git: Path) -> str:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return _commit(head)
    name = head.removeprefix("ref:").strip()
    if ".." in name or name.startswith("/"):
        return ""
    common = git
    with suppress(OSError):
        common = git / _read(git / "commondir").strip()
    with suppress(OSError):
        return _commit(_read(common / name).strip())
    with suppress(OSError):
        for line in _read(common / "packed-refs").splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name:
                return _commit(commit)
    return ""


def _commit(text: str) -> str:
    return text if _COMMIT.fullmatch(text) else ""


def _read(path: Path) -> str:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as stream:
        return stream.read(_LARGEST_BYTES).decode("utf-8", "replace")


def _changed_at(path: Path) -> float:
    try:
        return path.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0
