"""Messages for a thread that waits in a crew: a queue, and a pipe that wakes it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Inbox(Generic[Message]):
    """Owns the pipe; `put` and `close` are for all threads, the rest is for the one that reads."""

    def __init__(self) -> None:
        """Open it; `wake_fd` is readable while there is something to do."""
        self.wake_fd, self._wake = os.pipe()
        for number in (self.wake_fd, self._wake):
            os.set_blocking(number, False)
        self._lock = threading.Lock()
        self._messages: list[Message] = []
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether it still takes messages."""
        return self._is_open

    def put(self, message: Message) -> bool:
        """Leave a message; return whether it was taken: once it is closed none is."""
        with self._lock:
            if self._is_open:
                self._messages.append(message)
                self._call()
            return self._is_open

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._call()

    def _call(self) -> None:
        with suppress(BlockingIOError):  # it is full, and so it wakes
            os.write(self._wake, b"1")

    def take(self) -> list[Message]:
        """Return what came since."""
        with suppress(BlockingIOError):
            os.read(self.wake_fd, 4096)
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def release(self) -> None:
        """Give the pipe back; it was closed before."""
        os.close(self.wake_fd)
        os.close(self._wake)
