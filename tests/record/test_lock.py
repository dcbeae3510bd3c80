from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import StateError
from flowpar.record.lock import Lock, holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOLD = """
import subprocess, sys
from pathlib import Path
from flowpar.record.lock import Lock

lock = Lock.take(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock and has a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process
    process.kill()
    process.communicate(timeout=60)
    os.kill(child, 9)


def test_a_lock_keeps_others_out_and_names_its_holder(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(
        StateError, match=rf'^the run in "{re.escape(str(tmp_path))}" is in use by process {other.pid}$'
    ):
        Lock.take(tmp_path)

    assert holder(tmp_path) == other.pid


def test_the_lock_of_a_killed_process_is_free_though_its_child_lives(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait(timeout=60)

    assert holder(tmp_path) is None
    with Lock.take(tmp_path):
        assert holder(tmp_path) == os.getpid()


class LateRelease:
    """Somebody else's lock, which is free at a later try only."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def __call__(self, number: int, operation: int) -> None:
        if operation & fcntl.LOCK_EX and self.left:
            self.left -= 1
            raise BlockingIOError
        fcntl.flock(number, operation)


def test_a_killed_process_that_has_not_let_go_yet_is_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as dead:
        dead.kill()
        os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "lock").write_text(f"{dead.pid}\n")

        with Lock.take(tmp_path, flock=LateRelease(30)):
            assert holder(tmp_path) == os.getpid()


def test_a_process_that_goes_on_is_not_waited_for(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    late = LateRelease(30)

    with pytest.raises(StateError, match=f"in use by process {other.pid}"):
        Lock.take(tmp_path, flock=late)

    assert late.left > 0


def test_a_lock_that_is_let_go_can_be_taken(tmp_path: Path) -> None:
    Lock.take(tmp_path).close()

    with Lock.take(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None


def test_who_only_looks_stops_nobody(tmp_path: Path) -> None:
    Lock.take(tmp_path).close()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            holder(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            Lock.take(tmp_path).close()
    finally:
        is_over.set()
        looking.join(timeout=60)

    assert holder(tmp_path) is None


def test_a_run_that_was_never_locked_has_no_holder(tmp_path: Path) -> None:
    assert holder(tmp_path) is None


def test_the_lock_is_its_owners_and_no_link_is_followed(tmp_path: Path) -> None:
    Lock.take(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
    (tmp_path / "lock").unlink()
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StateError, match="cannot lock the run"):
        Lock.take(tmp_path)

    assert not (tmp_path / "elsewhere").exists()


def refuse(number: int, operation: int) -> None:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


def nod(number: int, operation: int) -> None:
    """Lock nothing, and say nothing."""


@pytest.mark.parametrize("flock", [refuse, nod])
def test_a_file_system_without_locks_is_said(tmp_path: Path, flock: Callable[[int, int], None]) -> None:
    with pytest.raises(StateError, match="cannot lock files") as refused:
        Lock.take(tmp_path, flock=flock)

    assert refused.value.hint == "choose a folder on a local disk with --state-dir"


def test_a_run_that_is_gone_is_not_locked(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot lock the run in .*: no such file or directory"):
        Lock.take(tmp_path / "gone")


def test_a_run_that_was_removed_while_we_waited_is_not_locked(tmp_path: Path) -> None:
    def remove_and_lock(number: int, operation: int) -> None:
        fcntl.flock(number, operation)
        if operation & fcntl.LOCK_EX:
            (tmp_path / "lock").rename(tmp_path / "old")
            (tmp_path / "lock").touch()
        else:
            raise BlockingIOError

    with pytest.raises(StateError, match="it was removed"):
        Lock.take(tmp_path, flock=remove_and_lock)


def test_a_pid_that_nobody_wrote_is_no_harm(tmp_path: Path) -> None:
    with Lock.take(tmp_path):
        (tmp_path / "lock").write_bytes(b"\xff\0garbage")

        assert holder(tmp_path) == 0
        with pytest.raises(StateError, match="by another process"):
            Lock.take(tmp_path)
