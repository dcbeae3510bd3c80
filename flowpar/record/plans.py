"""Files of frozen plans: one in each run's folder, the newest of each workflow and its inputs below `plans/`, too.

    <state>/
      plans/<workflow>-<what was given>     the same file as the `plan` of the run that wrote it, where links work
      runs/<run id>/plan

They save time and nothing else: whatever is wrong with one, it is not there. What stands in a file is
sealed with its checksum, so a torn or damaged one is noticed; who could forge one is its owner.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from flowpar.core.checksum import checksum
from flowpar.core.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.record.folder import RunFolder

PLAN = "plan"
_FOLDER = "plans"
_HEAD = b"flowpar plan 1 "
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_LARGEST_BYTES = 1 << 30
_MOST_OF_A_WORKFLOW = 8
_MOST = 64


def read_plan(path: Path) -> bytes | None:
    """Return what was kept in a file; None where there is none, or it is not whole, ours, and ours alone."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as stream:
            found = os.fstat(stream.fileno())
            is_private = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
            content = stream.read(_LARGEST_BYTES) if is_private and found.st_size < _LARGEST_BYTES else b""
    except OSError:
        return None
    head, _, body = content.partition(b"\n")
    return body if head == _seal(body) else None


def plan_of(state_dir: Path, workflow: str, given: str) -> Path:
    """Return where the newest plan of a workflow is kept that was made for these inputs; both are digests."""
    return state_dir / _FOLDER / f"{workflow}-{given}"


def write_plan(folder: RunFolder, body: bytes) -> None:
    """Keep a plan with its run, as far as there is room for it."""
    with contextlib.suppress(MachineError):
        folder.write(PLAN, _seal(body) + b"\n" + body)


def share_plan(folder: RunFolder, path: Path) -> None:
    """Keep a run's plan for runs to come, and drop the oldest ones of the workflow."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent.is_symlink():
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        os.link(folder.path / PLAN, draft)
        draft.replace(path)
        _drop_oldest(path)


def take_plan(path: Path, folder: RunFolder) -> None:
    """Give a run the plan that was kept: who goes on with it finds it there."""
    with contextlib.suppress(OSError):
        os.utime(path)  # it is the newest again
        os.link(path, folder.path / PLAN, follow_symlinks=False)


def drop_loose_plans(state_dir: Path) -> None:
    """Remove the plans of workflows whose runs are all gone."""
    with contextlib.suppress(OSError):
        for path in (state_dir / _FOLDER).iterdir():
            if path.lstat().st_nlink == 1:
                path.unlink()


def _drop_oldest(newest: Path) -> None:
    ages = {path: path.lstat().st_mtime_ns for path in newest.parent.iterdir() if path != newest}
    others = sorted(ages, key=ages.__getitem__, reverse=True)
    workflow = newest.name.partition("-")[0]
    of_workflow = [path for path in others if path.name.partition("-")[0] == workflow]
    for path in {*of_workflow[_MOST_OF_A_WORKFLOW - 1 :], *others[_MOST - 1 :]}:
        path.unlink(missing_ok=True)


def _seal(body: bytes) -> bytes:
    return _HEAD + checksum([body]).encode()
