"""The lock of a run: whoever goes on with it, or removes it, holds it, and the system lets go of it at any death.

    <run folder>/lock     empty but for the pid of its holder, for messages; flock on it is the truth

The descriptor is closed on exec, and the engine never forks without exec, so no child keeps the lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.errors import StateError
from flowpar.core.point import point

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    Flock = Callable[[int, int], object]

_NAME = "lock"
_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
# Who looks whether a run is locked holds the lock for a moment; that must not stop who wants it. On a busy machine one
# nap may last as long as all of these should: so tries are counted, not time.
_TRIES = 25
_NAP_S = 0.01
# A killed process has its locks until it is given a processor, or its disk has answered.
_END_PATIENCE_S = 30.0
_STATE, _FLAGS, _PENDING = 0, 6, 28  # places in /proc/<pid>/stat, after the name
_IS_EXITING = 0x4
_UNKNOWN_PID = 0


class Lock:
    """The lock of one run, held until it is closed or this process ends."""

    def __init__(self, number: int) -> None:
        """Own a descriptor that holds the lock; `take` makes them."""
        self._number = number

    @classmethod
    def take(cls, run_dir: Path, *, flock: Flock = fcntl.flock) -> Lock:
        """Take the lock of a run; raises `StateError`, which names the holder, where somebody has it.

        `flock` is the system's.
        """
        try:
            point("lock.create")
            number = os.open(run_dir / _NAME, _OPEN | os.O_CREAT, 0o600)
        except OSError as error:
            raise _refusal(run_dir, error) from error
        try:
            point("lock.lock")
            _lock(number, flock)
            _prove(run_dir, flock)
            _check_same(number, run_dir)
            point("lock.write")
            os.ftruncate(number, 0)
            os.pwrite(number, b"%d\n" % os.getpid(), 0)
        except BlockingIOError as error:
            user = _user_in(number)
            os.close(number)
            raise StateError(f'the run in "{run_dir}" is in use by {user}', hint="wait until it ends") from error
        except OSError as error:
            os.close(number)
            raise _refusal(run_dir, error) from error
        return cls(number)

    def close(self) -> None:
        """Let go of the lock."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __enter__(self) -> Self:
        """Hold the lock."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of the lock."""
        self.close()


def holder(run_dir: Path) -> int | None:
    """Return the pid of the process that holds the lock of a run (0 where it has not said it yet), or None."""
    try:
        number = os.open(run_dir / _NAME, (_OPEN & ~os.O_RDWR) | os.O_RDONLY)
    except OSError:
        return None  # there never was one, or it is not for us to see
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(number)
    except OSError:
        return None  # a file system without locks: no run was ever begun there
    else:
        return None
    finally:
        os.close(number)


def _lock(number: int, flock: Flock) -> None:
    until = time.monotonic() + _END_PATIENCE_S
    for tried in count(1):
        try:
            flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if tried >= _TRIES and (time.monotonic() > until or not _is_ending(_pid_in(number))):
                raise
            time.sleep(_NAP_S)
        else:
            return


def _is_ending(pid: int) -> bool:
    """Whether a process was killed and is about to be gone, where the system shows it (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        is_killed = int(fields[_PENDING]) >> (signal.SIGKILL - 1) & 1
        return fields[_STATE] in {b"Z", b"X"} or bool(is_killed or int(fields[_FLAGS]) & _IS_EXITING)
    except (OSError, ValueError, IndexError):
        return False


def _prove(run_dir: Path, flock: Flock) -> None:
    """Make sure that a second one is kept out: some network and user-space file systems only nod."""
    second = os.open(run_dir / _NAME, _OPEN)
    try:
        flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(second)
    raise OSError(errno.ENOLCK, "it lets two in")


def _check_same(number: int, run_dir: Path) -> None:
    """Make sure that the file is still the run's: the run may have been removed while we waited."""
    if not os.path.samestat(os.fstat(number), (run_dir / _NAME).lstat()):
        raise FileNotFoundError(errno.ENOENT, "it was removed")


def _user_in(number: int) -> str:
    pid = _pid_in(number)
    return "another process" if pid == _UNKNOWN_PID else f"process {pid}"


def _pid_in(number: int) -> int:
    said = os.pread(number, 20, 0).strip()
    return int(said) if said.isdigit() else _UNKNOWN_PID


def _refusal(run_dir: Path, error: OSError) -> StateError:
    if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
        return StateError(
            f'the file system of "{run_dir}" cannot lock files, so two flowpars could write one run',
            hint="choose a folder on a local disk with --state-dir",
        )
    return StateError(f'cannot lock the run in "{run_dir}": {(error.strerror or str(error)).lower()}')
