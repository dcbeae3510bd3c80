"""An empty folder for each attempt; what is in it is removed afterwards, the folder is used again.

    Scratch      of one attempt
    KeptScratch  of a process that stays, for its attempts one after another

Making and removing a folder waits for the file system's journal, which the run itself keeps busy: up to 3 ms an
attempt. A lock says which are in use, and the kernel lets go of it when a process is killed.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress

_AS_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Scratch:
    """A folder that is claimed for one attempt."""

    def __init__(self, run_dir: str) -> None:
        """Look for a folder below `scratch` of the run folder."""
        self._home = f"{run_dir}/scratch"
        self._lock = -1
        self._folder = ""

    def __enter__(self) -> str:
        """Claim a folder that nobody uses, and empty it where a killed attempt left something."""
        self._claim()
        if os.listdir(self._lock):  # noqa: PTH208 - a thousand times a second
            empty(self._folder)
        return self._folder

    def __exit__(self, *_: object) -> None:
        """Remove what is in it, and let others have it."""
        try:
            if os.listdir(self._folder):  # noqa: PTH208 - the same
                empty(self._folder)
        finally:
            with suppress(OSError):  # a task may have closed whatever it found open
                os.close(self._lock)

    def _claim(self) -> None:
        number = 0
        while not self._is_claimed(f"{self._home}/{number}"):
            number += 1

    def _is_claimed(self, folder: str) -> bool:
        try:
            lock = os.open(folder, _AS_FOLDER)
        except FileNotFoundError:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - the same
            lock = os.open(folder, _AS_FOLDER)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock, self._folder = lock, folder
        return True


class KeptScratch(Scratch):
    """A folder that a process keeps for its attempts: claimed for the first, and looked through where it was touched.

    While it is empty its time of change is that of 1970, which whatever is put there changes: to ask for that is
    a sixth of the work of a list. Where a task took the folder or the lock away, another one is claimed.
    """

    def __init__(self, run_dir: str) -> None:
        """Claim nothing yet."""
        super().__init__(run_dir)
        self._place: tuple[int, int] | None = None
        self._mode = 0

    def __enter__(self) -> str:
        """Return the folder, empty."""
        # A task may have closed the lock, and its number may be that of a stranger's file by now.
        is_held = self._place is not None and self._look(self._lock) is not None
        found = self._look(self._folder) if is_held else None
        if found is None:
            self.close()
            self._claim()
            found = os.fstat(self._lock)
            self._place, self._mode = (found.st_dev, found.st_ino), found.st_mode
        self._tidy(found)
        if found.st_mtime_ns:
            os.utime(self._lock, ns=(0, 0))  # now that nothing of an attempt is left that could put anything there
        return self._folder

    def __exit__(self, *_: object) -> None:
        """Remove what is in it; a descriptor that is no longer the lock is let be."""
        found = self._look(self._lock)
        if found is None:
            self._place = None
        elif not found.st_mtime_ns or self._look(self._folder) is not None:
            self._tidy(found)

    def _tidy(self, found: os.stat_result) -> None:
        if found.st_mode != self._mode:
            os.fchmod(self._lock, stat.S_IMODE(self._mode))
        if found.st_mtime_ns:
            empty(self._folder)

    def close(self) -> None:
        """Let others have the folder."""
        if self._place is not None and self._look(self._lock) is not None:
            os.close(self._lock)
        self._place = None

    def _look(self, place: str | int) -> os.stat_result | None:
        """Return what the folder is like, by its path or by its lock; None where something else is there."""
        try:
            found = os.stat(place)  # noqa: PTH116 - a descriptor has no Path
        except OSError:
            return None
        return found if (found.st_dev, found.st_ino) == self._place else None


def empty(folder: str) -> None:
    """Remove what is in a folder."""
    with os.scandir(folder) as left:
        for entry in left:
            if entry.is_dir(follow_symlinks=False):
                # Late: it brings libraries for archives, whose mappings make each fork of the launcher dearer.
                import shutil

                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108 - the same
