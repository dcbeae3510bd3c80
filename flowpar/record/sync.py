"""A file synced aside: the disk keeps what was written while the run goes on, and whoever needs to know waits."""

from __future__ import annotations

import os
from queue import SimpleQueue
from threading import Thread

_sync = getattr(os, "fdatasync", os.fsync)


class SyncAside:
    """Syncs one file in a thread of its own, which the first `begin` starts; one sync at a time."""

    def __init__(self, number: int) -> None:
        """Know the descriptor, which stays the caller's."""
        self.is_under_way = False
        self._number = number
        self._thread: Thread | None = None
        self._asked: SimpleQueue[str] = SimpleQueue()
        self._answers: SimpleQueue[OSError | None] = SimpleQueue()

    def begin(self) -> bool:
        """Let the thread sync what was written so far; False where none can be had, and nothing has begun."""
        if self._thread is None:
            thread = Thread(target=self._serve, name="flowpar-sync", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # a limit of processes counts threads, too
                return False
            self._thread = thread
        self._asked.put("sync")
        self.is_under_way = True
        return True

    def wait(self) -> None:
        """Wait for the end of a sync that is under way; raises OSError where it failed."""
        error = self._answers.get()
        self.is_under_way = False
        if error is not None:
            raise error

    def close(self) -> None:
        """End the thread; what is under way comes to its end first."""
        if self._thread is not None:
            self._asked.put("")
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        while self._asked.get():
            try:
                _sync(self._number)
            except OSError as error:
                self._answers.put(error)
            else:
                self._answers.put(None)
